"""How one token is asked for: all of it together holds a budget, and goes to the one host that is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from canary.budgets import TOKEN
from canary.clock import Clock
from canary.echo import Echo
from canary.oauth.token import TokenError
from canary.oauth.words import is_transient, token_advice, with_advice
from canary.outside import HttpAnswer, UnansweredError, ask
from canary.settings import Secret, TokenSettings, tls_context

_SAID = 300
"""Characters of what a token server says that are told."""


class Asking:
    """One attempt to get a token, in a thread of its own; ``clock`` is what it goes by."""

    def __init__(self, auth: TokenSettings, clock: Clock) -> None:
        self._ca_file: Path | None = auth.ca_file
        self.clock, self._began = clock, clock.monotonic()
        self._secrets: list[str] = []

    def reveal(self, secret: Secret, where: str) -> str:
        """A secret, which is kept out of all that is told. Raises TokenError."""
        try:
            revealed = secret.reveal()
        except ValueError as error:
            raise TokenError(f"auth.{where}: {error}") from None
        self._secrets.append(revealed)
        return revealed

    def ask(self, url: str, origin: str, headers: Mapping[str, str], content: bytes | None = None) -> HttpAnswer:
        """Ask at ``url``, if that is the host of ``origin``. Raises TokenError for what is no answer."""
        if _host(url) != _host(origin):
            raise TokenError(
                f"{_host(origin)} sends us on to {_host(url)[:200]}, which is asked for nothing", away=True
            )
        left = (TOKEN.seconds or 0.0) - (self.clock.monotonic() - self._began)
        if left <= 0:
            raise TokenError(f"{_host(origin)}: {TOKEN.too_late()}", away=True)
        budget = replace(TOKEN, seconds=left, number=None)
        question = ask(url, headers, budget, content=content, trust=partial(tls_context, self._ca_file))
        try:
            answer = _run(question)
        except UnansweredError as error:
            raise TokenError(self.quotable(str(error)), away=True) from error
        if 300 <= answer.status < 400:
            raise TokenError(f"{_host(origin)} answers {answer.status}, and sends us elsewhere: it is not followed; "
                             "look at the address of the token server", away=True)  # fmt: skip
        if answer.status >= 500 or answer.status == 429:
            said = self.quotable(answer.text)
            raise TokenError(f"{_host(origin)} answers {answer.status} {answer.reason[:50]}: {said}", away=True)
        return answer

    def refused(self, origin: str, *said: object) -> TokenError:
        """What a token server refuses with, and what to change."""
        text = self.quotable(": ".join(str(word) for word in said if word))
        told = f"{_host(origin)} gives no token: {text}"
        return TokenError(with_advice(told, token_advice(text)), away=is_transient(text))

    def quotable(self, text: str) -> str:
        """What a token server says: short, on one line, without a secret of ours."""
        text = Echo(*self._secrets).removed(text[: 20 * _SAID])
        return "".join(letter if letter.isprintable() else " " for letter in text)[:_SAID]


def _host(url: str) -> str:
    """Scheme, host and port of an address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        return "no address"
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _run(question: Coroutine[Any, Any, HttpAnswer]) -> HttpAnswer:
    """The answer, by an event loop of this thread's own; a look-up of a name that hangs is left behind."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(question)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
