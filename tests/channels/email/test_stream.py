"""The stream: what arrives in whatever pieces is taken as the replies that it is, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.channels.email.stream import Stream

TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=20)
REPLIES = st.lists(st.tuples(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=4)), min_size=1, max_size=5)


class Deaf(asyncio.Transport):
    """A transport into which nothing needs to be said."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        pass


def written(code: int, lines: list[str]) -> bytes:
    *first, last = lines
    return "".join([*(f"{code}-{line}\r\n" for line in first), f"{code} {last}\r\n"]).encode()


@given(REPLIES, st.lists(st.integers(0, 200), max_size=10))
def test_replies_are_the_same_however_they_are_cut(replies: list[tuple[int, list[str]]], cuts: list[int]) -> None:
    said = b"".join(written(*reply) for reply in replies)
    ends = [*sorted(cut for cut in cuts if cut < len(said)), len(said)]

    async def listen() -> list[tuple[int, str]]:
        stream = Stream(Deaf())
        asking = asyncio.gather(*[_in_turn(stream, len(replies))])
        begin = 0
        for end in ends:
            stream.data_received(said[begin:end])
            await asyncio.sleep(0)
            begin = end
        (heard,) = await asking
        assert stream.quiet
        return heard

    assert asyncio.run(listen()) == [(code, "\n".join(lines)) for code, lines in replies]


async def _in_turn(stream: Stream, count: int) -> list[tuple[int, str]]:
    return [await stream.reply(60) for _ in range(count)]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Stream, asyncio.StreamWriter]]:
    """A stream, and the server's end of its connection."""
    server_side = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: server_side.set_result(writer), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
        writer = await server_side
        stream = Stream(cast(asyncio.Transport, transport))
        try:
            yield stream, writer
        finally:
            transport.close()
            writer.close()


async def test_a_server_that_hangs_up_is_told_and_no_longer_quiet() -> None:
    async with connected() as (stream, server):
        assert stream.quiet
        server.write(b"221 half a wo")
        server.close()
        with pytest.raises(ConnectionError):
            await stream.reply(60)
        assert not stream.quiet
        stream.write(b"QUIT\r\n")  # into the void


async def test_what_came_before_the_server_hung_up_is_heard() -> None:
    async with connected() as (stream, server):
        server.write(b"421 4.4.2 idle\r\n")
        server.close()
        assert await stream.reply(60) == (421, "4.4.2 idle")
        with pytest.raises(ConnectionError):
            await stream.reply(60)


async def test_patience_has_an_end() -> None:
    async with connected() as (stream, server):
        server.write(b"250-first\r\n")
        with pytest.raises(TimeoutError):
            await stream.reply(0.05)


async def test_patience_ends_though_something_arrives_at_that_moment() -> None:
    stream = Stream(Deaf())
    asyncio.get_running_loop().call_later(0.05, stream.data_received, b"250-half a reply")
    asking = asyncio.create_task(stream.reply(0.05))
    ended, _ = await asyncio.wait({asking}, timeout=30)
    assert ended
    with pytest.raises(TimeoutError):
        asking.result()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"what?\r\n", "no SMTP reply: what"),
        (b"25\r\n", "no SMTP reply: 25"),
        (b"250-a\r\nok\r\n", "no SMTP reply: ok"),
        (b"250-" + b"x" * 9000, "a reply: more than 8192 bytes"),
        (b"250-x\r\n" * 2000, "a reply: more than 8192 bytes"),
    ],
)
async def test_what_is_no_reply_is_refused(said: bytes, words: str) -> None:
    async with connected() as (stream, server):
        server.write(said)
        with pytest.raises(ValueError, match=words):
            await stream.reply(60)
