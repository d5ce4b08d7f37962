"""What the tests of the web server ask with, byte by byte, and what they serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from canary.clock import Clock
from canary.web.connections import Connections
from canary.web.server import listen


async def _well(_: Request) -> Response:
    return PlainTextResponse("well\n")


async def _big(_: Request) -> Response:
    return PlainTextResponse("x" * (32 << 20))


async def _for_ever(_: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError


APP = Starlette(routes=[Route("/", _well, methods=["GET", "POST"]), Route("/big", _big), Route("/never", _for_ever)])


class HandSet(Clock):
    """A steady clock that shows what it is set to; its waits are short and real."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


@asynccontextmanager
async def connections(clock: Clock, most: int, app: Any = APP) -> AsyncIterator[int]:
    """Connections in the clear, at most so many; gives the port."""
    with closing(listen("127.0.0.1", 0)) as listener:
        inside = Connections(app, listener, clock, lambda: None, most)
        inside.open()
        try:
            yield listener.getsockname()[1]
        finally:
            await inside.close()


async def opened(port: int, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which this much was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(sent)
    return reader, writer


async def answer(port: int, sent: bytes) -> bytes:
    """Everything that comes on a connection on which this much was sent."""
    reader, writer = await opened(port, sent)
    received = await ended(reader)
    writer.close()
    return received


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the other end closed it, in whatever way."""
    received = b""
    try:
        while more := await asyncio.wait_for(reader.read(1 << 16), 60):
            received += more
    except ConnectionError:
        pass
    return received


async def until(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def request(path: str = "/", method: str = "GET", headers: Mapping[str, str] | None = None) -> bytes:
    """A request after which the connection is closed."""
    lines = {"Host": "localhost", "Connection": "close"} | dict(headers or {})
    return (
        f"{method} {path} HTTP/1.1\r\n".encode()
        + b"".join(f"{k}: {v}\r\n".encode() for k, v in lines.items())
        + b"\r\n"
    )
