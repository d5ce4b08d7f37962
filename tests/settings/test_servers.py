"""A mail server as the configuration has it: how it is protected, and who logs in there."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from canary.settings import Secret, Server, Tls, is_loopback


class TestServer:
    def test_starttls_unless_said_otherwise(self) -> None:
        server = Server(host="mx.ca.test", port=25)
        context = server.tls_context()
        assert server.tls is Tls.STARTTLS
        assert context is not None
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED

    def test_trusts_the_given_authorities_alone(self, tmp_path: Path) -> None:
        ca_file = tmp_path / "ca.pem"
        trustme.CA().cert_pem.write_to_path(ca_file)
        context = Server(host="mx.ca.test", port=25, ca_file=ca_file).tls_context()
        assert context is not None
        assert len(context.get_ca_certs()) == 1

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
    def test_without_tls_on_loopback(self, host: str) -> None:
        assert Server(host=host, port=25, tls=Tls.NONE).tls_context() is None

    @pytest.mark.parametrize("host", ["mx.ca.test", "10.0.0.1", "localhost.ca.test", "127.0.0.1.ca.test", ""])
    def test_not_without_tls_elsewhere(self, host: str) -> None:
        assert not is_loopback(host)
        with pytest.raises(ValidationError, match="tls: none is only for loopback addresses"):
            Server(host=host, port=25, tls=Tls.NONE)

    @pytest.mark.parametrize("half", [{"username": "u"}, {"password": {"env": "NAME"}}])
    def test_username_and_password_go_together(self, half: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match="username and password go together"):
            Server.model_validate({"host": "h", "port": 1, **half})

    def test_prints_no_secret(self) -> None:
        server = Server(host="localhost", port=1, username="u", password=Secret(env="NAME"))
        assert "password=<secret>" in repr(server)
