"""Tokens of Google for a service account with domain-wide delegation, by google-auth, which asks by our HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any, cast

from pydantic import TypeAdapter

from canary.oauth.asking import Asking
from canary.oauth.token import TokenError
from canary.settings import GoogleAuth, TokenUrl


def from_google(auth: GoogleAuth, subject: str, asking: Asking) -> Mapping[str, Any]:
    """A token server's answer (RFC 6749 section 5.1), in the name of ``subject``. Raises TokenError, and what
    google-auth raises for garbage.
    """
    from google.auth.exceptions import RefreshError  # only who logs in so needs it
    from google.oauth2 import service_account

    key = _key(asking.reveal(auth.key, "key"))
    origin, made_of = key["token_uri"], cast(Any, service_account.Credentials).from_service_account_info
    try:
        credentials = made_of(key, scopes=[auth.scope], subject=subject)
    except ValueError as error:
        raise TokenError(f"auth.key is no key of a service account: {asking.quotable(str(error))}") from None

    def by_ours(url: str, body: bytes | None, headers: Mapping[str, str], **_: Any) -> _GoogleAnswer:
        answer = asking.ask(url, origin, headers, body)  # with a body it is a POST
        return _GoogleAnswer(answer.status, {}, answer.content)

    try:
        credentials.refresh(by_ours)
    except RefreshError as error:
        raise asking.refused(origin, *_said(error)) from error
    left = credentials.expiry.replace(tzinfo=UTC) - asking.clock.now() if credentials.expiry else None
    return {"access_token": credentials.token, "expires_in": left.total_seconds() if left else None}


class _GoogleAnswer:
    """An answer as google-auth reads it."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status, self.headers, self.data = status, headers, data


def _key(text: str) -> dict[str, str]:
    """The service account's key. Raises TokenError; what is in it is not repeated."""
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, dict) or not all(isinstance(value, str) for value in key.values()):
        raise TokenError("auth.key is not the JSON file of a service account's key, want it as it was downloaded")
    if key.get("type") != "service_account":
        raise TokenError("auth.key is not a service account's (its type is another one), want one that is")
    try:
        TypeAdapter(TokenUrl).validate_python(key.get("token_uri"))
    except ValueError:
        raise TokenError("auth.key names no token_uri over TLS, want the file as it was downloaded") from None
    return key


def _said(error: Exception) -> list[object]:
    """What the token server said, as the library kept it: its words, or its answer."""
    answer = error.args[1] if len(error.args) > 1 else None
    if isinstance(answer, dict):
        return [answer.get("error"), answer.get("error_description")]
    return [error.args[0] if error.args else "nothing"]
