"""The IMAP protocol over a socket that is read through a buffer of our own, and no further than a budget.

So what the server said together with something else is never overlooked, a line that arrives in two pieces is no error
(mjs/imapclient#519), bytes slipped in before STARTTLS are refused, and every wait ends at once when the watcher stops.
Whatever is said in answer to one command is counted and timed as a whole: an answer that never ends is given up, be it
a flood or one byte a second.
"""

from __future__ import annotations

import imaplib
import re
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imapclient.exceptions import CapabilityError

from canary.budgets import IMAP_ANSWER, IMAP_LINE, Budget
from canary.queues.loop import Stop, StoppedError
from canary.settings import Server, Tls

_CHUNK = 65536
_WORDLESS = re.compile(rb"[A-Z]{4}[0-9]+ (?:OK|NO|BAD)")
"""A tagged answer without the text that belongs there (RFC 3501 section 7.1); imaplib would hang up on it."""


class Wire(imaplib.IMAP4):
    """imaplib's protocol, with every byte, line and second of an answer counted.

    Reading raises BudgetError for an answer of more than :attr:`budget`, TimeoutError if nothing comes within the
    server's timeout, and StoppedError.
    """

    def __init__(self, server: Server, context: ssl.SSLContext | None, stop: Stop) -> None:
        self._context = context if server.tls is Tls.IMPLICIT else None
        self._stop, self._patience = stop, server.timeout
        self._buffer, self._unsent = bytearray(), bytearray()
        self._budget = IMAP_ANSWER
        self.expect_answer()  # the greeting
        super().__init__(server.host, server.port, server.timeout)

    def expect_answer(self) -> None:
        """What comes from here on is the answer to something new, and counted anew."""
        self._received, self._lines = len(self._buffer), 0
        self._since = self._stop.clock.monotonic()

    @contextmanager
    def within(self, budget: Budget) -> Iterator[None]:
        """Have the answers of the commands in it cost no more than another budget."""
        usual, self._budget = self._budget, budget
        try:
            yield
        finally:
            self._budget = usual

    def _new_tag(self) -> bytes:
        """Every command begins with a tag, imaplib's own and IMAPClient's."""
        self.expect_answer()
        tag: bytes = super()._new_tag()  # type: ignore[misc]  # not in the stubs
        return tag

    def _log(self, line: str) -> None:
        """Keep no copies of the last lines: nobody reads them, and they are as long as the server likes."""

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain
        except BaseException:
            plain.close()
            raise

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[Any, list[Any]]:
        assert ssl_context is not None
        status, data = self._simple_command("STARTTLS")
        if status != "OK":
            raise CapabilityError(f"STARTTLS refused: {data!r}")
        if self._buffer:
            raise self.abort("the server, or somebody on the way, sent more than the answer before TLS began")
        self.untagged_responses: dict[str, list[Any]] = {}
        self.sock = ssl_context.wrap_socket(self.sock, server_hostname=self.host)
        self._tls_established = True
        self._get_capabilities()
        return status, data

    def send(self, data: Any) -> None:
        """Send a line once it is whole: IMAPClient sends it in pieces, and each wait for a piece is the server's."""
        self._unsent += data
        if self._unsent.endswith(b"\r\n"):
            line, self._unsent = bytes(self._unsent), bytearray()
            super().send(line)

    def readline(self) -> bytes:
        self._lines += 1
        self._budget.hold(number=self._lines)
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            IMAP_LINE.hold(received=seen)
            if not self._fill():
                return self._take(seen)
        IMAP_LINE.hold(received=end + 1)
        return self._take(end + 1)

    def _get_line(self) -> bytes:
        line: bytes = super()._get_line()  # type: ignore[misc]  # not in the stubs
        return line + b" " if _WORDLESS.fullmatch(line) else line

    def read(self, size: int) -> bytes:
        self._budget.hold(received=size)  # before any of it is waited for
        while len(self._buffer) < size and self._fill():
            pass
        return self._take(size)

    def heard(self, seconds: float) -> bool:
        """Whether the server says anything within so many seconds. Raises StoppedError."""
        return bool(self._buffer) or self._readable(seconds)

    def _readable(self, seconds: float) -> bool:
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return True
        poller = select.poll()
        poller.register(self._stop.socket, select.POLLIN)
        poller.register(self.sock, select.POLLIN)
        ready = [descriptor for descriptor, _ in poller.poll(max(seconds, 0) * 1000)]
        if self._stop.socket.fileno() in ready:
            raise StoppedError
        return bool(ready)

    def _fill(self) -> bool:
        """Add to the buffer what has come; False at the end of file."""
        took = self._stop.clock.monotonic() - self._since
        self._budget.hold(seconds=took)
        left = self._patience if self._budget.seconds is None else min(self._patience, self._budget.seconds - took)
        if not self._readable(left):
            if left < self._patience:
                raise self._budget.too_late()
            raise TimeoutError(f"no answer within {self._patience:g} s")
        chunk = self.sock.recv(_CHUNK)
        self._received += len(chunk)
        self._budget.hold(received=self._received)
        self._buffer += chunk
        return bool(chunk)

    def _take(self, size: int) -> bytes:
        with memoryview(self._buffer) as buffer:
            taken = bytes(buffer[:size])
        del self._buffer[:size]
        return taken
