"""The connections to a sender's submission server: few, shared, and kept for a while after each message."""

from __future__ import annotations

import asyncio
import ssl
from typing import ClassVar
from weakref import WeakValueDictionary

from canary.channels import Sender
from canary.channels.email.connection import SmtpConnection
from canary.channels.email.manners import Manners, Misheard
from canary.channels.email.smtp import Envelope, Lost, Refusal, SmtpFault, SmtpStep
from canary.channels.email.transcript import Transcript
from canary.clock import Clock
from canary.model import Component, OwnFaultError
from canary.oauth import Tokens
from canary.settings import Server

MOST_CONNECTIONS = 4
"""Connections to one sender's submission server at a time."""

IDLE = 30.0
"""Seconds that an unused connection is kept for the next message."""


class Slots:
    """As many connections to ``host`` as one sender may have at a time."""

    def __init__(self, host: str, clock: Clock) -> None:
        self._host, self._clock = host, clock
        self._slots = asyncio.Semaphore(MOST_CONNECTIONS)

    async def take(self, until: float) -> None:
        """Wait until there is a free one, to be released. Raises OwnFaultError if there is none by ``until``."""
        if not self._slots.locked():
            await self._slots.acquire()  # at once: no timer for what does not wait
            return
        try:
            async with asyncio.timeout(until - self._clock.monotonic()):
                await self._slots.acquire()
        except TimeoutError as error:
            detail = f"all {MOST_CONNECTIONS} connections to {self._host} are busy"
            raise OwnFaultError(Component.SMTP, SmtpFault.TIMEOUT, detail) from error

    def release(self) -> None:
        """Give back what was taken, for whoever waits for it."""
        self._slots.release()


class Pool:
    """The connections to one sender's submission server, used by all channels of that sender.

    Times are the clock's monotonic seconds; the event loop's own timers, which end waits and idleness, go by the same.
    """

    _of: ClassVar[WeakValueDictionary[tuple[Sender, Clock], Pool]] = WeakValueDictionary()

    def __init__(self, server: Server, clock: Clock, idle: float = IDLE) -> None:
        self._server, self._clock, self._idle_seconds = server, clock, idle
        self._slots = Slots(server.host, clock)
        self._idle: list[SmtpConnection] = []
        self._context: ssl.SSLContext | None = None
        self._manners = Manners()
        auth = server.auth
        self._tokens = Tokens.of(auth, server.username or "", clock) if auth is not None else None

    @classmethod
    def of(cls, sender: Sender, server: Server, clock: Clock) -> Pool:
        """The one pool of ``sender``, which lives as long as somebody holds it."""
        return cls._of.setdefault((sender, clock), cls(server, clock))

    async def deliver(self, envelope: Envelope, transcript: Transcript, until: float) -> str:
        """Send one message, once, by ``until``; returns the reply that took it.

        Raises Refusal, Lost or OwnFaultError. Only after a Lost at the end of data may it have been taken.
        """
        await self._slots.take(until)
        try:
            try:
                return await self._send(envelope, transcript, until)
            except Misheard as misheard:
                self._manners.one_by_one = True
                if isinstance(misheard.cause, Lost) and misheard.cause.fault is SmtpFault.CONNECTION_LOST:
                    raise misheard.cause from misheard
                transcript.note(f"{misheard}: opening another connection, to say one command at a time")
                return await self._send(envelope, transcript, until)
        finally:
            self._slots.release()

    async def _send(self, envelope: Envelope, transcript: Transcript, until: float) -> str:
        connection = await self._begin(envelope, transcript, until)
        try:
            reply = await connection.hand_over(envelope, until)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return reply

    async def check(self, _recipient: str) -> str:
        """Connect and log in afresh; returns where, and how both were done. Raises Refusal, Lost or OwnFaultError."""
        until = self._clock.monotonic() + self._server.timeout
        connection = await self._opened(Transcript(self._clock), until)
        try:
            await connection.noop(until)
        finally:
            connection.close()
        server = self._server
        return f"submission {server.host}:{server.port} {connection.secured}, {connection.login}"

    def close(self) -> None:
        """Let go of the connections that are not in use; whoever still needs one gets a new one."""
        self._context = None
        while self._idle:
            self._idle.pop().close()

    async def _begin(self, envelope: Envelope, transcript: Transcript, until: float) -> SmtpConnection:
        """A connection that has taken our MAIL FROM: an idle one if it still does, else a new one.

        Servers close idle connections as they please; MAIL FROM is as far as one may go and still start again.
        """
        while self._idle:
            connection = self._idle.pop()
            connection.resume(transcript)
            try:
                await connection.begin(envelope, until)
                return connection
            except (Refusal, Lost, Misheard):
                transcript.note("the kept connection is no longer good, opening another")
                connection.close()
                self.close()
            except BaseException:
                connection.close()
                raise
        connection = await self._opened(transcript, until)
        try:
            await connection.begin(envelope, until)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _opened(self, transcript: Transcript, until: float) -> SmtpConnection:
        """A new connection; another one, if a method of AUTH was the end of the first and there are others."""
        while True:
            connection, known = (
                SmtpConnection(self._server, self._tls(), self._clock, self._manners, self._tokens),
                self._bad_logins(),
            )
            try:
                await connection.open(transcript, until)
                return connection
            except (Refusal, Lost) as error:
                if error.step is not SmtpStep.AUTH or not self._bad_logins() > known:
                    raise
                transcript.note(f"{error}: opening another connection, to log in by another method")

    def _bad_logins(self) -> frozenset[str]:
        return frozenset(self._manners.bad_logins)

    def _keep(self, connection: SmtpConnection) -> None:
        connection.expiry = asyncio.get_running_loop().call_later(self._idle_seconds, self._expire, connection)
        self._idle.append(connection)

    def _expire(self, connection: SmtpConnection) -> None:
        self._idle.remove(connection)
        connection.close()

    def _tls(self) -> ssl.SSLContext | None:
        if self._context is None:
            try:
                self._context = self._server.tls_context()
            except OSError as error:
                detail = f"ca_file {self._server.ca_file} cannot be used: {error}"
                raise OwnFaultError(Component.SMTP, SmtpFault.TLS_FAILED, detail) from error
        return self._context
