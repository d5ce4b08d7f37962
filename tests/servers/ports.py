"""Free loopback ports that stay ours, also while the server that listens on them is stopped."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


class Ports:
    """Reserves ports until closed.

    A reserved port is bound but not listened on. Linux lets a second socket bind it when both set SO_REUSEADDR (as
    Postfix and Dovecot do) and hands it to nobody who asks for any free port; clients are refused until one listens.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def reserve(self) -> int:
        """One more port."""
        reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind((LOOPBACK, 0))
        self._sockets.append(reserved)
        port: int = reserved.getsockname()[1]
        return port

    def close(self) -> None:
        """Give all ports back."""
        while self._sockets:
            self._sockets.pop().close()
