"""A mail filter for Postfix (milter protocol 6): it may refuse a message at the end of DATA, or change it."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

CHANGES = 0x02 | 0x10  # SMFIF_CHGBODY and SMFIF_CHGHDRS, the rights asked for
# Not sent: connect, HELO, MAIL, RCPT, unknown commands, DATA. Sent but not answered: headers, their end, body chunks.
STEPS = 0x01 | 0x02 | 0x04 | 0x08 | 0x100 | 0x200 | 0x80 | 0x40000 | 0x80000
CHUNK = 65_535


@dataclass(frozen=True, slots=True)
class Changed:
    """What a message has instead; None for what it keeps."""

    body: bytes | None = None
    message_id: str | None = None


Verdict = str | Changed | None
"""A reply that refuses the message ("552 5.7.0 ..."), what is changed, or None: let it pass."""
Judge = Callable[[bytes, bytes], Verdict]
"""(headers, body) -> verdict; lines end with CRLF."""


def _read_packet(stream: BufferedIOBase) -> tuple[bytes, bytes] | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    packet = stream.read(struct.unpack("!I", head)[0])
    return packet[:1], packet[1:]


class _Handler(socketserver.StreamRequestHandler):
    server: Milter

    def handle(self) -> None:
        headers, body = b"", b""
        while (packet := _read_packet(self.rfile)) is not None:
            command, data = packet
            match command:
                case b"O":
                    self._send(b"O", struct.pack("!III", 6, CHANGES, STEPS))
                case b"L":
                    name, value = data.split(b"\0")[:2]
                    headers += name + b": " + value.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
                case b"B":
                    body += data
                case b"E":
                    self._answer(self.server.judge(headers, body + data))
                    headers, body = b"", b""
                case b"A":
                    headers, body = b"", b""
                case b"Q":
                    return

    def _send(self, command: bytes, data: bytes = b"") -> None:
        self.wfile.write(struct.pack("!I", 1 + len(data)) + command + data)

    def _answer(self, verdict: Verdict) -> None:
        if isinstance(verdict, str):
            self._send(b"y", verdict.encode() + b"\0")
            return
        if verdict is not None and verdict.message_id is not None:
            self._send(b"m", struct.pack("!I", 1) + b"Message-ID\0" + verdict.message_id.encode() + b"\0")
        if verdict is not None and verdict.body is not None:
            for start in range(0, len(verdict.body), CHUNK):
                self._send(b"b", verdict.body[start : start + CHUNK])
        self._send(b"c")


class Milter(socketserver.ThreadingUnixStreamServer):
    """Serves the filter from entering to leaving the context; ``judge`` is called in many threads.

    On a UNIX socket, since over TCP each message would wait 40 ms: Postfix sends small packets that get no answer.
    """

    daemon_threads = True

    def __init__(self, path: Path, judge: Judge) -> None:
        super().__init__(str(path), _Handler)
        path.chmod(0o666)  # Postfix comes as its own user
        self.path = path
        self.judge = judge

    @property
    def reference(self) -> str:
        """What Postfix's configuration calls this filter."""
        return f"unix:{self.path}"

    def __enter__(self) -> Milter:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="milter", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()
