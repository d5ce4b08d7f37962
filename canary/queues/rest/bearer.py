"""Logs in to what is asked over HTTP by access tokens (RFC 6750): got when needed, and anew if one is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from canary.clock import Clock
from canary.echo import Echo
from canary.model import Component, OwnFaultError
from canary.oauth import Token, TokenError, Tokens
from canary.queues.rest.faults import RestReason
from canary.settings import Auth

T = TypeVar("T")


class BearerLogin:
    """The login of one watch, for a ``part`` of ours; ``account`` is in whose name it asks, where that is told."""

    def __init__(self, part: Component, auth: Auth, account: str, clock: Clock) -> None:
        self._part, self._account = part, account
        self._tokens = Tokens.of(auth, account, clock)

    async def use(self, work: Callable[[Token], Awaitable[T]]) -> T:
        """What the work gives with a token; once more with another one, if this one is refused and may be at fault.

        Raises OwnFaultError.
        """
        token = await self._token()
        try:
            done = await work(token)
        except OwnFaultError as error:
            if error.reason != RestReason.LOGIN_REFUSED or not self._tokens.worth_renewing(token, self._account):
                raise
            done = await work(await self._token(token))
        self._tokens.accepted(self._account)
        return done

    def echo(self) -> Echo:
        """What must not be shown: the tokens."""
        return self._tokens.echo()

    async def _token(self, refused: Token | None = None) -> Token:
        try:
            return await self._tokens.aget(refused)
        except TokenError as error:
            reason = RestReason.TOKEN_UNAVAILABLE if error.away else RestReason.TOKEN_REFUSED
            raise OwnFaultError(self._part, reason.value, f"no access token: {error}") from error
