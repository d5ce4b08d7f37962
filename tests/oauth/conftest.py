"""A token server of the tests' own, and secrets in the environment as an operator keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import trustme
from pydantic import TypeAdapter
from servers.certificates import authority_file
from servers.token_server import TokenServer

from canary.clock import Clock
from canary.oauth import Token, TokenError, Tokens
from canary.settings import Auth

SECRET = "s3cr3t~of-the-client"
MAILBOX = "desk@ca.test"
Ask = Callable[..., Token]
_AUTH: TypeAdapter[Any] = TypeAdapter(Auth)


@pytest.fixture(scope="session")
def token_server(authority: trustme.CA) -> Iterator[TokenServer]:
    with TokenServer(authority) as running:
        yield running


@pytest.fixture
def server(token_server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> TokenServer:
    """The token server as on its first day; its client's secret is in the environment."""
    monkeypatch.setenv("SECRET", SECRET)
    token_server.heal()
    return token_server


@pytest.fixture
def tokens(authority: trustme.CA, tmp_path: Path) -> Callable[[dict[str, Any]], Tokens]:
    """The tokens that are had as a configuration says, by a clock of their own: nobody shares them."""
    trust = {"ca_file": str(authority_file(authority, tmp_path))}
    return lambda auth: Tokens.of(_AUTH.validate_python(trust | auth), MAILBOX, Clock())


def _pause(seconds: float) -> None:
    Event().wait(seconds)


def got(tokens: Tokens, refused: Token | None = None) -> Token:
    """A token, waited for."""
    return tokens.get(_pause, refused)


def refusal(tokens: Tokens) -> TokenError:
    """Why there is none."""
    with pytest.raises(TokenError) as raised:
        got(tokens)
    return raised.value
