"""The way of the browser into the network: every connection that it wants is made here, or is not.

It is told by its own options to look up no name and to reach nothing but two SOCKS5 doors (RFC 1928) on loopback: one
for what http and https addresses need, and one for WebSockets. What :mod:`canary.channels.forms.guard` let through has
its host and port here. All other connections are refused: those that a page opens in advance or by WebRTC, and those
that the browser makes for its maker. What comes through is counted.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection

from canary.budgets import BROWSER_CONNECTIONS, KIB
from canary.channels.forms.connecting import Streams, connect
from canary.channels.forms.home import Address
from canary.channels.forms.outlet import Outlet

_PIECE = 64 * KIB
GRANTED, FAILED, REFUSED = 0, 1, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_NET_ERRORS = {
    errno.ECONNREFUSED: "ERR_CONNECTION_REFUSED",
    errno.ECONNRESET: "ERR_CONNECTION_RESET",
    errno.EHOSTUNREACH: "ERR_ADDRESS_UNREACHABLE",
    errno.ENETUNREACH: "ERR_INTERNET_DISCONNECTED",
    errno.ENETDOWN: "ERR_INTERNET_DISCONNECTED",
}
_TLS_HANDSHAKE = 0x16
_HTTP_OVER_TLS = b"\x08http/1.1"
"""What every browser offers as protocol in its first message (RFC 7301), for https and wss, and nothing else does."""
_BY_US = "ERR_SOCKS_CONNECTION_FAILED"

_ERRORS_KEPT = 1000

_Users = Callable[[str, int], Awaitable[Collection[Outlet]]]


class Relay:
    """Both doors, and who goes through them. Belongs to one event loop."""

    def __init__(self) -> None:
        self._visits: set[Outlet] = set()
        self._admitted: dict[tuple[str, int], set[Outlet]] = {}
        self._more = asyncio.Condition()
        self._errors: dict[tuple[str, int], str] = {}
        self._servers: list[asyncio.Server] = []
        self._served: set[asyncio.Task[None]] = set()

    async def open(self) -> tuple[str, ...]:
        """Open the doors; returns the options with which Chromium goes through them. Raises OSError."""
        doors = []
        for users in (self._users_of_web, self._users_of_sockets):
            server = await asyncio.start_server(self._door(users), "127.0.0.1", 0, limit=_PIECE)
            self._servers.append(server)
            doors.append(f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        web, sockets = doors
        return (
            f"--proxy-server=http={web};https={web};socks={sockets}",  # WebSockets go to the last, which has no scheme
            "--proxy-bypass-list=<-loopback>",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        )

    async def close(self) -> None:
        """Close the doors, and what goes through them."""
        for server in self._servers:
            server.close()
        for task in self._served:
            task.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)

    def begin(self, outlet: Outlet) -> None:
        """A visit begins: it may open WebSockets to its own addresses."""
        self._visits.add(outlet)

    def end(self, outlet: Outlet) -> None:
        """A visit has ended: nothing more is connected for it."""
        self._visits.discard(outlet)
        for users in self._admitted.values():
            users.discard(outlet)
        self._admitted = {place: users for place, users in self._admitted.items() if users}

    async def admit(self, url: str, outlet: Outlet) -> None:
        """Let a visit have connections to where ``url`` is."""
        address = Address.of(url)
        if address is None:
            return
        place = (address.host, address.port)
        self._errors.pop(place, None)
        users = self._admitted.setdefault(place, set())
        if outlet not in users:
            users.add(outlet)
            async with self._more:
                self._more.notify_all()

    def explained(self, words: str, url: str) -> str:
        """What the browser says of ``url``, with what failed here in place of its saying that something did."""
        address = Address.of(url)
        if address is None or _BY_US not in words:
            return words
        return words.replace(_BY_US, self._errors.get((address.host, address.port), _BY_US))

    def _door(self, users: _Users) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._served) >= (BROWSER_CONNECTIONS.number or 0):
                writer.close()
                return
            task = asyncio.ensure_future(self._serve(reader, writer, users))
            self._served.add(task)
            task.add_done_callback(self._served.discard)

        return enter

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, users: _Users) -> None:
        try:
            host, port = await asked(reader, writer)
            payers = await users(host, port)
            there = await self._connected(host, port) if payers else None
            if there is None:
                writer.write(reply(FAILED if payers else REFUSED))
                await writer.drain()
            else:
                writer.write(reply(GRANTED))
                await both_ways((reader, writer), there, payers)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass  # it let go before it was served, or speaks something else
        finally:
            writer.close()

    async def _users_of_web(self, host: str, port: int) -> Collection[Outlet]:
        """Who was let through to there, as it changes: by which of their contexts it is used is not known.

        A connection may be asked for before what needs it was: that is waited for.
        """
        place = (host, port)
        try:
            async with asyncio.timeout(BROWSER_CONNECTIONS.seconds), self._more:
                while place not in self._admitted:
                    await self._more.wait()
        except TimeoutError:
            return ()
        return self._admitted[place]

    async def _users_of_sockets(self, host: str, port: int) -> Collection[Outlet]:
        """Whose own address that is. What is sent over a WebSocket cannot be seen, so it goes to no other."""
        name = f"[{host}]" if ":" in host else host
        urls = (f"http://{name}:{port}", f"https://{name}:{port}")
        found = [outlet for outlet in self._visits if any(map(outlet.is_home, urls))]
        if not found and len(self._visits) == 1:
            (only,) = self._visits
            only.stop(f"WebSocket to {host}")
        return found

    async def _connected(self, host: str, port: int) -> Streams | None:
        try:
            async with asyncio.timeout(BROWSER_CONNECTIONS.seconds):
                return await connect(host, port)
        except (OSError, UnicodeError) as error:
            self.note_error(host, port, net_error(error))
            return None

    def note_error(self, host: str, port: int, words: str) -> None:
        """Remember why there was no connection to there, in words that begin as Chromium's."""
        if len(self._errors) < _ERRORS_KEPT:
            self._errors[host, port] = words


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Where the browser wants to be connected to. Raises ValueError for what is no SOCKS5 CONNECT, TimeoutError."""
    async with asyncio.timeout(BROWSER_CONNECTIONS.seconds):
        return await _asked(reader, writer)


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    version, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\5\0")
    version, command, _, kind = await reader.readexactly(4)
    if (version, command) != (5, 1) or kind not in (_IPV4, _NAME, _IPV6):
        raise ValueError("no CONNECT of SOCKS5")
    if kind == _NAME:
        (size,) = await reader.readexactly(1)
        host = (await reader.readexactly(size)).decode("ascii").lower().removesuffix(".")
    else:
        host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == _IPV4 else 16)))
    return host, int.from_bytes(await reader.readexactly(2), "big")


def reply(code: int) -> bytes:
    """What a door answers: GRANTED, FAILED or REFUSED."""
    return bytes((5, code, 0, _IPV4)) + bytes(6)


async def both_ways(here: Streams, there: Streams, payers: Collection[Outlet]) -> None:
    """Hand on what comes from either side, and count it. Raises OSError, ValueError, asyncio.IncompleteReadError."""
    try:
        _hand_on(await _first(here[0]), there[1], payers)
        await asyncio.gather(_pass_on(here[0], there[1], payers), _pass_on(there[0], here[1], payers))
    finally:
        there[1].close()


async def _first(reader: asyncio.StreamReader) -> bytes:
    """What is said first. Raises ValueError for what is no HTTP, as it is or over TLS: WebRTC comes here, too."""
    said = await reader.read(_PIECE)
    if said[:1] == bytes((_TLS_HANDSHAKE,)):
        said += await reader.readexactly(max(0, 5 + int.from_bytes(said[3:5], "big") - len(said)))
        if _HTTP_OVER_TLS not in said:
            raise ValueError("TLS for something else than HTTP")
    elif said and not b"A" <= said[:1] <= b"Z":
        raise ValueError("no HTTP")
    return said


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, payers: Collection[Outlet]) -> None:
    """All that comes, until there is no more or nobody may have more."""
    while piece := await source.read(_PIECE):
        _hand_on(piece, sink, payers)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


def _hand_on(piece: bytes, sink: asyncio.StreamWriter, payers: Collection[Outlet]) -> None:
    for outlet in payers:
        outlet.receive(len(piece), shared=len(payers) > 1)
    if all(outlet.spent for outlet in payers):
        raise ConnectionAbortedError
    sink.write(piece)


def net_error(error: OSError | UnicodeError) -> str:
    """What Chromium would have called it, had it connected itself."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "ERR_NAME_NOT_RESOLVED"
    if isinstance(error, TimeoutError):
        return "ERR_CONNECTION_TIMED_OUT"
    return _NET_ERRORS.get(error.errno or 0, "ERR_CONNECTION_FAILED")
