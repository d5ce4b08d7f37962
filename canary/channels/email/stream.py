"""Commands and replies on a submission connection that was made ready for messages.

aiosmtplib brings a connection up to here: greeting, TLS, AUTH. It says each command after the reply to the one before;
where the server takes several at a time (PIPELINING, RFC 2920), a probe waits and wakes twice instead of four times.
"""

from __future__ import annotations

import asyncio

from canary.budgets import SMTP_REPLY, SMTP_UNASKED


class Stream(asyncio.Protocol):
    """What is said over one transport; it takes the place of whoever listened there before."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = bytearray()
        self._lost = transport.is_closing()
        self._late = False
        self._news: asyncio.Future[None] | None = None
        transport.set_protocol(self)

    @property
    def quiet(self) -> bool:
        """Whether the server is there, and has said nothing that was not taken yet."""
        return not self._buffer and not self._lost

    def write(self, data: bytes) -> None:
        """Say something; whether it is heard, only the reply tells."""
        if not self._lost:
            self._transport.write(data)

    def close(self) -> None:
        """Say goodbye and let go; what the server has not taken by now is thrown away."""
        if self._lost:  # a transport with TLS that is closed twice can tell nothing any more
            self._transport.abort()
            return
        self._transport.write(b"QUIT\r\n")
        waits = self._transport.get_write_buffer_size()
        self._lost = True
        self._transport.close()
        if waits:  # of a server that does not read, it would be kept for ever
            self._transport.abort()

    async def reply(self, within: float) -> tuple[int, str]:
        """The next reply: its code, and its text with a line feed between its lines (RFC 5321 section 4.2.1).

        Raises TimeoutError after ``within`` seconds (by the event loop, which a simulated clock moves too),
        ConnectionError if the server hung up, and ValueError (BudgetError) for something that is no reply (too long).
        """
        if (found := self._take()) is not None:  # already buffered: a pipelined reply
            return found
        loop, self._late = asyncio.get_running_loop(), False
        timer = loop.call_later(within, self._time_out)  # asyncio.timeout costs more than the rest of this
        try:
            while (found := self._take()) is None:
                SMTP_REPLY.hold(received=len(self._buffer))
                if self._lost:
                    raise ConnectionResetError("connection lost")
                if self._late:
                    raise TimeoutError
                self._news = loop.create_future()
                await self._news
        finally:
            timer.cancel()
        return found

    def data_received(self, data: bytes) -> None:
        """Called by the transport with bytes that came in; it is closed by more than anybody asked for."""
        self._buffer += data
        if SMTP_UNASKED.received is not None and len(self._buffer) > SMTP_UNASKED.received:
            self._lost = True
            self._transport.abort()
        self._wake()

    def eof_received(self) -> None:
        """Called by the transport, which closes itself then."""
        self._lost = True
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        """Called by the transport when the connection is closed, by whichever side."""
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _time_out(self) -> None:
        self._late = True
        self._wake()

    def _take(self) -> tuple[int, str] | None:
        """The first reply in the buffer, which leaves it; None if it is not whole yet."""
        begin, lines = 0, list[bytes]()
        while (end := self._buffer.find(b"\n", begin)) >= 0:
            line = bytes(self._buffer[begin:end])
            begin = end + 1
            if not line[:3].isdigit() or len(line) < 3:
                raise ValueError(f"no SMTP reply: {line.decode('utf-8', 'surrogateescape')}")
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                del self._buffer[:begin]
                return int(line[:3]), b"\n".join(lines).decode("utf-8", "surrogateescape")
        return None
