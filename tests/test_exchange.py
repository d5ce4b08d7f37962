"""Asking over HTTP: whatever is answered, it ends at a budget, and is told with its number."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import tracemalloc
import zlib
from dataclasses import replace

import brotli
import pytest
import trustme
from servers.speaking import Speak, saying, speaking, without_end

from canary.budgets import HTTP_BODY, KIB, MIB, Budget, BudgetError
from canary.exchange import BROKEN, body, exchange

ENOUGH = Budget("an answer", received=256 * KIB, decoded=64 * KIB, seconds=60.0)
OK, CHUNKED = b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = rf"an answer: more than {256 * KIB} bytes"


async def asked(url: str, budget: Budget = ENOUGH) -> bytes:
    async with (
        budget.deadline(),
        exchange(budget, headers={}) as client,
        client.stream("POST", url, content=b"x") as answer,
    ):
        return await body(answer, budget)


def coded(coding: str, content: bytes) -> Speak:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nConnection: close\r\n\r\n"
    return saying(head.encode(), content)


@pytest.mark.parametrize(
    ("speak", "words"),
    [
        (without_end(OK + b"Connection: close\r\n\r\n", b"x"), f"an answer: more than {64 * KIB} bytes when decoded"),
        (without_end(OK + CHUNKED, b"1\r\nx\r\n"), rf"{MUCH}|more than 20000 chunks"),
        (without_end(OK + CHUNKED, b"1;" + b"x" * 5000 + b"\r\nx\r\n"), MUCH),
        (without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), MUCH),
        (without_end(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), MUCH),
        (without_end(OK, b"a: b\r\n"), MUCH + r"|[Tt]oo long"),
        (without_end(OK + b"a: b\r\n", b" folded\r\n"), MUCH + r"|[Tt]oo long"),
        (without_end(OK + b"a: ", b"b"), MUCH + r"|[Tt]oo long"),
        (without_end(b"HTTP/1.1 200 ", b"b"), MUCH + r"|[Tt]oo long"),
        (without_end(OK + CHUNKED, b"0"), MUCH + r"|[Tt]oo long|chunk|illegal"),
        (without_end(OK + CHUNKED + b"0\r\n", b"a: b\r\n"), MUCH + r"|[Tt]oo long"),
        (without_end(OK + b"Content-Length: 99999999999999999999\r\n\r\n", b"x"), "when decoded|Content-Length"),
    ],
)
async def test_an_answer_without_an_end_is_left_when_it_is_too_much(speak: Speak, words: str) -> None:
    async with speaking(speak) as url:
        with pytest.raises(BROKEN, match=words):
            await asked(url)


@pytest.mark.parametrize(
    ("beginning", "again"),
    [
        (b"", b""),
        (OK, b"a: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK + CHUNKED, b"1\r\nx\r\n"),
        (OK + CHUNKED + b"0\r\n", b"a: b\r\n"),
        (OK + b"Content-Length: 9999\r\n\r\n", b"x"),
    ],
)
async def test_whoever_answers_bit_by_bit_is_left_when_the_time_for_the_whole_is_over(
    beginning: bytes, again: bytes
) -> None:
    async with speaking(without_end(beginning, again, pause=0.02)) as url:
        with pytest.raises(BudgetError, match=r"an answer: not whole within 0\.3 s"):
            await asked(url, replace(ENOUGH, seconds=0.3))


async def test_what_comes_through_tls_or_a_proxy_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    endless = without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n")
    async with speaking(endless, server) as url, exchange(ENOUGH, headers={}, trust=lambda: client) as asker:
        with pytest.raises(BudgetError, match=MUCH):
            await asker.get(url)
    async with speaking(endless) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        with pytest.raises(BudgetError, match=MUCH):
            await asked("http://ca.example/")


async def test_all_answers_of_an_exchange_count_together() -> None:
    page = OK + b"Content-Length: 60000\r\nConnection: close\r\n\r\n" + bytes(60_000)
    async with speaking(saying(page)) as url, exchange(ENOUGH, headers={}) as client:
        for _ in range(4):
            await client.get(url)
        with pytest.raises(BudgetError, match=MUCH):
            await client.get(url)


async def test_gzip_is_asked_for_and_read_even_if_it_breaks_off() -> None:
    content = packed(b"hello" * 1000)
    async with speaking(coded("gzip", content)) as url, exchange(ENOUGH, headers={}) as client:
        assert client.headers["accept-encoding"] == "gzip"
        assert await asked(url) == b"hello" * 1000
    async with speaking(coded("x-gzip, identity", content + b"what follows")) as url:
        assert await asked(url) == b"hello" * 1000
    async with speaking(coded("gzip", content[:-9])) as url:
        assert (b"hello" * 1000).startswith(await asked(url))
    async with speaking(coded("identity", b"plain")) as url:
        assert await asked(url) == b"plain"


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same at every run: it names a test


@pytest.mark.parametrize(
    ("coding", "content", "words"),
    [
        ("br", brotli.compress(bytes(MIB)), "coded as 'br', want gzip or nothing"),
        ("zstd", b"\x28\xb5\x2f\xfd", "coded as 'zstd'"),
        ("deflate", zlib.compress(bytes(MIB)), "coded as 'deflate'"),
        ("gzip, gzip", packed(packed(bytes(MIB))), "coded as 'gzip, gzip'"),
        ("gzip\r\nContent-Encoding: br", b"", "coded as 'gzip, br'"),
        ("gzip", b"nothing of the kind", "not the gzip that it says"),
        ("gzip", packed(bytes(MIB)), f"more than {64 * KIB} bytes when decoded"),
    ],
)
async def test_what_was_not_asked_for_or_is_too_much_is_told(coding: str, content: bytes, words: str) -> None:
    async with speaking(coded(coding, content)) as url:
        with pytest.raises(BROKEN, match=words):
            await asked(url)


async def test_a_bomb_is_unpacked_no_further_than_shows_that_it_is_too_much() -> None:
    bomb = gzip.compress(bytes(200 * MIB), 1)
    assert len(bomb) < MIB
    async with speaking(coded("gzip", bomb)) as url:
        tracemalloc.start()
        with pytest.raises(BudgetError, match="when decoded"):
            await asked(url, replace(ENOUGH, received=4 * MIB))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 16 * MIB


async def test_a_body_has_a_number_of_chunks_that_is_enough() -> None:
    chunks = b"1\r\nx\r\n" * (HTTP_BODY.number or 0)
    roomy = replace(ENOUGH, received=MIB)
    async with speaking(saying(OK + CHUNKED, chunks, b"0\r\n\r\n")) as url:
        assert len(await asked(url, roomy)) == HTTP_BODY.number
    async with speaking(saying(OK + CHUNKED, chunks, b"1\r\nx\r\n0\r\n\r\n")) as url:
        with pytest.raises(BudgetError, match="the body of an answer over HTTP: more than 20000 chunks"):
            await asked(url, roomy)


async def test_others_have_a_turn_at_every_few_bytes() -> None:
    """Of the event loop's turns there are as many as pieces, however much comes at once."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    chunks = b"1\r\nx\r\n" * 10_000
    async with speaking(saying(OK + CHUNKED, chunks, b"0\r\n\r\n")) as url:
        counting = asyncio.create_task(count())
        await asked(url)
        counting.cancel()
    assert turns > len(chunks) // 4096
