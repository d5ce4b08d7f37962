"""The browser's way into the network, walked by hand: SOCKS5 as RFC 1928 has it, and servers on loopback."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from canary.budgets import Budget
from canary.channels.forms import relay as module
from canary.channels.forms.home import Home
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.relay import Relay

HELLO = b"GET / HTTP/1.1\r\n\r\n"


@dataclass
class Way:
    relay: Relay
    web: int
    sockets: int
    port: int
    said: list[bytes]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/"


@pytest.fixture
async def way(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Way]:
    monkeypatch.setattr(module, "BROWSER_CONNECTIONS", Budget("connections", number=4, seconds=1.0))
    said: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.read(1000))
        writer.write(b"x" * 1000)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay = Relay()
    options = await relay.open()
    web, sockets = (
        int(port)
        for port in re.findall(r"https=socks5://127.0.0.1:(\d+);socks=socks5://127.0.0.1:(\d+)", options[0])[0]
    )
    yield Way(relay, web, sockets, server.sockets[0].getsockname()[1], said)
    await relay.close()
    server.close()


async def walk(door: int, host: bytes, port: int, hello: bytes = HELLO) -> tuple[int, bytes]:
    """The relay's answer, and what came after ``hello``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door)
    writer.write(b"\5\1\0" + b"\5\1\0\3" + bytes((len(host),)) + host + port.to_bytes(2, "big"))
    assert await reader.readexactly(2) == b"\5\0"
    code = (await reader.readexactly(10))[1]
    if code:
        return code, b""
    writer.write(hello)
    try:
        return code, await reader.read()
    finally:
        writer.close()


async def test_who_was_let_through_is_connected_and_pays(way: Way) -> None:
    outlet = Outlet(traffic=Budget("traffic", received=1018))
    await way.relay.admit(way.url, outlet)
    assert await walk(way.web, b"localhost", way.port) == (0, b"x" * 1000)
    assert way.said == [HELLO]
    assert outlet.spent is None
    outlet.receive(1)
    assert outlet.spent == "traffic: more than 1018 bytes"


async def test_a_connection_may_be_asked_for_before_it_is_needed(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BROWSER_CONNECTIONS", Budget("connections", number=4, seconds=60.0))
    early = asyncio.create_task(walk(way.web, b"localhost", way.port))
    await asyncio.sleep(0)
    await way.relay.admit(way.url, Outlet())
    assert (await early)[0] == 0


async def test_nobody_else_is_connected(way: Way) -> None:
    outlet = Outlet(Home(way.url, ()))
    way.relay.begin(outlet)
    assert (await walk(way.web, b"localhost", way.port))[0] == 2
    await way.relay.admit(way.url, outlet)
    assert (await walk(way.web, b"127.0.0.1", way.port))[0] == 2
    way.relay.end(outlet)
    assert (await walk(way.web, b"localhost", way.port))[0] == 2
    assert way.said == []


async def test_a_websocket_goes_home_or_nowhere_and_that_is_told(way: Way) -> None:
    outlet = Outlet(Home(way.url, ()))
    way.relay.begin(outlet)
    assert (await walk(way.sockets, b"localhost", way.port))[0] == 0
    assert (await walk(way.sockets, b"127.0.0.1", way.port))[0] == 2
    assert outlet.stopped == {"WebSocket to 127.0.0.1": False}


@pytest.mark.parametrize(
    "hello",
    [
        b"\0\3\0\x08!\x12\xa4BXciu+zEK/WHu",
        b"\x16\x03\x01\0\x05hello",
        b"get / HTTP/1.1\r\n\r\n",
    ],
    ids=["TURN", "TLS for something else", "neither"],
)
async def test_what_is_no_http_gets_nowhere(way: Way, hello: bytes) -> None:
    await way.relay.admit(way.url, Outlet())
    assert await walk(way.web, b"localhost", way.port, hello) == (0, b"")
    assert way.said == [b""]


async def test_what_fails_is_called_what_the_browser_would_call_it(way: Way) -> None:
    words = "net::ERR_SOCKS_CONNECTION_FAILED"
    deaf = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = deaf.sockets[0].getsockname()[1]
    deaf.close()
    url = f"http://127.0.0.1:{port}/"
    await way.relay.admit(url, Outlet())
    assert (await walk(way.web, b"127.0.0.1", port))[0] == 1
    assert way.relay.explained(words, url) == "net::ERR_CONNECTION_REFUSED"
    assert way.relay.explained(words, way.url) == words
    unknown = "http://no-such-host.invalid/"
    await way.relay.admit(unknown, Outlet())
    assert (await walk(way.web, b"no-such-host.invalid", 80))[0] == 1
    assert way.relay.explained(words, unknown) == "net::ERR_NAME_NOT_RESOLVED"


async def test_connections_are_bounded_and_who_speaks_nonsense_is_left(way: Way) -> None:
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\5\1\0\5\2\0\1aaaaaa", b"\5\1\0\5\1\0\7", b"\5"):
        reader, writer = await asyncio.open_connection("127.0.0.1", way.web)
        writer.write(nonsense)
        writer.write_eof()
        assert len(await reader.read()) <= 2
        writer.close()
    waiting = [await asyncio.open_connection("127.0.0.1", way.web) for _ in range(4)]
    reader, writer = await asyncio.open_connection("127.0.0.1", way.web)
    assert await reader.read() == b""
    for _, other in (*waiting, (reader, writer)):
        other.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 Connected\r\n\r\n", b"HTTP/1.1 403 No\r\n\r\n", b"nonsense"])
async def test_the_proxy_of_the_environment_is_gone_through(
    way: Way, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if b"200" in answer:
            writer.write(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{server.sockets[0].getsockname()[1]}")
    monkeypatch.setenv("no_proxy", "direct.example")
    await way.relay.admit("http://ca.example/", Outlet())
    code, echoed = await walk(way.web, b"ca.example", 80)
    assert (code, echoed) == ((0, HELLO) if b"200" in answer else (1, b""))
    assert asked[0].startswith(b"CONNECT ca.example:80 HTTP/1.1\r\nHost: ca.example:80\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in asked[0]
    server.close()


@pytest.mark.parametrize("busy", [1.0, 2.5], ids=["once its time is over", "long after"])
async def test_an_answer_comes_however_late_our_loop_is(way: Way, busy: float) -> None:
    asked = asyncio.create_task(walk(way.web, b"localhost", way.port))
    await asyncio.sleep(0.1)
    time.sleep(busy)  # noqa: ASYNC251 - what held the loop
    assert (await asked)[0] == 2
