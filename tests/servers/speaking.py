"""Something on loopback that reads one request of each connection and then says whatever a test likes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from servers.http_request import read_request

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking(speak: Speak, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that does so; yields its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):  # the test is over
            await read_request(reader)
            await speak(writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def saying(*parts: bytes) -> Speak:
    """Say these, and then no more."""

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))

    return speak


def without_end(beginning: bytes, again: bytes, pause: float = 0.0) -> Speak:
    """Say the beginning once, and then the other over and over, in large pieces; one a ``pause`` if there is one."""

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while True:
            writer.write(again * (1 if pause else max(1, 65536 // len(again))))
            await writer.drain()
            await asyncio.sleep(pause)

    return speak
