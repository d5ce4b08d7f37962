"""A man in the middle who removes STARTTLS: to prove that a client does not fall back to plain text."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from contextlib import suppress
from typing import Literal

Protocol = Literal["smtp", "imap"]


class _Handler(socketserver.StreamRequestHandler):
    server: StrippingProxy

    def handle(self) -> None:
        with socket.create_connection(self.server.target, timeout=60) as upstream:
            answers = threading.Thread(target=self._relay_answers, args=(upstream,), daemon=True)
            answers.start()
            for line in self.rfile:
                self.server.overheard.append(line)
                refusal = self.server.refusal(line)
                if refusal:
                    self.wfile.write(refusal)
                else:
                    upstream.sendall(line)
            upstream.shutdown(socket.SHUT_WR)
            answers.join()

    def _relay_answers(self, upstream: socket.socket) -> None:
        with suppress(OSError), upstream.makefile("rb") as lines:  # either side may go without a word
            for line in lines:
                self.wfile.write(self.server.stripped(line))
            self.connection.shutdown(socket.SHUT_RDWR)


class StrippingProxy(socketserver.ThreadingTCPServer):
    """Stands before a plain-text port from entering to leaving the context; clients connect to ``address``.

    Every answer passes without the offer of STARTTLS (and, in IMAP, without LOGINDISABLED), and a client that asks for
    STARTTLS all the same is refused. ``overheard`` is every line that clients sent: no password may be among them.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, target: tuple[str, int], protocol: Protocol = "smtp") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.protocol = target, protocol
        self.overheard: list[bytes] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where the proxy listens."""
        return "127.0.0.1", self.server_address[1]

    def stripped(self, line: bytes) -> bytes:
        """The server's line without the offer of TLS."""
        if self.protocol == "smtp":
            return re.sub(rb"^(250[ -])STARTTLS", rb"\1XXXXXXXX", line, flags=re.IGNORECASE)
        return re.sub(rb" (STARTTLS|LOGINDISABLED)\b", b"", line, flags=re.IGNORECASE)

    def refusal(self, line: bytes) -> bytes | None:
        """The answer to a client's STARTTLS; None for every other line, which goes on to the server."""
        words = line.upper().split()
        if self.protocol == "smtp":
            return b"502 5.5.1 Error: command not implemented\r\n" if words[:1] == [b"STARTTLS"] else None
        return line.split()[0] + b" BAD Unknown command\r\n" if words[1:2] == [b"STARTTLS"] else None

    def __enter__(self) -> StrippingProxy:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="stripping proxy", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()
