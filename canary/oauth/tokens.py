"""Access tokens that are kept: whoever logs in at one provider shares one, which is renewed before it ends.

A token server is asked once at a time, in a thread of its own, and all who wait get what comes of it. While a token is
good, nobody waits: a token server that hangs then holds up nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from canary.clock import Clock
from canary.echo import Echo
from canary.oauth.asking import Asking
from canary.oauth.generic import Generic
from canary.oauth.google import from_google
from canary.oauth.microsoft import from_microsoft
from canary.oauth.token import Token, TokenError
from canary.settings import Auth, GoogleAuth, MicrosoftAuth
from canary.threads import DAEMONS

FAILED_FOR = 10.0
"""Seconds for which a token server that failed is not asked again: all who wait are told the same."""
REFUSED_FOR = 60.0
"""Seconds in which a mailbox that goes on refusing has no further token asked for: it is not the token then."""
_RUN = 16
"""Characters in a row of a token that are no chance: it is long, and of few kinds of characters."""
_LOOK_EVERY = 0.05
"""Seconds between two looks of a thread that waits."""

Source = Callable[[Asking], Mapping[str, Any]]
"""Asks for one token; returns the token server's answer."""


class Tokens:
    """The tokens of one provider for one application (of Google: and one mailbox). Every method may be called from any
    thread.
    """

    _of: ClassVar[WeakValueDictionary[tuple[str, Clock], Tokens]] = WeakValueDictionary()
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, auth: Auth, mailbox: str, clock: Clock) -> None:
        self._auth, self._clock, self._lock = auth, clock, threading.Lock()
        self._source = _source(auth, mailbox)
        self._token: Token | None = None
        self._got = deque[str](maxlen=2)
        self._asked: Future[Token] | None = None
        self._failed: tuple[float, TokenError] | None = None
        self._refusing: dict[str, float] = {}

    @classmethod
    def of(cls, auth: Auth, mailbox: str, clock: Clock) -> Tokens:
        """The ones that all share who log in so, for as long as one of them is there."""
        subject = mailbox if isinstance(auth, GoogleAuth) else ""
        key = (f"{type(auth).__name__} {auth.model_dump_json()} {subject}", clock)
        with cls._making:
            return cls._of.setdefault(key, cls(auth, mailbox, clock))

    def echo(self) -> Echo:
        """What must not be shown: the last tokens that were got."""
        return Echo(*self._got, run=_RUN)

    def get(self, pause: Callable[[float], None], refused: Token | None = None) -> Token:
        """A token that is good as far as we know, and is not ``refused``; for a thread, which rests by ``pause``.

        Raises TokenError, and what ``pause`` raises.
        """
        asked = self._begun(refused)
        while not asked.done():
            pause(_LOOK_EVERY)
        return asked.result()

    async def aget(self, refused: Token | None = None) -> Token:
        """What :meth:`get` returns, for the event loop. Raises TokenError."""
        asked = asyncio.wrap_future(self._begun(refused))
        asked.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # whoever gave up is not told
        return await asyncio.shield(asked)

    def worth_renewing(self, refused: Token, mailbox: str) -> bool:
        """Whether a token that ``mailbox`` refused may be at fault, although it has not ended: it may be revoked.

        If the mailbox refused one before, and this one is new, it is not.
        """
        now = self._clock.monotonic()
        with self._lock:
            before = self._refusing.get(mailbox)
            if before is not None and (now - before < REFUSED_FOR or now - refused.got < REFUSED_FOR):
                return False
            self._refusing[mailbox] = now
            return True

    def accepted(self, mailbox: str) -> None:
        """The mailbox took a token."""
        with self._lock:
            self._refusing.pop(mailbox, None)

    def _begun(self, refused: Token | None) -> Future[Token]:
        """What gives a token: at once, where one is there or it is known that none is to be had."""
        now = self._clock.monotonic()
        with self._lock:
            token = self._token
            if token is not None and token is refused:
                token = self._token = None
            rests = self._failed is not None and now - self._failed[0] < FAILED_FOR
            if token is not None and now < token.ends:
                if now >= token.renew and not rests and self._asked is None:
                    self._ask()
                return _ended(token)
            if self._asked is None and self._failed is not None and rests:
                return _ended(self._failed[1])
            return self._asked or self._ask()

    def _ask(self) -> Future[Token]:
        asked = self._asked = Future()
        DAEMONS.submit(self._fetch, asked)
        return asked

    def _fetch(self, asked: Future[Token]) -> None:
        outcome: Token | TokenError
        asking = Asking(self._auth, self._clock)
        try:
            outcome = Token.of(self._source(asking), self._clock)
        except TokenError as error:
            outcome = error
        except ImportError as error:
            outcome = TokenError(f"kind: {self._auth.kind} needs {error.name}: pip install 'cpr-canary[oauth]'")
        except BaseException as error:  # whatever a library makes of garbage
            said = f"{type(error).__name__}: {asking.quotable(str(error))}"
            outcome = TokenError(f"the token server's answer cannot be read: {said}", away=True)
        with self._lock:
            self._asked = None
            if isinstance(outcome, Token):
                self._token, self._failed = outcome, None
                self._got.append(outcome.value)
            else:
                self._failed = self._clock.monotonic(), outcome
        _end(asked, outcome)


def _source(auth: Auth, mailbox: str) -> Source:
    if isinstance(auth, MicrosoftAuth):
        return partial(from_microsoft, auth)
    if isinstance(auth, GoogleAuth):
        return partial(from_google, auth, auth.subject or mailbox)
    return Generic(auth)


def _ended(outcome: Token | TokenError) -> Future[Token]:
    ended = Future[Token]()
    _end(ended, outcome)
    return ended


def _end(future: Future[Token], outcome: Token | TokenError) -> None:
    if isinstance(outcome, Token):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
