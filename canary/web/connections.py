"""Connections, bounded: how many there are, how long each may take to ask, and how long to take its answer.

What is full makes room: the connection that has had nothing to do for longest goes for the newest, so that nobody who
only holds connections open keeps Prometheus out, and none of it uses up the descriptors that probing needs.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.utils import format_datetime
from typing import TYPE_CHECKING

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from canary.budgets import WEB_ANSWER, WEB_REQUEST
from canary.clock import Clock
from canary.web.seldom import Seldom, SeldomHandler

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_AT_ONCE = 16
"""Connections that are taken between two turns of the event loop: who is inside must have a turn before he goes."""

_SWEEP = 1.0
_CLOSE_WITHIN = 2.0
_SHARE = 8
"""At most one in so many of the descriptors that the process may have is for connections of others."""


def most_connections() -> int:
    """How many connections are held at once: as budgeted, and fewer where the process may open few files."""
    assert WEB_REQUEST.number is not None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WEB_REQUEST.number if soft == resource.RLIM_INFINITY else max(4, min(WEB_REQUEST.number, soft // _SHARE))


class _WebConnection(H11Protocol):
    """One connection of HTTP/1.1, from the moment it was taken: TLS is made with it later."""

    def __init__(self, config: Config, state: ServerState, logger: logging.Logger, house: Connections) -> None:
        super().__init__(config, state, {})
        self.logger = logger
        self._house = house
        self.idle_since = house.now()
        self.greeting: asyncio.Task[None] | None = None

    def on_response_complete(self) -> None:
        self.idle_since = self._house.now()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._house.left(self)

    @property
    def busy(self) -> bool:
        """Whether a request of it is being answered, or its answer is still on the way."""
        answering = self.cycle is not None and not self.cycle.response_complete
        open_ = self._is_made and not self.transport.is_closing()  # one with TLS that is closed twice tells no size
        return answering or (open_ and self.transport.get_write_buffer_size() > 0)

    @property
    def _is_made(self) -> bool:
        made: asyncio.Transport | None = self.transport
        return made is not None

    def leave(self) -> None:
        """End it at once, whatever it is at."""
        if self.greeting is not None:
            self.greeting.cancel()
        if self._is_made:
            self.transport.abort()


class Connections:
    """Takes the connections of one listening socket and has an application answer them, until :meth:`close`."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        clock: Clock,
        tls: Callable[[], ssl.SSLContext | None],
        most: int | None = None,
    ) -> None:
        """``tls`` is asked for each connection, since certificates are renewed; ``listener`` stays open at the end."""
        self._listener, self._clock, self._tls = listener, clock, tls
        self._most = most or most_connections()
        self._seldom = Seldom(clock)
        self._log = logging.Logger("web", logging.WARNING)  # not in logging's tree: nobody else has a say in it
        self._log.addHandler(SeldomHandler(self._seldom))
        self._config = Config(
            app,
            http=H11Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody is believed about who asks
            server_header=False,
            h11_max_incomplete_event_size=WEB_REQUEST.received,
        )
        self._config.load()
        self._state = ServerState()
        self._inside: dict[_WebConnection, None] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._resting: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Seconds by the steady clock."""
        return self._clock.monotonic()

    def open(self) -> None:
        """Begin to take connections, on the event loop that runs; at most once."""
        self._listener.setblocking(False)
        self._dated()
        self._take_from_now_on()
        self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Take no more; what is being answered has a moment to end, and then ends."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._resting is not None:
            self._resting.cancel()
        asyncio.get_running_loop().remove_reader(self._listener)
        for connection in [inside for inside in self._inside if not inside.busy]:
            connection.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                while self._inside:
                    await self._clock.sleep(0.05)
        for connection in list(self._inside):
            connection.leave()
        for task in self._state.tasks:
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    # Who comes

    def _take_from_now_on(self) -> None:
        asyncio.get_running_loop().add_reader(self._listener, self._take)

    def _take(self) -> None:
        for _ in range(min(_AT_ONCE, self._most // 2)):  # those that go have their descriptors until the next turn
            try:
                taken, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptor, or no memory, is left in the process or the machine
                self._seldom.tell("a web connection cannot be taken", error=str(error.strerror))
                self._make_room()
                self._rest()
                return
            self._admit(taken)

    def _rest(self) -> None:
        """Take no connection for a moment: it would fail again at once."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        self._resting = loop.call_later(_SWEEP, self._take_from_now_on)

    def _admit(self, taken: socket.socket) -> None:
        if len(self._inside) >= self._most and not self._make_room():
            self._seldom.tell("a web connection is refused: every one that is allowed is being answered")
            taken.close()
            return
        connection = _WebConnection(self._config, self._state, self._log, self)
        self._inside[connection] = None
        connection.greeting = asyncio.create_task(self._greet(connection, taken))
        connection.greeting.add_done_callback(lambda done: self._greeted(connection, taken, done))

    async def _greet(self, connection: _WebConnection, taken: socket.socket) -> None:
        taken.setblocking(False)
        context = self._tls()
        limits = {"ssl_handshake_timeout": WEB_REQUEST.seconds, "ssl_shutdown_timeout": _SWEEP} if context else {}
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: connection, taken, ssl=context, **limits)

    def _greeted(self, connection: _WebConnection, taken: socket.socket, done: asyncio.Task[None]) -> None:
        connection.greeting = None
        if done.cancelled() or done.exception() is not None:  # it went, was sent away, or speaks no TLS
            taken.close()
            self.left(connection)

    def left(self, connection: _WebConnection) -> None:
        """A connection has ended, or is as good as ended: it counts no more. May be called again for the same one."""
        self._inside.pop(connection, None)

    # Who stays too long

    def _make_room(self) -> bool:
        idle = [inside for inside in self._inside if not inside.busy]
        if not idle:
            return False
        self._seldom.tell("web connections that ask for nothing are closed: there are too many")
        longest = min(idle, key=lambda inside: inside.idle_since)
        longest.leave()
        self.left(longest)
        return True

    async def _sweep(self) -> None:
        """Once a second: let go whoever has not asked in time, or not taken the answer."""
        assert WEB_REQUEST.seconds is not None
        assert WEB_ANSWER.seconds is not None
        while True:
            await self._clock.sleep(_SWEEP)
            self._dated()
            for connection in list(self._inside):
                allowed = WEB_REQUEST.seconds + (WEB_ANSWER.seconds if connection.busy else 0.0)
                if self.now() - connection.idle_since > allowed:
                    connection.leave()

    def _dated(self) -> None:
        self._state.default_headers = [(b"date", format_datetime(self._clock.now(), usegmt=True).encode())]
