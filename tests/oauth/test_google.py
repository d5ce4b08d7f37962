"""Tokens of Google for a service account with delegation: google-auth, pointed at the tests' own token server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from oauth.conftest import MAILBOX, got, refusal
from servers.token_server import TokenServer

from canary.oauth import Tokens

Made = Callable[[dict[str, Any]], Tokens]
GOOGLE = {"kind": "google", "key": {"env": "KEY"}}


@pytest.fixture
def key(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> str:
    made = server.google_key()
    monkeypatch.setenv("KEY", made)
    return made


@pytest.mark.parametrize("subject", [None, "boss@ca.test"])
def test_in_the_name_of_the_mailbox(server: TokenServer, tokens: Made, key: str, subject: str | None) -> None:
    token = got(tokens(GOOGLE | ({"subject": subject} if subject else {})))
    (question,) = server.asked
    claims = json.loads(base64.urlsafe_b64decode(question.form["assertion"].split(".")[1] + "=="))
    assert claims["sub"] == (subject or MAILBOX)
    assert claims["scope"] == "https://mail.google.com/"
    assert 3500 < token.ends - token.got <= 3600


REFUSALS = {
    "unauthorized_client": (
        "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the "
        "scopes requested.",
        "grant domain-wide delegation",
    ),
    "invalid_grant": ("Invalid email or User ID", "set auth.subject (or username)"),
    "invalid_grant ": ("Invalid JWT Signature.", "make another one for the service account"),
    "invalid_grant  ": ("Invalid JWT: Token must be a short-lived token (60 minutes)", "set the clock"),
}


@pytest.mark.parametrize("refused", list(REFUSALS))
def test_what_google_refuses_is_told_with_what_to_change(
    server: TokenServer, tokens: Made, key: str, refused: str
) -> None:
    said, change = REFUSALS[refused]
    server.refusal = 400, {"error": refused.strip(), "error_description": said}
    error = refusal(tokens(GOOGLE))
    assert f"{refused.strip()}: {said}"[:60] in str(error)
    assert change in str(error)


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("hunter2", "not the JSON file"),
        ("[" * 20_000, "not the JSON file"),
        ('{"type": "authorized_user"}', "its type is another one"),
        ('{"type": "service_account", "token_uri": "http://evil.test/"}', "no token_uri over TLS"),
        ('{"type": "service_account", "token_uri": "https://localhost/"}', "no key of a service account"),
    ],
)
def test_what_is_no_key_of_a_service_account_is_told_and_not_repeated(
    tokens: Made, monkeypatch: pytest.MonkeyPatch, held: str, told: str
) -> None:
    monkeypatch.setenv("KEY", held)
    error = refusal(tokens(GOOGLE))
    assert told in str(error)
    assert "hunter2" not in str(error)
    assert "evil" not in str(error)
