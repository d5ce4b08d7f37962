"""Headers are written by strangers: what is read from them is bounded, and nothing in them raises."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from canary.mark import Keyring, new_probe_id
from canary.model import TimeSource
from canary.queues.imap.headers import answers_with, arrival, marks_in, message_id, server_time

KEYS = Keyring([secrets.token_bytes(32)])
NOW = datetime(2026, 5, 6, 12, 0, 0, tzinfo=UTC)
INTERNAL = NOW - timedelta(seconds=2)
HALF = timedelta(seconds=0.5)
"""Times are cut off to seconds, so the middle of one is told."""


def arrived(
    header: bytes, internal: datetime | None, now: datetime, not_before: datetime | None
) -> tuple[datetime, TimeSource, float]:
    """When a message with this header arrived."""
    return arrival(server_time(header, internal, now), now, not_before)


def received(when: datetime | str) -> bytes:
    stamp = when if isinstance(when, str) else f"{when:%a, %d %b %Y %H:%M:%S %z}"
    return f"Received: from mx.test (mx.test [192.0.2.1])\r\n\tby imap.test with LMTP id abc;\r\n\t{stamp}\r\n".encode()


def mark() -> str:
    return KEYS.make(new_probe_id(), NOW)


def test_the_first_received_tells() -> None:
    header = b"Return-Path: <a@b.test>\r\n" + received(NOW - timedelta(seconds=5)) + received(NOW - timedelta(hours=5))
    assert arrived(header, INTERNAL, NOW, None) == (NOW - timedelta(seconds=5) + HALF, TimeSource.RECEIVED, 0.5)


def test_a_received_of_another_zone_is_the_same_moment() -> None:
    header = received("Wed, 6 May 2026 13:59:55 +0200 (CEST)")
    assert arrived(header, INTERNAL, NOW, None)[0] == NOW - timedelta(seconds=5) + HALF


@pytest.mark.parametrize(
    "stamp",
    [
        NOW + timedelta(days=400),
        NOW + timedelta(hours=2),
        NOW - timedelta(days=3),
        "yesterday",
        "",
        "Wed, 6 May 99999 12:00:00 +0000",
        "Wed, 6 May 2026 12:00:00 +9999999999",
        "\x00" * 50,
    ],
)
def test_a_received_that_does_not_fit_is_not_believed(stamp: datetime | str) -> None:
    header = received(stamp) + received(NOW - timedelta(seconds=5))
    assert arrived(header, INTERNAL, NOW, None) == (INTERNAL + HALF, TimeSource.INTERNALDATE, 0.5)


def test_without_any_time_it_is_the_moment_of_noticing() -> None:
    assert arrived(b"Subject: x\r\n", None, NOW, None) == (NOW, TimeSource.NOTICED, 1.0)


@given(st.floats(0, 0.999), st.booleans())
def test_what_is_told_of_the_moment_is_true(fraction: float, by_header: bool) -> None:
    """A server that cuts off tells 12:00:05 of all that came in that second."""
    came = NOW + timedelta(seconds=5 + fraction)
    header = received(NOW + timedelta(seconds=5)) if by_header else b"Subject: x\r\n"
    at, source, uncertainty = arrived(header, NOW + timedelta(seconds=5), NOW + timedelta(seconds=9), None)
    assert source is (TimeSource.RECEIVED if by_header else TimeSource.INTERNALDATE)
    assert abs((at - came).total_seconds()) <= uncertainty


def test_without_any_time_it_may_have_come_since_the_folder_was_read() -> None:
    read_at = NOW - timedelta(seconds=20)
    assert arrived(b"Subject: x\r\n", None, NOW, read_at) == (NOW, TimeSource.NOTICED, 20.0)


def test_a_message_that_was_not_there_before_came_since() -> None:
    read_at = NOW - timedelta(seconds=20)
    moved = received(NOW - timedelta(hours=7))
    assert arrived(moved, NOW - timedelta(hours=7), NOW, read_at) == (NOW, TimeSource.NOTICED, 20.0)
    assert server_time(moved, NOW - timedelta(hours=7), NOW) == (NOW - timedelta(hours=7) + HALF, TimeSource.RECEIVED)
    assert server_time(b"Subject: x\r\n", None, NOW) is None
    slow_clock = received(NOW - timedelta(seconds=50))
    assert arrived(slow_clock, INTERNAL, NOW, read_at)[1] is TimeSource.RECEIVED


def test_a_reading_by_a_clock_that_was_set_back_since_tells_nothing() -> None:
    ahead = NOW + timedelta(hours=1)
    assert arrived(b"Subject: x\r\n", INTERNAL, NOW, ahead) == (INTERNAL + HALF, TimeSource.INTERNALDATE, 0.5)


def test_a_mark_is_found_plain_folded_and_encoded() -> None:
    text = mark()
    for header in (
        f"Return-Path: <alex+{text}@persona.test>\r\n",
        f"Subject: about {text.upper()}\r\n",
        f"Subject: about {text[:20]}\r\n {text[20:]}\r\n",
        f"Subject: =?utf-8?q?gr=C3=B6=C3=9Fe_{text}?=\r\n",
    ):
        assert marks_in(KEYS, header.encode())[0].text == text


def test_a_genuine_mark_comes_before_false_ones() -> None:
    text = mark()
    header = "".join(f"X-{i}: {secrets.token_hex(20).translate(str.maketrans('0189', 'abcd'))}\r\n" for i in range(50))
    found = marks_in(KEYS, header.encode() + f"Subject: {text}\r\n".encode())
    assert (found[0].text, found[0].genuine) == (text, True)


def test_message_ids() -> None:
    assert message_id(b"Subject: x\r\nMessage-ID:\r\n <a@b.test> \r\nTo: y\r\n") == "<a@b.test>"
    assert message_id(b"X: y\r\nmessage-id:<a@b.test>\r\nMessage-ID: <c@d.test>\r\n") == "<a@b.test>"
    assert message_id(b"Message-ID: \r\n") is None
    assert message_id(b"Subject: Message-ID: <a@b.test>\r\n") is None


def test_an_answer_says_what_it_answers() -> None:
    header = b"In-Reply-To: <a@b.test>\r\nSubject: Re: x\r\nReferences: <c@d.test>\r\n\t<e@f.test>\r\nTo: y\r\n"
    assert answers_with(header).split() == [b"<a@b.test>", b"<c@d.test>", b"<e@f.test>"]


hostile = st.one_of(
    st.binary(max_size=2000),
    st.lists(
        st.tuples(st.sampled_from([b"Received", b"Subject", b"Message-ID", b"References", b"From"]), st.binary())
    ).map(lambda fields: b"".join(name + b": " + value + b"\r\n" for name, value in fields)),
)


@given(hostile, st.none() | st.just(INTERNAL), st.none() | st.just(NOW - timedelta(seconds=9)))
@example(b"Received: ; 1 Jan 0001 00:00:00 +2400\r\n", None, None)
@example(b"Received: ;" + b"(" * 5000 + b"\r\n", INTERNAL, None)
def test_nothing_in_a_header_raises(header: bytes, internal: datetime | None, not_before: datetime | None) -> None:
    at, _, uncertainty = arrived(header, internal, NOW, not_before)
    assert NOW - timedelta(days=3) <= at <= NOW + timedelta(hours=1)
    assert uncertainty >= 0
    marks_in(KEYS, header)
    answers_with(header)
    text = message_id(header)
    assert text is None or len(text) <= 998
