"""An SMTP server that says that it takes several commands at a time (RFC 2920), and does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_REPLIES = {
    "EHLO": "250-mail.probe.example\r\n250 PIPELINING",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "QUIT": "221 bye",
}
HANG_UP = "<close the connection>"

WAYS: dict[str, Callable[[list[str]], list[str]]] = {
    "the rest of a packet is thrown away": lambda said: said[:1],
    "the last of a packet is thrown away": lambda said: said[: max(1, len(said) - 1)],
    "the first of a packet is thrown away": lambda said: said[-1:],
    "all of a packet is thrown away": lambda said: said if len(said) == 1 else [],
    "a reply is missing": lambda said: said if len(said) == 1 else [said[0], *said[2:]],
    "a packet is one command": lambda said: said if len(said) == 1 else ["500 5.5.2 line too long"],
    "a packet is refused": lambda said: said if len(said) == 1 else ["554 5.5.0 SMTP synchronization error"],
    "a packet is out of sequence": lambda said: said if len(said) == 1 else [said[0], "503 5.5.1 bad sequence"],
    "a packet is the end": lambda said: said if len(said) == 1 else [said[0], HANG_UP],
    "a packet is sent away": lambda said: said if len(said) == 1 else ["421 4.7.0 too fast", HANG_UP],
    "a packet is answered by nonsense": lambda said: said if len(said) == 1 else [said[0], "???"],
}
"""What it makes of the commands that come in one packet: those that it answers, or answers as they are."""


class SmtpLiar:
    """Behaves in one of :data:`WAYS`; counts its connections, and keeps what it was sent."""

    def __init__(self, way: str) -> None:
        self._way = WAYS[way]
        self.connections, self.port = 0, 0
        self.messages: list[bytes] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SmtpLiar]:
        """The server, listening on a free port of 127.0.0.1."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            writer.write(b"220 mail.probe.example\r\n")
            while packet := await reader.read(65536):
                for said in self._way(packet.decode("ascii").splitlines()):
                    if said == HANG_UP:
                        return
                    writer.write(f"{_REPLIES.get(said[:4].upper(), said)}\r\n".encode())
                    if said == "DATA":
                        self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                        writer.write(b"250 2.0.0 queued\r\n")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
