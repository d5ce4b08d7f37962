"""Whoever reads mail does so in linear time and bounded memory, and never raises, whatever is in it."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.hostile import KINDS, filled

from canary.budgets import BudgetError
from canary.content import Message
from canary.mail.reading import read_mail
from canary.mail.way import read_way
from canary.mark import Keyring, new_probe_id
from canary.queues.imap.headers import answers_with, arrival, marks_in, message_id, server_time
from canary.queues.replies.classify import classify
from canary.reports.compare import differences

KEYS = Keyring([b"k" * 32])
MARK = KEYS.make(new_probe_id(), datetime(2026, 3, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SENT = f"Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße, the key of {MARK} is known.\r\n".encode()


def searched(raw: bytes) -> None:
    with suppress(BudgetError):
        KEYS.find_in_message(raw)


def headers_read(raw: bytes) -> None:
    arrival(server_time(raw, None, NOW), NOW, None)
    message_id(raw)
    answers_with(raw)
    with suppress(BudgetError):
        marks_in(KEYS, raw)


READERS: dict[str, Callable[[bytes], object]] = {
    "classify": classify,
    "compare": lambda raw: differences(SENT, Message(raw)),
    "search": searched,
    "headers": headers_read,
    "way": lambda raw: read_way(raw, NOW, NOW, ("a.b",)),
}


def cost(read: Callable[[bytes], object], raw: bytes) -> float:
    """Seconds of the processor, for this alone."""
    began = time.thread_time()
    read(raw)
    return time.thread_time() - began


@pytest.mark.parametrize("reader", list(READERS))
@pytest.mark.parametrize("kind", list(KINDS))
def test_four_times_as_much_costs_four_times_as_much(kind: str, reader: str) -> None:
    read, small, large = READERS[reader], KINDS[kind](32 << 10), KINDS[kind](128 << 10)
    usual = max(cost(read, small), cost(read, small), 0.004)
    assert min(cost(read, large) for _ in range(3)) < 10 * usual  # garbage may be searched within one of them


@pytest.mark.parametrize("reader", ["compare", "search"])
@pytest.mark.parametrize("kind", ["short lines", "parts", "nested messages", "parameters", "fields", "entities"])
def test_memory_is_bounded(kind: str, reader: str) -> None:
    raw = KINDS[kind](1 << 18)
    tracemalloc.start()
    READERS[reader](raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 << 20


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_genuine_mark_is_found_in_all_of_it(kind: str) -> None:
    raw = KINDS[kind](48 << 10)
    found = KEYS.find_in_message(raw + f"\n{MARK}\n".encode())
    assert [mark.text for mark in found if mark.genuine] == [MARK]


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_hostile_message_becomes_an_intact_report(kind: str) -> None:
    assert differences(SENT, Message(KINDS[kind](48 << 10)))


@given(st.lists(st.sampled_from([kind(200) for kind in KINDS.values()] + [SENT, b"\n\n", b"--b--\n"]), max_size=8))
def test_no_mixture_is_too_strange(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    for read in READERS.values():
        read(raw)


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(raw: bytes) -> None:
    for head in (b"", b"Content-Type: ", b"Subject: =?", b"Content-Type: multipart/report; boundary=b\n\n--b\n"):
        for read in READERS.values():
            read(head + raw)


def test_what_is_beyond_the_budget_is_told_with_its_number() -> None:
    assert "more than 8388608 bytes" in str(read_mail(filled(b"x\n", (8 << 20) + 1)).cut)
    assert "more than 500 parts" in str(read_mail(KINDS["parts"](64 << 10)).cut)
    assert "deeper than 20" in str(read_mail(KINDS["nested messages"](4096)).cut)
    assert "more than 100000 delimiters" in str(read_mail(KINDS["delimiters"](1 << 19)).cut)
    with pytest.raises(BudgetError, match="more than 500 parts"):
        KEYS.find_in_message(KINDS["parts"](64 << 10))
    long = differences(SENT, Message(b"\n" + filled(b"x ", 3 << 20))) or ""
    assert "text is gone" in long
    assert "more than 1048576 characters" in long


def test_a_report_below_a_long_banner_is_still_found_whole() -> None:
    banner = b"This came from outside. " * 20_000
    assert differences(SENT, Message(SENT.replace(b"\r\n\r\n", b"\r\n\r\n" + banner))) is None


@pytest.mark.parametrize("kind", ["short lines", "nested messages", "delimiters", "long entities"])
def test_nothing_of_a_message_is_kept_once_it_was_read(kind: str) -> None:
    raw = KINDS[kind](1 << 16)
    for read in READERS.values():
        read(raw)  # what Python makes once, and keeps to use again
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for read in READERS.values():
            read(raw)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < len(raw)
