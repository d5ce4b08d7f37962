"""Connections that are held, or used slowly: nobody else is kept out, no descriptor runs out, no log fills."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from web.asking import HandSet, answer, connections, ended, opened, request, until

from canary.budgets import WEB_ANSWER, WEB_REQUEST
from canary.web.connections import Connections, most_connections
from canary.web.seldom import EVERY
from canary.web.server import listen

assert WEB_REQUEST.seconds is not None
assert WEB_ANSWER.seconds is not None
assert WEB_REQUEST.received is not None
TOO_LONG = WEB_REQUEST.seconds + 1


async def test_idle_ones_make_room_for_whoever_asks() -> None:
    async with connections(HandSet(), most=8) as port:
        idle = [await opened(port) for _ in range(100)]
        assert (await answer(port, request())).endswith(b"well\n")
        for held, _ in idle[:50]:
            assert await ended(held) == b""
        [writer.close() for _, writer in idle]


async def test_many_at_once_have_hardly_more_descriptors_than_are_theirs() -> None:
    """What they had for a moment, probing lacked: a process of 64 descriptors could not connect to a mail server."""
    most = 8
    async with connections(HandSet(), most=most) as port:
        with ExitStack() as clients:
            for _ in range(100):
                clients.enter_context(socket.create_connection(("127.0.0.1", port)))  # the loop does not run meanwhile
            before, held = _descriptors(), []
            for _ in range(200):
                await asyncio.sleep(0)
                held.append(_descriptors() - before)
            assert most <= max(held) <= most + most // 2


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_who_is_being_answered_is_not_sent_away_for_others() -> None:
    async with connections(HandSet(), most=4) as port:
        waiting = [await opened(port, request("/never")) for _ in range(4)]
        await asyncio.sleep(0.1)  # their requests are in
        assert await answer(port, request()) == b""
        assert not any(held.at_eof() for held, _ in waiting)
        waiting[0][1].close()
        async with asyncio.timeout(60):
            while len(await answer(port, request())) == 0:
                pass


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",  # answered; then nothing more
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_slow_one_has_so_much_time_in_all_however_often_a_byte_comes(sent: bytes) -> None:
    clock = HandSet()
    async with connections(clock, most=8) as port:
        reader, writer = await opened(port, sent)
        if sent.endswith(b"\r\n\r\n") or b"POST" in sent:
            await reader.readuntil(b"well\n")
        clock.seconds += TOO_LONG - 2
        await asyncio.sleep(0.1)  # swept some times
        assert not reader.at_eof()
        writer.write(b"a")
        await asyncio.sleep(0.1)
        clock.seconds += 2
        await ended(reader)


async def test_an_answer_that_nobody_takes_or_makes_is_given_up() -> None:
    clock = HandSet()
    async with connections(clock, most=8) as port:
        sockets = []
        for path in ("/big", "/never"):
            taken = socket.create_connection(("127.0.0.1", port))
            taken.sendall(request(path))
            sockets.append(taken)
        await asyncio.sleep(0.3)
        clock.seconds += TOO_LONG
        await asyncio.sleep(0.1)
        assert (await answer(port, request())).endswith(b"well\n")
        assert WEB_ANSWER.seconds is not None
        clock.seconds += WEB_ANSWER.seconds
        for taken in sockets:
            with closing(taken):
                assert await asyncio.to_thread(_drained, taken) < 32 << 20


def _drained(taken: socket.socket) -> int:
    received = 0
    try:
        while more := taken.recv(1 << 16):
            received += len(more)
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("shape", ["one long line", "many lines", "a long address"])
async def test_a_head_of_too_many_bytes_is_refused(shape: str) -> None:
    assert WEB_REQUEST.received is not None
    much = WEB_REQUEST.received
    head = {
        "one long line": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * much * 8,
        "many lines": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * much,
        "a long address": b"GET /" + b"x" * much * 8,
    }[shape]
    async with connections(HandSet(), most=8) as port:
        said = await answer(port, head)
        assert said == b"" or said.startswith(b"HTTP/1.1 400 ")
        assert (await answer(port, request())).endswith(b"well\n")


async def test_no_descriptor_left_is_told_once_a_minute_and_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        """A listening socket in a process that has no descriptor left."""

        def __init__(self, listener: socket.socket) -> None:
            self.listener, self.tried, self.left = listener, 0, False

        def accept(self) -> tuple[socket.socket, object]:
            self.tried += 1
            if not self.left:
                raise OSError(errno.EMFILE, "Too many open files")
            return self.listener.accept()

        def fileno(self) -> int:
            return self.listener.fileno()

        def setblocking(self, flag: bool) -> None:
            self.listener.setblocking(flag)

    clock = HandSet()
    with closing(listen("127.0.0.1", 0)) as listener, capture_logs() as logs:
        exhausted = Exhausted(listener)
        monkeypatch.setattr("canary.web.connections._SWEEP", 0.02)
        inside = Connections(_nothing, exhausted, clock, lambda: None, 8)  # type: ignore[arg-type]  # what it does without
        inside.open()
        held = [await opened(listener.getsockname()[1]) for _ in range(20)]
        await until(lambda: exhausted.tried >= 20)
        told = [entry for entry in logs if entry["event"] == "a web connection cannot be taken"]
        assert [entry["error"] for entry in told] == ["Too many open files"]
        clock.seconds += EVERY
        tried = exhausted.tried
        await until(lambda: exhausted.tried >= tried + 2)
        told = [entry for entry in logs if entry["event"] == "a web connection cannot be taken"]
        assert told[1]["more_since_the_last_line"] >= 18
        exhausted.left = True
        await until(lambda: exhausted.tried >= tried + 20)
        await inside.close()
        [writer.close() for _, writer in held]


async def _nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError


async def test_what_is_no_http_and_what_fails_fill_no_log() -> None:
    async def failing(scope: object, receive: object, send: object) -> None:
        raise RuntimeError("a mistake of ours")

    with capture_logs() as logs:
        async with connections(HandSet(), most=8, app=failing) as port:
            for _ in range(50):
                assert (await answer(port, b"\x16\x03\x01\x02\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
                assert (await answer(port, request())).startswith(b"HTTP/1.1 500 ")
    assert len(logs) == 2
    assert [entry.get("error") for entry in logs] == [None, "RuntimeError('a mistake of ours')"]


@pytest.mark.parametrize(("soft", "most"), [(64, 8), (16, 4), (1024, 128), (resource.RLIM_INFINITY, 128)])
def test_fewer_are_held_where_few_files_may_be_open(monkeypatch: pytest.MonkeyPatch, soft: int, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert most_connections() == most


async def test_closing_waits_for_nobody_for_long() -> None:
    async with connections(HandSet(), most=8) as port:
        held = [await opened(port), await opened(port, request("/never")), await opened(port, request("/big"))]
        await asyncio.sleep(0.1)
    for reader, writer in held:
        await ended(reader)
        writer.close()
