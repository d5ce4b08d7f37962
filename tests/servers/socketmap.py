"""Postfix look-up tables answered by the running test (socketmap_table(5)): a change holds from the next look-up."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Mapping
from io import BufferedIOBase

# A key is always a whole address: Postfix looks up neither the address without its extension nor the bare domain here.
Table = Callable[[str], str | None]


def _read_netstring(stream: BufferedIOBase) -> str | None:
    digits = b""
    while (byte := stream.read(1)) != b":":
        if not byte:
            return None
        digits += byte
    payload = stream.read(int(digits) + 1)  # and the comma
    return payload[:-1].decode("utf-8", "surrogateescape")


class _Handler(socketserver.StreamRequestHandler):
    server: SocketMap

    def handle(self) -> None:
        while (request := _read_netstring(self.rfile)) is not None:
            table, _, key = request.partition(" ")
            found = self.server.tables[table](key.lower())
            answer = (f"OK {found}" if found is not None else "NOTFOUND ").encode("utf-8", "surrogateescape")
            self.wfile.write(b"%d:%b," % (len(answer), answer))


class SocketMap(socketserver.ThreadingTCPServer):
    """Serves the named tables on loopback from entering to leaving the context."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, tables: Mapping[str, Table]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tables = tables

    def reference(self, table: str) -> str:
        """What Postfix's configuration calls this table."""
        return f"socketmap:inet:127.0.0.1:{self.server_address[1]}:{table}"

    def __enter__(self) -> SocketMap:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="socketmap", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()
