"""What an IMAP server may cost: bytes, lines and seconds of one answer, whatever it says and however it says it."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from queues.conftest import RESOURCES, account_of, folder
from queues.recording_intake import RecordingIntake
from servers.imap_script import Answer, ImapScript
from servers.polling import until

from canary import budgets
from canary.model import OwnFaultError
from canary.queues.imap import wire
from canary.queues.imap.connection import connect
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import ImapWatcher, open_imap
from canary.queues.loop import Stop


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer may have 256 KiB, 500 lines and a second."""
    answer = budgets.Budget("an answer", received=262144, seconds=1.0, number=500, pieces="lines")
    monkeypatch.setattr(wire, "IMAP_ANSWER", answer)


def watcher(script: ImapScript, **server: str) -> ImapWatcher:
    settings = {"kind": "imap", "server": script.server(**server), "folders": [folder("CPR", "monitored")]}
    return open_imap("desk", ImapSettings.model_validate({**settings, "find_junk": False, "poll": "1s"}), RESOURCES)


def for_ever(piece: bytes) -> Answer:
    return lambda _: itertools.repeat(piece)


def drop_by_drop(piece: bytes) -> Answer:
    """A byte now and then, never too late for the next one, and never done."""

    def dripping(_: bytes) -> Iterator[bytes]:
        for byte in itertools.cycle(piece):
            yield bytes([byte])
            time.sleep(0.05)  # what a slow peer is

    return dripping


WITHOUT_END = {
    "bytes without a line": (for_ever(b"x" * 4096), "more than 262144 bytes"),
    "untagged answers": (for_ever(b"* OK " + b"x" * 2000 + b"\r\n"), "more than 262144 bytes"),
    "short untagged answers": (for_ever(b"* 1 EXISTS\r\n" * 100), "more than 500 lines"),
    "a literal": (
        lambda _: itertools.chain([b"* FLAGS {999999}\r\n"], itertools.repeat(b"x")),
        "more than 262144 bytes",
    ),
    "small literals": (for_ever(b"* FLAGS {2}\r\nab {0}\r\n" * 50), "more than 500 lines"),
    "a byte now and then": (drop_by_drop(b"x"), "not whole within 1 s"),
    "an answer now and then": (drop_by_drop(b"* 1 RECENT\r\n"), "not whole within 1 s"),
    "a literal now and then": (
        lambda rest: itertools.chain([b"* FLAGS {60000}\r\n"], drop_by_drop(b"x")(rest)),
        "not whole within 1 s",
    ),
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("verb", ["GREETING", "CAPABILITY", "LOGIN", "STATUS"])
@pytest.mark.parametrize("what", list(WITHOUT_END))
def test_an_answer_without_an_end_is_given_up(verb: str, what: str) -> None:
    script = ImapScript()
    script.answers[verb], words = WITHOUT_END[what]
    if verb == "GREETING":  # the first line is all that it may have
        whole = script.answers[verb]
        script.answers[verb] = lambda rest: itertools.chain([b"* OK hello\r\n"], whole(rest))
    with script.running(), pytest.raises(OwnFaultError) as raised:
        watcher(script).check()
    assert raised.value.reason == "too_much"
    assert words in raised.value.detail
    assert "127.0.0.1" in raised.value.detail


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "piece", [b"* 1 RECENT\r\n" * 20, b"* OK " + b"x" * 200_000 + b"\r\n"], ids=["short lines", "long lines"]
)
def test_a_flood_while_idling_is_given_up_and_tried_again_later(intake: RecordingIntake, piece: bytes) -> None:
    script = ImapScript(capabilities="IMAP4rev1 IDLE")
    script.answers["IDLE"] = lambda _: itertools.chain([b"+ idling\r\n"], itertools.repeat(piece))
    with script.running():
        watching = watcher(script)
        watching.start(intake)
        until(lambda: intake.reasons().count("too_much") > 1, "the second trouble")
        watching.stop()
    assert "an answer: more than" in intake.details()
    assert script.connections >= 2


def test_what_an_answer_may_cost_is_counted_anew_for_each_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "IMAP_ANSWER", budgets.Budget("an answer", received=8192, number=20, pieces="lines"))
    script = ImapScript()
    script.answers["STATUS"] = lambda _: [b"* OK " + b"x" * 7000 + b"\r\n", b"* STATUS CPR (MESSAGES 1)\r\n"]
    script.answers["LOGIN"] = lambda _: [b"* OK " + b"x" * 7000 + b"\r\n"]
    with script.running():
        assert "CPR (monitored, 1 messages)" in watcher(script).check()


def test_a_literal_is_refused_before_it_is_waited_for() -> None:
    script = ImapScript()

    def promised(_: bytes) -> Iterable[bytes]:
        yield b"* FLAGS {5000000}\r\n"

    script.answers["CAPABILITY"] = promised
    with script.running(), pytest.raises(OwnFaultError, match="more than 4194304 bytes"):
        watcher(script).check()


class Written:
    """A socket that keeps what is written to it, a write each."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner, self.writes = inner, list[bytes]()

    def sendall(self, data: bytes) -> None:
        self.writes.append(bytes(data))
        self._inner.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_each_command_leaves_in_one_packet() -> None:
    script = ImapScript(3)
    with script.running(), connect(account_of(script), Stop(RESOURCES.clock)) as connection:
        connection.capabilities()
        connection._imap.sock = written = Written(connection._imap.sock)
        connection.examine("CPR")
        connection.search(["UID", "1:*", "BODY", "a" * 40])
        connection.fetch([1], ["BODY.PEEK[HEADER]"])
        connection.examine("CPR")
        assert len(written.writes) == 4
        assert all(line.count(b"\r\n") == 1 and line.endswith(b"\r\n") for line in written.writes)
        assert written.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
