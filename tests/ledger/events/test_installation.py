"""What makes the list of probes one to rely on: told once when it begins, once when it ends, and not in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import START, after
from hypothesis import given
from hypothesis import strategies as st
from ledger.checking import is_whole

from canary.ledger import Event, EventKind, Ledger, inventories
from canary.ledger.events import (
    LARGEST,
    Hold,
    began,
    cleared,
    clock,
    held,
    paused,
    released,
    silenced,
    stopped_all,
    trouble,
)
from canary.ledger.state import Fold
from canary.model import Component


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path, inline=True)
    yield opened
    opened.close()


def kinds(ledger: Ledger) -> list[EventKind]:
    return [event.kind for event in ledger.events()]


def test_a_hold_is_told_once_when_it_begins_and_once_when_it_ends(ledger: Ledger) -> None:
    for at in range(5):
        ledger.append(held(after(at), "alias", Hold.PAUSED, "maintenance")).result()
    ledger.append(held(after(5), "form", Hold.CAP, "30 an hour")).result()
    for at in range(6, 9):
        ledger.append(released(after(at), "alias", Hold.PAUSED)).result()
    assert kinds(ledger) == [EventKind.HELD, EventKind.HELD, EventKind.RELEASED]
    assert ledger.state.totals.held == {"form": "cap"}
    is_whole(ledger)


def test_another_reason_is_another_hold(ledger: Ledger) -> None:
    ledger.append(held(START, "alias", Hold.PAUSED, ""), held(after(1), "alias", Hold.BLACKOUT, "")).result()
    assert ledger.state.totals.held == {"alias": "blackout"}
    assert len(kinds(ledger)) == 2


def test_a_restart_does_not_tell_again_what_was_told(tmp_path: Path) -> None:
    first = Ledger(tmp_path, inline=True)
    first.append(held(START, "alias", Hold.STOPPED, "enough"), stopped_all(START, "enough")).result()
    first.close()
    second = Ledger(tmp_path, inline=True)
    again = held(after(9), "alias", Hold.STOPPED, "enough"), stopped_all(after(9), "enough")
    assert second.append(*again).result() == []
    assert (second.state.totals.held, second.state.totals.stopped) == ({"alias": "stopped"}, "enough")
    is_whole(second)
    second.close()


def test_who_threw_the_kill_switch_is_told_even_if_it_was_seen_thrown_first(ledger: Ledger) -> None:
    ledger.append(stopped_all(START, "moving house"), stopped_all(after(1), "moving house", "jdoe")).result()
    ledger.append(stopped_all(after(2), "moving house")).result()
    ledger.append(cleared(after(3)), cleared(after(4)), cleared(after(5), "jdoe")).result()
    assert [(event.kind.value, event.body["by"]) for event in ledger.events()] == [
        ("stopped_all", None),
        ("stopped_all", "jdoe"),
        ("cleared", None),
        ("cleared", "jdoe"),
    ]
    assert ledger.state.totals.stopped is None


steps = st.sampled_from([0, 1, 600, 3599, 3600])
offsets = st.lists(
    st.tuples(st.sampled_from(["cpr", "legal"]), steps, st.sampled_from([0.0, 0.9, -1.5, 40.0])), max_size=20
)


@given(offsets)
def test_a_clock_is_told_hourly_and_when_it_changes_by_more_than_a_second(told: list[tuple[str, int, float]]) -> None:
    fold, at = Fold(lambda *_: None), START
    last: dict[str, tuple[datetime, float]] = {}
    for queue, seconds, offset in told:
        at += timedelta(seconds=seconds)
        event = clock(at, queue, offset, 1.0)
        before = last.get(queue)
        news = before is None or at - before[0] >= timedelta(hours=1) or abs(offset - before[1]) > 1
        assert fold.accepts(event) == news
        if news:
            fold.apply(event)
            last[queue] = at, offset


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
def test_a_hold_that_could_not_be_told_at_once_says_since_when(naive: datetime) -> None:
    since = naive.replace(tzinfo=START.tzinfo)
    at = since + timedelta(hours=2)
    assert began(held(at, "alias", Hold.STORE, "", since)) == since
    assert began(held(at, "alias", Hold.CAP, "")) == at


def test_a_silence_says_who_and_why(ledger: Ledger) -> None:
    [event] = ledger.append(silenced(START, "CPRCanaryChannelDown", after(3600), "J. Doe", "mail is moving")).result()
    assert event.body == {
        "alert": "CPRCanaryChannelDown",
        "until": "2026-03-01T13:00:00.000000Z",
        "by": "J. Doe",
        "reason": "mail is moving",
    }


# Inventories


def part(number: int, of: int, configuration: str = "c1", **channels: str) -> Event:
    body = {"configuration": configuration, "version": "1", "python": "3", "platform": "p", "part": number, "parts": of}
    body |= {"sealed_by": "k", "scheduled": True, "blackouts": [], "blind_drills": [], "retention": {}}
    what = {"channels": {slug: {"kind": kind} for slug, kind in channels.items()}, "watches": {}}
    return Event(EventKind.CONFIGURED, after(number), body | what, seq=number)


def test_parts_make_one_inventory() -> None:
    told = [part(1, 2, alias="email"), Event(EventKind.STARTED, START, {}), part(2, 2, form="web_form")]
    [found] = inventories(told)
    assert found.channels == {"alias": {"kind": "email"}, "form": {"kind": "web_form"}}
    assert (found.at, found.seq, found.configuration) == (after(2), 2, "c1")


def test_an_inventory_that_is_not_all_there_is_none() -> None:
    assert list(inventories([part(2, 2)])) == []
    assert list(inventories([part(1, 2)])) == []
    assert [found.configuration for found in inventories([part(1, 2), part(1, 1, "c2")])] == ["c2"]
    assert list(inventories([Event(EventKind.CONFIGURED, START, {})])) == []


def test_words_of_any_length_fit_into_an_event(ledger: Ledger) -> None:
    words = "\x1f" * 100_000
    said = [
        paused(START, ["alias"], words, "boss"),
        held(START, "alias", Hold.PAUSED, words),
        stopped_all(START, words, "boss"),
        silenced(START, "CPRCanaryChannelDown", after(9), "boss", words),
        trouble(START, Component.IMAP, "login", words),
    ]
    assert len(ledger.append(*said).result()) == len(said)
    assert all(len(event.canonical()) <= LARGEST for event in said)
