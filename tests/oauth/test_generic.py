"""Tokens of any token server: what it is asked, and refresh tokens that it changes."""

from __future__ import annotations

import base64
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oauth.conftest import SECRET, got, refusal
from servers import certificates
from servers.certificates import authority_file
from servers.token_server import TokenServer

from canary.oauth import Tokens

Made = Callable[[dict[str, Any]], Tokens]


def test_the_clients_own_credentials_in_a_header(server: TokenServer, tokens: Made) -> None:
    got(tokens(server.generic(client_id="a:b", client_secret={"env": "SECRET"}, scopes=["x", "y"], audience="z")))
    (question,) = server.asked
    pair = base64.b64encode(f"a%3Ab:{SECRET}".encode()).decode()
    assert question.headers["authorization"] == f"Basic {pair}"
    assert question.form == {"grant_type": "client_credentials", "scope": "x y", "audience": "z"}


def test_or_in_the_form(server: TokenServer, tokens: Made) -> None:
    got(tokens(server.generic(client_id="c", client_secret={"env": "SECRET"}, client_auth="post")))
    (question,) = server.asked
    assert "authorization" not in question.headers
    assert question.form == {"grant_type": "client_credentials", "client_id": "c", "client_secret": SECRET}


@pytest.mark.parametrize("place", ["a file", "a link to a file"])
def test_a_refresh_token_that_the_server_changes_is_kept_for_the_next_process(
    server: TokenServer, tokens: Made, tmp_path: Path, place: str
) -> None:
    server.rotates = True
    file = real = tmp_path / "refresh"
    if place == "a link to a file":
        real = tmp_path / "secrets" / "refresh"
        real.parent.mkdir()
        file.symlink_to(real)
    real.write_text("refresh-1\n")
    auth = server.generic(refresh_token={"file": str(file)}, client_secret=None)
    for number in range(1, 4):
        got(tokens(auth))  # each by a clock of its own, as a new process has it
        assert server.asked[-1].form["refresh_token"] == f"refresh-{number}"
    assert real.read_text() == "refresh-4\n"
    assert real.stat().st_mode & 0o077 == 0
    assert file.is_symlink() == (file != real)
    assert [path.name for path in real.parent.iterdir() if path.suffix == ".new"] == []


def test_a_refresh_token_of_the_operators_counts_before_one_that_the_server_gave(
    server: TokenServer, tokens: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRESH", "refresh-1")
    server.rotates = True
    shared = tokens(server.generic(refresh_token={"env": "REFRESH"}, client_secret=None))
    token = got(shared)
    monkeypatch.setenv("REFRESH", "refresh-by-hand")
    server.refresh_tokens = {"refresh-by-hand"}
    got(shared, refused=token)
    assert [question.form["refresh_token"] for question in server.asked] == ["refresh-1", "refresh-by-hand"]


def test_a_refresh_token_that_was_revoked_is_told(
    server: TokenServer, tokens: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRESH", "refresh-of-last-year")
    error = refusal(tokens(server.generic(refresh_token={"env": "REFRESH"}, client_secret=None)))
    assert "invalid_grant: Token has been expired or revoked." in str(error)
    assert "another auth.refresh_token" in str(error)
    assert not error.away


def test_a_secret_that_is_not_there_is_told_by_its_setting(
    server: TokenServer, tokens: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET")
    error = refusal(tokens(server.generic(client_secret={"env": "SECRET"})))
    assert str(error) == "auth.client_secret: secret not found, or empty: environment variable SECRET"
    assert not server.asked


def test_a_file_that_holds_no_certificates_is_told(server: TokenServer, tokens: Made) -> None:
    error = refusal(tokens(server.generic(ca_file=__file__)))
    assert "the CAs to trust cannot be read" in str(error)
    assert error.away


def test_a_token_server_of_an_authority_that_is_not_trusted_is_told(
    server: TokenServer, tokens: Made, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = authority_file(certificates.authority(), tmp_path / "other")
    error = refusal(tokens(server.generic(ca_file=str(other))))
    assert "certificate verify failed" in str(error).lower()
    assert not server.asked


def test_nobody_listening_is_told(server: TokenServer, tokens: Made) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refusal(tokens(server.generic(token_url=f"https://127.0.0.1:{port}/token")))
    assert f"https://127.0.0.1:{port}/token: Connection refused" in str(error)
    assert error.away


@pytest.mark.parametrize(("kind", "module"), [("oauth", "oauthlib.oauth2"), ("microsoft", "msal")])
def test_an_extra_that_is_not_installed_is_named(
    server: TokenServer, tokens: Made, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    error = refusal(tokens(server.generic() if kind == "oauth" else server.microsoft()))
    assert f"kind: {kind} needs {module}" in str(error)
    assert "pip install 'cpr-canary[oauth]'" in str(error)
