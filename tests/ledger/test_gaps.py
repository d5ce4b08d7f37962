"""Gaps: whatever became of a prober, the times in which it sent nothing are listed, and never smoothed over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import START, a_probe, after
from hypothesis import given
from hypothesis import strategies as st

from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.ledger.events import EVERY_CHANNEL, Hold, cleared, held, released, silenced, stopped_all
from canary.ledger.gaps import Gap, Turning, find, gaps

HOUR = 3600.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path, inline=True)
    yield opened
    opened.close()


def started(at: float, run: str = "r1", scheduled: bool = True) -> Event:
    return Event(EventKind.STARTED, after(at), {"run": run, "scheduled": scheduled})


def stopped(at: float, run: str = "r1", scheduled: bool = True) -> Event:
    return Event(EventKind.STOPPED, after(at), {"run": run, "scheduled": scheduled})


def trouble(at: float) -> Event:
    return Event(EventKind.TROUBLE, after(at), {"component": "imap", "reason": "login", "detail": "no"})


def found(ledger: Ledger, since: float, until: float) -> list[tuple[float, float, str | None, str]]:
    """Gaps in seconds from START."""
    listed = gaps(ledger, after(since), after(until))
    return [((g.start - START).total_seconds(), (g.until - START).total_seconds(), g.channel, g.cause) for g in listed]


def test_a_prober_that_runs_all_the_time_leaves_none(ledger: Ledger) -> None:
    ledger.append(started(0), trouble(10), trouble(HOUR)).result()
    assert found(ledger, 0, HOUR) == []


def test_before_the_first_start_nothing_was_sent(ledger: Ledger) -> None:
    assert found(ledger, 0, 100) == [(0, 100, None, "not_started")]
    ledger.append(started(50), trouble(200)).result()
    assert found(ledger, 0, 100) == [(0, 50, None, "not_started")]


def test_a_stop_and_a_start(ledger: Ledger) -> None:
    ledger.append(started(0), stopped(100), started(400, "r2"), trouble(HOUR)).result()
    assert found(ledger, 0, HOUR) == [(100, 400, None, "stopped")]


def test_a_kill_leaves_a_gap_from_the_last_that_was_written(ledger: Ledger) -> None:
    ledger.append(started(0), trouble(100), started(400, "r2"), trouble(HOUR)).result()
    assert found(ledger, 0, HOUR) == [(100, 400, None, "crashed")]


def test_a_gap_that_ends_after_the_period_is_seen_in_it(ledger: Ledger) -> None:
    ledger.append(started(0), trouble(100), started(4 * HOUR, "r2")).result()
    assert found(ledger, 0, HOUR) == [(100, HOUR, None, "crashed")]
    assert found(ledger, HOUR, 2 * HOUR) == [(HOUR, 2 * HOUR, None, "crashed")]
    assert found(ledger, 5 * HOUR, 6 * HOUR) == [(5 * HOUR, 6 * HOUR, None, "no_record")]


def test_what_a_stopped_prober_does_not_tell_commands_do_not_cover_up(ledger: Ledger) -> None:
    pause = Event(EventKind.PAUSED, after(200), {"channels": ["alias"], "reason": "", "by": "me"})
    silence = silenced(after(300), "CPRCanaryAbsent", after(HOUR), "me", "")
    ledger.append(started(0), trouble(100), pause, silence, started(400, "r2"), trouble(500), pause).result()
    assert found(ledger, 0, HOUR) == [(100, 400, None, "crashed"), (500, HOUR, None, "no_record")]


def test_a_probe_by_hand_is_no_prober_that_runs(ledger: Ledger) -> None:
    by_hand = (
        started(200, "hand", scheduled=False),
        record.scheduled(a_probe(), "m" * 40),
        trouble(210),
        stopped(220, "hand", scheduled=False),
    )
    ledger.append(started(0), trouble(100), *by_hand, started(400, "r2"), trouble(HOUR)).result()
    assert found(ledger, 0, HOUR) == [(100, 400, None, "crashed")]


def test_a_probe_by_hand_beside_a_prober_changes_nothing(ledger: Ledger) -> None:
    by_hand = started(50, "hand", scheduled=False), stopped(60, "hand", scheduled=False)
    killed = started(70, "killed", scheduled=False)
    ledger.append(started(0), *by_hand, killed, trouble(100), stopped(200), started(300), trouble(HOUR)).result()
    assert found(ledger, 0, HOUR) == [(200, 300, None, "stopped")]


def test_holds_and_the_kill_switch_overlap_and_are_all_listed(ledger: Ledger) -> None:
    ledger.append(
        started(0),
        held(after(100), "alias", Hold.PAUSED, "maintenance"),
        stopped_all(after(150), "enough"),
        stopped_all(after(151), "enough", "jdoe"),
        held(after(160), "form", Hold.STOPPED, "enough"),
        released(after(200), "alias", Hold.PAUSED),
        held(after(200), "alias", Hold.STOPPED, "enough"),
        cleared(after(300)),
        cleared(after(301), "jdoe"),
        released(after(310), "form", Hold.STOPPED),
        trouble(HOUR),
    ).result()
    assert found(ledger, 0, HOUR) == [
        (100, 200, "alias", "paused"),
        (150, 300, None, "stopped_all"),
        (160, 310, "form", "stopped"),
        (200, HOUR, "alias", "stopped"),
    ]
    assert [gap.detail for gap in gaps(ledger, START, after(199))] == ["maintenance", "enough", "enough"]


def test_what_was_told_afterwards_counts_from_when_it_began(ledger: Ledger) -> None:
    ledger.append(
        started(0),
        held(after(900), "alias", Hold.STORE, "disk full", after(300)),
        released(after(900), "alias", Hold.STORE),
        held(after(2000), EVERY_CHANNEL, Hold.STALLED, "", after(1940)),
        released(after(2000), EVERY_CHANNEL, Hold.STALLED),
        trouble(HOUR),
    ).result()
    assert found(ledger, 0, HOUR) == [(300, 900, "alias", "store"), (1940, 2000, None, "stalled")]


def test_a_clock_that_jumps_ahead_leaves_a_gap(ledger: Ledger) -> None:
    def set_by(at: float, seconds: float) -> Event:
        return Event(EventKind.CLOCK_STEPPED, after(at), {"seconds": seconds})

    ledger.append(started(0), set_by(1000, 600), set_by(1100, 2), set_by(1200, -600), trouble(HOUR)).result()
    assert found(ledger, 0, HOUR) == [(400, 1000, None, "clock_set")]


# Any history

kinds = st.sampled_from(["start", "stop", "throw", "clear", "hold", "release", "step"])


@st.composite
def histories(draw: st.DrawFn) -> list[Turning]:
    turnings: list[Turning] = []
    at = alive = 0.0
    for kind in draw(st.lists(kinds, max_size=20)):
        alive = at + draw(st.sampled_from([0.0, 10.0, 100.0]))
        at = alive + draw(st.sampled_from([0.0, 1.0, 500.0]))
        channel = draw(st.sampled_from(["alias", "form", EVERY_CHANNEL]))
        made: dict[str, Any] = {
            "start": started(at),
            "stop": stopped(at),
            "throw": stopped_all(after(at), "enough"),
            "clear": cleared(after(at)),
            "hold": held(after(at), channel, Hold.CAP, ""),
            "release": released(after(at), channel, Hold.CAP),
            "step": Event(EventKind.CLOCK_STEPPED, after(at), {"seconds": 40.0}),
        }
        turnings.append(Turning(made[kind], after(alive)))
    return turnings


def lengths(listed: list[Gap]) -> dict[tuple[str | None, str], timedelta]:
    sums: dict[tuple[str | None, str], timedelta] = {}
    for gap in listed:
        key = gap.channel, gap.cause
        sums[key] = sums.get(key, timedelta()) + (gap.until - gap.start)
    return sums


@given(histories(), st.floats(-100, 5000), st.floats(0, 5000), st.floats(0, 5000))
def test_a_period_has_the_gaps_of_its_parts(turnings: list[Turning], first: float, more: float, last: float) -> None:
    since, middle, until = after(first), after(first + more), after(first + more + last)
    whole = find(turnings, since, until, None)
    assert all(since <= gap.start < gap.until <= until for gap in whole)
    early, late = find(turnings, since, middle, None), find(turnings, middle, until, None)
    assert lengths(whole) == lengths(early + late)


@given(histories(), st.data())
def test_whenever_it_is_not_running_there_is_a_gap(turnings: list[Turning], data: st.DataObject) -> None:
    at = after(data.draw(st.floats(-10, 5000)))
    running = False
    for mark in turnings:
        if mark.event.at <= at and mark.event.kind in (EventKind.STARTED, EventKind.STOPPED):
            running = mark.event.kind is EventKind.STARTED
    listed = find(turnings, at, at + timedelta(microseconds=1), datetime.max.replace(tzinfo=START.tzinfo))
    down = {gap.cause for gap in listed} & {"stopped", "not_started"}
    assert bool(down) == (not running)


def test_only_the_turnings_are_read_of_many_events(ledger: Ledger) -> None:
    """The index is used: what is asked for is not searched for in all of the events."""
    wanted = "kind IN ('started', 'stopped', 'held')"
    plan = next(ledger.ask(f"EXPLAIN QUERY PLAN SELECT body FROM event WHERE {wanted} ORDER BY seq"))
    assert "event_kind_at" in plan.detail
