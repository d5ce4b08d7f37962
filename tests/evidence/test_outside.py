"""Asking somebody outside: whoever answers too slowly or too much is left, and what went wrong is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from canary.budgets import Budget
from canary.evidence.outside import HttpAnswer, UnansweredError, post

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/x.tlog.size; charset=utf-8\r\n"
ENOUGH = Budget("an answer", received=1000, decoded=1000, seconds=60)
Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(speak: Speak) -> AsyncIterator[str]:
    """A server on loopback that reads a request's head and then speaks as it likes; yields its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await speak(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_is_read_whole() -> None:
    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 3\r\n\r\n12\xff")
        await writer.drain()

    async with answering(speak) as url:
        answer = await post(url, b"x", {}, Budget("an answer", received=1000, decoded=3, seconds=60))
    assert answer == HttpAnswer(200, "OK", "text/x.tlog.size", b"12\xff")
    assert answer.text == "12\N{REPLACEMENT CHARACTER}"


async def test_whoever_answers_byte_by_byte_is_left_when_the_time_is_over() -> None:
    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with answering(speak) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: an answer: not whole within 0.3 s"):
            await post(url, b"x", {}, Budget("an answer", received=1_000_000, decoded=1_000_000, seconds=0.3))


async def test_an_answer_without_an_end_is_left_when_it_is_too_large() -> None:
    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Connection: close\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    async with answering(speak) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: an answer: more than 1000 bytes"):
            await post(url, b"x", {}, ENOUGH)


async def test_what_does_not_speak_http_and_a_name_that_is_not_are_told() -> None:
    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example ESMTP\r\n")
        await writer.drain()

    async with answering(speak) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: \w"):
            await post(url, b"x", {}, ENOUGH)
    with pytest.raises(UnansweredError, match=r"http://absent\.invalid: .*(not known|resolution)"):
        await post("http://absent.invalid", b"x", {}, ENOUGH)
