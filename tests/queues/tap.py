"""A relay between a watcher and its server: keeps what is said, and does what bad networks and servers do."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Tap:
    """Relays to ``target`` from entering to leaving the context, each direction in a thread.

    ``replace`` changes bytes of what the server says. ``crumbs`` passes the server's bytes on one by one. ``deaf``
    stops to pass them on; ``hang_up`` closes every connection. It listens at ``port``, a free one if that is 0.
    """

    def __init__(self, target: tuple[str, int], replace: tuple[bytes, bytes] | None = None, port: int = 0) -> None:
        self._target, self._replace = target, replace
        self._listener = socket.create_server(("127.0.0.1", port))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._said = bytearray()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.crumbs = False
        self.deaf = False
        self.connections = 0

    def said(self) -> str:
        """Everything that the watcher sent so far."""
        with self._lock:
            return self._said.decode("latin-1")

    def hang_up(self) -> None:
        """Close every connection there is."""
        with self._lock:
            while self._pairs:
                for end in self._pairs.pop():
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                    end.close()

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, name="tap", daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() would keep the port listened on
        self._listener.close()
        self._accepting.join()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._pairs.append((client, server))
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                with self._lock:
                    self._said += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := server.recv(65536):
                if self._replace:
                    data = data.replace(*self._replace)
                if self.deaf:
                    continue
                for piece in [data[i : i + 1] for i in range(len(data))] if self.crumbs else [data]:
                    client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            return
