"""Asking somebody outside: whoever answers too slowly or too much is left, and what went wrong is named."""

from __future__ import annotations

import pytest
from servers.speaking import saying, speaking, without_end

from canary.budgets import Budget
from canary.outside import HttpAnswer, UnansweredError, ask

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/x.tlog.size; charset=utf-8\r\n"
ENOUGH = Budget("an answer", received=2000, decoded=1000, seconds=60)


async def test_an_answer_is_read_whole() -> None:
    async with speaking(saying(HEAD + b"Content-Length: 3\r\n\r\n12\xff")) as url:
        answer = await ask(url, {}, Budget("an answer", received=1000, decoded=3, seconds=60), content=b"x")
    assert answer == HttpAnswer(200, "OK", "text/x.tlog.size", b"12\xff")
    assert answer.text == "12\N{REPLACEMENT CHARACTER}"


async def test_whoever_answers_byte_by_byte_is_left_when_the_time_is_over() -> None:
    async with speaking(without_end(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x", pause=0.01)) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: an answer: not whole within 0\.3 s"):
            await ask(url, {}, Budget("an answer", received=1_000_000, decoded=1_000_000, seconds=0.3), content=b"x")


async def test_an_answer_without_an_end_is_left_when_it_is_too_much() -> None:
    async with speaking(without_end(HEAD + b"Connection: close\r\n\r\n", b"x")) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: an answer: more than (1000|2000) bytes"):
            await ask(url, {}, ENOUGH, content=b"x")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip"])
async def test_an_answer_that_is_coded_though_nobody_asked_for_that_is_told(coding: str) -> None:
    async with speaking(saying(HEAD + f"Content-Encoding: {coding}\r\n\r\nnothing of the kind".encode())) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: the answer is (coded as|not the gzip)"):
            await ask(url, {}, ENOUGH, content=b"x")


async def test_what_does_not_speak_http_and_a_name_that_is_not_are_told() -> None:
    async with speaking(saying(b"220 mx.example ESMTP\r\n")) as url:
        with pytest.raises(UnansweredError, match=rf"{url}: \w"):
            await ask(url, {}, ENOUGH, content=b"x")
    with pytest.raises(UnansweredError, match=r"http://absent\.invalid: .*(not known|resolution)"):
        await ask("http://absent.invalid", {}, ENOUGH, content=b"x")


async def after_a_file_that_was_not_there(url: str) -> None:
    try:
        raise FileNotFoundError(2, "No such file")
    except FileNotFoundError:
        await ask(url, {}, Budget("an answer", received=1_000_000, decoded=1_000_000, seconds=0.3), content=b"x")


async def test_what_happened_before_and_is_not_the_reason_is_not_told() -> None:
    async with speaking(without_end(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x", pause=0.01)) as url:
        with pytest.raises(UnansweredError, match=r"not whole within 0\.3 s"):
            await after_a_file_that_was_not_there(url)
