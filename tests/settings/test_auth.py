"""How one logs in by tokens, as the configuration has it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from canary.settings import GenericAuth, GoogleAuth, MicrosoftAuth, Server

SECRET = {"env": "X"}
MICROSOFT = {"kind": "microsoft", "tenant": "ca.test", "client_id": "c", "secret": SECRET}
GOOGLE = {"kind": "google", "key": SECRET}
OAUTH = {"kind": "oauth", "token_url": "https://login.ca.test/token", "client_id": "c", "client_secret": SECRET}
SERVER = {"host": "imap.ca.test", "port": 993, "username": "desk"}


@pytest.mark.parametrize(("auth", "made"), [(MICROSOFT, MicrosoftAuth), (GOOGLE, GoogleAuth), (OAUTH, GenericAuth)])
def test_each_kind_is_its_own(auth: dict[str, Any], made: type) -> None:
    server = Server.model_validate(SERVER | {"auth": auth})
    assert isinstance(server.auth, made)
    assert hash(server) == hash(Server.model_validate(SERVER | {"auth": auth})), "who has the same shares connections"
    assert "<secret>" in repr(server)


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        (MICROSOFT | {"tenant": "common"}, "wanted the directory"),
        (MICROSOFT | {"tenant": "a/b"}, "wanted the directory"),
        (MICROSOFT | {"tenant": ""}, "wanted the directory"),
        (MICROSOFT | {"certificate": SECRET}, "got both of secret and certificate"),
        ({**MICROSOFT, "secret": None}, "got neither of secret and certificate"),
        (MICROSOFT | {"authority": "http://login.ca.test"}, "wanted an address such as https"),
        (MICROSOFT | {"scope": "a b"}, "wanted one scope"),
        (MICROSOFT | {"client_id": ""}, "at least 1 character"),
        (GOOGLE | {"subject": "nobody"}, "wanted exactly one bare address"),
        ({"kind": "google"}, "key"),
        (OAUTH | {"token_url": "http://login.ca.test/token"}, "wanted an address such as https"),
        (OAUTH | {"token_url": "https://u:p@login.ca.test/token"}, "wanted an address such as https"),
        (OAUTH | {"token_url": "https://login.ca.test:x/"}, "wanted an address such as https"),
        (OAUTH | {"token_url": "https://login.ca.test/a b"}, "wanted an address such as https"),
        (OAUTH | {"token_url": "https://[::1"}, "wanted an address such as https"),
        (OAUTH | {"token_url": "ftp://login.ca.test"}, "wanted an address such as https"),
        ({**OAUTH, "client_secret": None}, "got neither client_secret nor refresh_token"),
        (OAUTH | {"scopes": ["a b"]}, "wanted one scope"),
        (OAUTH | {"client_secret": "hunter2"}, r"want \{file: PATH\}"),
        ({"kind": "password"}, "expected tags"),
    ],
)
def test_wrong_ones_are_refused_and_no_secret_repeated(auth: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as raised:
        Server.model_validate(SERVER | {"auth": auth})
    assert "hunter2" not in str(raised.value)


def test_on_loopback_a_token_server_needs_no_tls() -> None:
    auth = OAUTH | {"token_url": "http://127.0.0.1:8080/token"}
    assert Server.model_validate(SERVER | {"auth": auth}).auth is not None


@pytest.mark.parametrize("change", [{"password": SECRET}, {"username": None}])
def test_tokens_go_with_a_name_and_without_a_password(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="auth goes with a username and without a password"):
        Server.model_validate(SERVER | {"auth": GOOGLE} | change)
