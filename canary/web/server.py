"""The web server: where it listens, and an application served there, inside our own event loop."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from canary.clock import Clock
from canary.web.connections import Connections

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_WAITING = 128
"""Connections that the system holds for us until they are taken."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections at ``host`` and ``port`` (0 takes a free one); close it in the end.

    Whoever is told its port may connect at once, and is served as soon as :func:`serve_on` has begun. Raises OSError if
    the address is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_WAITING)
    except OSError:
        listener.close()
        raise
    return listener


def _in_the_clear() -> None:
    return None


@contextlib.asynccontextmanager
async def serve_on(
    app: ASGIApp,
    listener: socket.socket,
    tls: Callable[[], ssl.SSLContext | None] = _in_the_clear,
    clock: Clock | None = None,
) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts; gives the port. The socket stays open: another app may be served on it.

    ``tls`` is asked for each connection; None is HTTP in the clear.
    """
    connections = Connections(app, listener, clock or Clock(), tls)
    connections.open()
    try:
        yield listener.getsockname()[1]
    finally:
        await connections.close()


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` while the context lasts; gives the port (``port`` 0 takes a free one).

    Raises OSError if the address is taken.
    """
    with contextlib.closing(listen(host, port)) as listener:
        async with serve_on(app, listener) as bound:
            yield bound
