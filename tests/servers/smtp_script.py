"""An SMTP server that follows a script: it behaves as well or as badly as a test wants, and remembers what it heard."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

DROP = "<close the connection>"
HANG = "<say nothing>"
FLOOD = "<never stop>"
"""At the end of a reply: what is in front of it again and again, from there on."""
TRICKLE = "<a bit now and then>"
"""At the end of a reply: what is in front of it now and then, from there on."""
LATER = "<after a while>"
"""In front of a reply: that comes, but late."""

PIPELINING = False
"""Whether it says that it takes several commands at a time (RFC 2920); it does in any case."""

_USUAL = {
    "GREETING": "220 mail.sender.test ESMTP",
    "EHLO": "250-mail.sender.test\r\n250-DSN\r\n250 8BITMIME",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "END": "250 2.0.0 queued as 4711",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@dataclass
class SmtpScript:
    """``replies`` are, by verb, what to answer in order; the last one is repeated, other verbs get the usual answer,
    and what is no verb (the answer to a challenge) gets ``otherwise``.

    The verbs are those of SMTP, GREETING for a new connection and END for the end of a message.
    """

    replies: dict[str, Sequence[str]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    otherwise: str = "500 what?"
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _asked: Counter[str] = field(default_factory=Counter)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[SmtpScript]:
        """The server, listening on a port of a loopback address; on a free one unless one is given."""
        server = await asyncio.start_server(self._serve, host, port, ssl=self.tls if self.implicit else None)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self._over.set()
            self.hang_up()
            await asyncio.gather(*self._tasks)

    def hang_up(self) -> None:
        """Close every connection, as a server does with idle ones."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def verbs(self) -> list[str]:
        """The verbs of all commands, in order."""
        return [command.split()[0].upper() for command in self.commands if command]

    async def heard(self, verb: str, times: int = 1) -> None:
        """Wait until a verb was heard so many times."""
        async with asyncio.timeout(20):
            while self.verbs().count(verb) < times:
                self._news.clear()
                await self._news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        self._writers.append(writer)
        try:
            await self._answer(writer, "GREETING")
            while line := await reader.readline():
                command = line.decode("ascii").rstrip("\r\n")
                self.commands.append(command)
                self._news.set()
                verb = command.split(" ")[0].upper()
                reply = await self._answer(writer, verb)
                if verb == "STARTTLS" and reply.startswith("220"):
                    writer = await self._secure(reader, writer)
                if verb == "DATA" and reply.startswith("354"):
                    self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                    await self._answer(writer, "END")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _secure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> asyncio.StreamWriter:
        """StreamWriter.start_tls of Python 3.11 breaks if the client is gone by the end of the handshake."""
        assert self.tls is not None
        loop, protocol = asyncio.get_running_loop(), writer.transport.get_protocol()
        transport = await loop.start_tls(writer.transport, protocol, self.tls, server_side=True)
        if transport is None:
            raise ConnectionAbortedError
        secured = asyncio.StreamWriter(transport, protocol, reader, loop)
        self._writers.append(secured)
        return secured

    async def _answer(self, writer: asyncio.StreamWriter, verb: str) -> str:
        choices = self.replies.get(verb, [_USUAL.get(verb, self.otherwise)])
        reply = choices[min(self._asked[verb], len(choices) - 1)]
        self._asked[verb] += 1
        if reply == HANG:
            await self._over.wait()
            raise ConnectionAbortedError
        if reply == DROP:
            raise ConnectionAbortedError
        if reply.startswith(LATER):
            reply = reply.removeprefix(LATER)
            await asyncio.sleep(0.4)
        if reply.endswith((FLOOD, TRICKLE)):
            await self._never_stop(writer, reply)
        if verb == "EHLO" and reply.startswith("250") and PIPELINING:
            *first, last = reply.split("\r\n")
            reply = "\r\n".join([*first, f"250-{last[4:]}", "250 PIPELINING"])
        writer.write(reply.encode("latin-1") + b"\r\n")
        await writer.drain()
        return reply

    async def _never_stop(self, writer: asyncio.StreamWriter, reply: str) -> None:
        said = reply.removesuffix(FLOOD).removesuffix(TRICKLE).encode("latin-1")
        writer.write(said)
        while not self._over.is_set():
            writer.write(said * 1000 if reply.endswith(FLOOD) else said)
            await writer.drain()
            await asyncio.sleep(0 if reply.endswith(FLOOD) else 0.02)
        raise ConnectionAbortedError
