"""A mailbox as it is logged in to: with a password or with tokens, and what was learnt of how its server takes them."""

from __future__ import annotations

from canary.clock import Clock
from canary.echo import Echo
from canary.model import OwnFaultError
from canary.oauth import Token, TokenError, Tokens
from canary.queues.imap.faults import Reason, fault
from canary.queues.loop import Stop
from canary.settings import Server


class MailAccount:
    """One mailbox on one server; kept from one connection to the next."""

    def __init__(self, server: Server, clock: Clock) -> None:
        assert server.username is not None
        self.server, self.username = server, server.username
        self.tokens = Tokens.of(server.auth, server.username, clock) if server.auth is not None else None
        self.broken: dict[str, str] = {}
        """Ways to log in that the server offers and that did not work where another one did, and what came of them."""
        self.by = ""
        """The way of the last login that went well."""
        self._shown: Token | None = None

    def secret(self, stop: Stop) -> str:
        """The password, read anew, or the token. Raises OwnFaultError, StoppedError."""
        if self.tokens is not None:
            return self.token(stop).value
        assert self.server.password is not None
        try:
            return self.server.password.reveal()
        except ValueError as error:
            raise fault(Reason.SECRET, str(error)) from None

    def token(self, stop: Stop, refused: Token | None = None) -> Token:
        """A token that is good as far as we know, and is not ``refused``. Raises OwnFaultError, StoppedError."""
        assert self.tokens is not None
        try:
            return self.tokens.get(stop.pause, refused)
        except TokenError as error:
            raise _no_token(error, self.username) from error

    def renewed(self, refused: Token, stop: Stop) -> Token | None:
        """Another token instead of one that the server refused although it has not ended; None if that is of no use.

        Raises OwnFaultError, StoppedError.
        """
        assert self.tokens is not None
        return self.token(stop, refused) if self.tokens.worth_renewing(refused, self.username) else None

    def logged_in(self, by: str, token: Token | None = None) -> None:
        """A login went well, by this way."""
        self.by, self._shown = by, token
        if self.tokens is not None:
            self.tokens.accepted(self.username)

    def told(self) -> str:
        """How the last login was done, where that is worth telling: by a token, or by another way than the first."""
        broken = "".join(f"; {way} is offered and does not work: {said}" for way, said in self.broken.items())
        if self._shown is not None:
            return f", by {self.by} ({self._shown.told()}){broken}"
        return f", by {self.by}{broken}" if broken else ""

    def echo(self) -> Echo:
        """What is kept out of all that is told of this mailbox."""
        if self.tokens is not None:
            return self.tokens.echo()
        try:
            return Echo(self.server.password.reveal() if self.server.password else "")
        except ValueError:  # gone meanwhile; then it was told to nobody
            return Echo()


def _no_token(error: TokenError, username: str) -> OwnFaultError:
    reason = Reason.TOKEN_UNAVAILABLE if error.away else Reason.TOKEN_REFUSED
    return fault(reason, f"no access token for {username}: {error}")
