"""uvicorn inside our own event loop, leaving the signals to us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the prober handles them


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections at ``host`` and ``port`` (0 takes a free one); close it in the end.

    Whoever is told its port may connect at once, and is served as soon as :func:`serve_on` has begun. Raises OSError if
    the address is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.asynccontextmanager
async def serve_on(app: Starlette, listener: socket.socket) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts; gives the port. The socket stays open: another app may be served on it."""
    server = _QuietServer(uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listener.dup()]))  # uvicorn closes what it was given
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def serve(app: Starlette, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts; gives the port (``port`` 0 takes a free one).

    Raises OSError if the address is taken.
    """
    with contextlib.closing(listen(host, port)) as listener:
        async with serve_on(app, listener) as bound:
            yield bound
