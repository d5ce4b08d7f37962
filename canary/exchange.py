"""Asking over HTTP: whatever a server sends in answer, all of it is counted, and no more is read than a budget allows.

httpx bounds neither a body, nor what it unpacks to, nor how many interim answers, chunks and trailers there are; and
its time limits are between two bytes. So every byte of a connection is counted here, compressed bodies are unpacked
here, and whoever asks sets a deadline for the whole (:meth:`canary.budgets.Budget.deadline`).
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpcore
import httpx
from anyio.lowlevel import checkpoint

from canary.budgets import HTTP_BODY, Budget
from canary.threads import in_thread

BROKEN = (httpx.RequestError, httpx.InvalidURL, ValueError)
"""What is raised for answers that are none: by httpx, and by what it and we read addresses, cookies, and bodies with
(a BudgetError is a ValueError)."""

_AT_ONCE = 4096
"""Bytes that are looked at in one go; whoever else waits for the event loop has a turn in between."""


@asynccontextmanager
async def exchange(
    budget: Budget,
    *,
    headers: Mapping[str, str],
    trust: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
    at: Mapping[str, tuple[str, int]] | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client, all of whose answers together, with their heads, may have ``received`` bytes of the budget.

    It asks for gzip, follows no redirect and knows no time limit. Whatever waits for an answer raises BudgetError when
    it is too much, else one of :data:`BROKEN`; ``trust`` may raise OSError. ``at`` are address and port of hosts that
    somebody else than the system's resolver has looked up; TLS and HTTP know them by their names all the same.
    """
    verify = await in_thread(trust)  # reading all the system's certificates takes a while
    asked = {"Accept-Encoding": "gzip", **headers}
    async with httpx.AsyncClient(headers=asked, verify=verify, timeout=None) as client:  # noqa: S113  # the asker's
        counted = _CountedBytes(budget)
        for transport in (client._transport, *client._mounts.values()):  # those of proxies too; there is no public way
            if isinstance(transport, httpx.AsyncHTTPTransport):
                pool = transport._pool
                pool._network_backend = _CountedNetwork(pool._network_backend, counted, at or {})
        yield client


async def body(answer: httpx.Response, budget: Budget) -> bytes:
    """The body of an answer that is not read yet, unpacked: at most ``decoded`` bytes of the budget.

    Raises BudgetError, and one of :data:`BROKEN` for a coding that was not asked for or is broken.
    """
    most = budget.decoded
    assert most is not None, "whoever reads a body knows how much is enough"
    unpack = _unpacker(answer)
    kept, pieces = bytearray(), 0
    async for piece in answer.aiter_raw():
        pieces += 1
        HTTP_BODY.hold(number=pieces)
        kept += unpack(piece, most + 1 - len(kept))
        budget.hold(decoded=len(kept))
    return bytes(kept)


def _unpacker(answer: httpx.Response) -> Callable[[bytes, int], bytes]:
    """What makes of the next piece of a body that many bytes at most, or more where one more would be too much."""
    named = answer.headers.get("content-encoding", "").lower().split(",")
    codings = [coding for coding in map(str.strip, named) if coding not in ("", "identity")]
    if not codings:
        return lambda piece, _most: piece
    if codings not in (["gzip"], ["x-gzip"]):
        raise httpx.DecodingError(f"the answer is coded as {', '.join(codings)[:100]!r}, want gzip or nothing")
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def gunzip(piece: bytes, most: int) -> bytes:
        try:
            return b"" if stream.eof else stream.decompress(piece, most)
        except zlib.error as error:
            raise httpx.DecodingError(f"the answer is not the gzip that it says: {error}") from error

    return gunzip


class _CountedBytes:
    """The bytes that came so far in one exchange, over whatever connections."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._received = budget, 0

    def add(self, piece: bytes) -> bytes:
        self._received += len(piece)
        self._budget.hold(received=self._received)
        return piece


class _CountedNetwork(httpcore.AsyncNetworkBackend):
    """Makes connections whose bytes are counted."""

    def __init__(
        self, inner: httpcore.AsyncNetworkBackend, counted: _CountedBytes, at: Mapping[str, tuple[str, int]]
    ) -> None:
        self._inner, self._counted, self._at = inner, counted, at

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        host, port = self._at.get(host, (host, port))
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _CountedStream(stream, self._counted)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _CountedStream(httpcore.AsyncNetworkStream):
    """A connection whose bytes are counted as they are read, and in small pieces."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, counted: _CountedBytes) -> None:
        self._inner, self._counted = inner, counted

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # as above
        await checkpoint()
        return self._counted.add(await self._inner.read(min(max_bytes, _AT_ONCE), timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # as above
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # as above
    ) -> httpcore.AsyncNetworkStream:
        return _CountedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._counted)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
