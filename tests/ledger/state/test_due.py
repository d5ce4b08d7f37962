"""What was due of a channel and what became of it: taken, held for a reason that is told, or unaccounted for."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from builders import START, a_probe, after
from hypothesis import given
from hypothesis import strategies as st

from canary.ledger import events as record
from canary.ledger.events import EVERY_CHANNEL, Event, EventKind, Hold, placed
from canary.ledger.state import Fold, State, dump, restore
from canary.ledger.state.due import ALLOWANCE, Due
from canary.prober.schedule import next_due

HOUR = 3600.0


class Log:
    """A ledger in memory of one channel ``alias`` that is to be probed each hour; times are hours since its start."""

    def __init__(self, interval: float = HOUR) -> None:
        self.state, self.probes = State(), 0
        self.tell(self.started(0.0), self.configured(0.0, alias=interval))

    def tell(self, *events: Event) -> None:
        fold = Fold(lambda *_: None, self.state)
        for event in events:
            if fold.accepts(event):
                fold.apply(placed(event, fold.seq + 1)[1])
        self.state = restore(lambda *_: None, dump(fold.state()), fold.seq)  # as a restart would have it

    def probed(self, *hours: float) -> Log:
        for at in hours:
            self.probes += 1
            name = f"{self.probes:a>16}".translate(str.maketrans("0123456789", "bcdefghijk"))
            probe = replace(a_probe(name, channel="alias"), scheduled_at=after(at * HOUR), in_turn=True)
            self.tell(record.scheduled(probe, "m" * 40))
        return self

    def due(self, hours: float) -> tuple[dict[str, int], int]:
        """What was held, by reason, and what is unaccounted for."""
        totals = self.state.totals
        found = totals.channels["alias"].due.until(after(hours * HOUR).timestamp(), totals.down_since)
        return dict(found.held), found.unaccounted

    @staticmethod
    def started(hours: float, *, scheduled: bool = True) -> Event:
        return Event(EventKind.STARTED, after(hours * HOUR), {"run": "x", "scheduled": scheduled})

    @staticmethod
    def stopped(hours: float, *, scheduled: bool = True) -> Event:
        return Event(EventKind.STOPPED, after(hours * HOUR), {"run": "x", "scheduled": scheduled})

    @staticmethod
    def configured(hours: float, part: int = 1, parts: int = 1, *, scheduled: bool = True, **intervals: float) -> Event:
        channels = {
            slug: {"kind": "email", "arrives_in": ["cpr"], "interval": value} for slug, value in intervals.items()
        }
        body = {"part": part, "parts": parts, "scheduled": scheduled, "channels": channels}
        return Event(EventKind.CONFIGURED, after(hours * HOUR), body)

    def held(self, hours: float, reason: Hold, since: float | None = None, channel: str = "alias") -> None:
        self.tell(record.held(after(hours * HOUR), channel, reason, "", None if since is None else after(since * HOUR)))

    def released(self, hours: float, reason: Hold, channel: str = "alias") -> None:
        self.tell(record.released(after(hours * HOUR), channel, reason))


def hourly(first: int, last: int) -> Iterable[float]:
    return range(first, last + 1)


def test_what_is_probed_as_configured_leaves_nothing_open() -> None:
    log = Log().probed(*hourly(1, 100))
    assert log.due(100) == log.due(101.7) == ({}, 0)


@pytest.mark.parametrize("first", [1, 20])
def test_a_hole_is_counted_turn_by_turn(first: int) -> None:
    """Twelve hours in which the probes were left out of the log before it was signed."""
    log = Log().probed(*hourly(1, first), *hourly(first + 12, first + 20))
    assert log.due(first + 20) == ({}, 11)


def test_a_hole_shows_while_it_lasts_and_never_grows_smaller() -> None:
    log = Log().probed(1.0)
    seen = [log.due(1 + tenth / 10)[1] for tenth in range(121)]
    assert seen[18] == 0 < seen[19] == 1
    assert seen[-1] == 11
    assert all(before <= then <= before + 1 for before, then in pairwise(seen))
    assert log.probed(13.0).due(13.0) == ({}, 11)


@pytest.mark.parametrize(
    ("every", "least"),
    [(2.0, 100), (1.5, 85), (1.4, 65), (1.2, 25), (1.1, 8)],
)
def test_probing_more_rarely_than_configured_adds_up(every: float, least: int) -> None:
    """A channel "every hour" that is probed every 2 hours, or every 84 minutes, however regularly."""
    log = Log().probed(*(number * every for number in range(1, 201)))
    held, unaccounted = log.due(200 * every)
    assert not held
    assert least <= unaccounted <= round(200 * (every - 1)) + 1


def test_a_channel_that_was_never_probed_is_unaccounted_for() -> None:
    assert Log().due(24) == ({}, 23)


@pytest.mark.parametrize("interval", [5.0, 60.0, 600.0, 3600.0, 86_400.0])
def test_the_variation_of_the_schedule_makes_no_hole(interval: float) -> None:
    """With rounds a second apart, as the prober has them."""
    rng = random.Random(f"{interval}")
    due, turn, now = Due(interval=interval, at=START.timestamp()), START, START
    for _ in range(20_000):
        turn = next_due(turn, now, interval, rng)
        now = turn + timedelta(seconds=rng.uniform(0.0, 1.0))
        due = due.taken(now.timestamp())
    assert (due.held, due.unaccounted) == ({}, 0)


@pytest.mark.parametrize("reason", [Hold.PAUSED, Hold.BLACKOUT, Hold.CAP, Hold.STOPPED])
def test_turns_that_are_held_are_counted_by_their_reason(reason: Hold) -> None:
    """The first is told when it is due; the rest follows from when a probe is sent again."""
    log = Log().probed(*hourly(1, 3))
    log.held(4, reason)
    assert log.due(4) == ({reason: 1}, 0)
    assert log.due(9.9) == ({reason: 6}, 0)
    log.released(10, reason)
    log.probed(*hourly(10, 20))
    assert log.due(20) == ({reason: 6}, 0)


def test_what_was_open_before_a_hold_stays_so() -> None:
    log = Log().probed(*hourly(1, 3))
    log.held(9, Hold.PAUSED)
    assert log.due(9) == ({"paused": 1}, 5)
    log.held(12, Hold.BLACKOUT)
    log.released(15, Hold.BLACKOUT)
    log.probed(*hourly(15, 30))
    assert log.due(30) == ({"paused": 3, "blackout": 3}, 5)


def test_a_hold_that_could_not_be_told_at_once_accounts_for_what_it_held() -> None:
    log = Log().probed(*hourly(1, 3), 8.0)
    assert log.due(8) == ({}, 4)
    log.held(8, Hold.STORE, since=4)
    log.released(8, Hold.STORE)
    assert log.due(8) == ({"store": 4}, 0)
    log.probed(9.0, 15.0)
    assert log.due(15) == ({"store": 4}, 5), "it excuses nothing that comes after it"


def test_a_stall_of_the_main_loop_holds_every_channel() -> None:
    log = Log().probed(*hourly(1, 3))
    log.held(9, Hold.STALLED, since=3.5, channel=EVERY_CHANNEL)
    log.released(9, Hold.STALLED, channel=EVERY_CHANNEL)
    log.probed(*hourly(9, 12))
    assert log.due(12) == ({"stalled": 5}, 0)


def test_a_stop_that_is_told_accounts_for_the_time_until_the_next_start() -> None:
    log = Log().probed(*hourly(1, 3))
    log.tell(Log.stopped(3.5))
    assert log.due(9.0) == ({"not_running": 5}, 0)
    log.tell(Log.started(9.2), Log.configured(9.2, alias=HOUR))
    log.probed(*(at + 0.9 for at in hourly(9, 20)))  # what waited is spread over an interval
    assert log.due(21) == ({"not_running": 6}, 0)


def test_nothing_accounts_for_the_time_after_a_crash() -> None:
    log = Log().probed(*hourly(1, 3))
    log.tell(Log.started(14.5), Log.configured(14.5, alias=HOUR))
    log.probed(*(at + 0.3 for at in hourly(15, 20)))
    assert log.due(20) == ({"not_running": 1}, 10), "one turn is spread over an interval after the start"


def test_a_restart_that_is_quick_costs_no_turn() -> None:
    log = Log().probed(*hourly(1, 3))
    log.tell(Log.stopped(3.99), Log.started(4.01), Log.configured(4.01, alias=HOUR))
    log.probed(*(at + 0.3 for at in hourly(4, 30)))
    assert log.due(31) == ({}, 0)


def test_a_probe_by_hand_stops_no_schedule() -> None:
    log = Log().probed(*hourly(1, 3))
    log.tell(Log.started(3.1, scheduled=False), Log.stopped(3.2, scheduled=False))
    assert log.due(15) == ({}, 11)


@pytest.mark.parametrize("steps", [1, 1200])
def test_a_clock_that_is_set_forward_is_told_as_such(steps: int) -> None:
    """By twelve hours at once, or in steps that are each too small to be called a gap."""
    log = Log().probed(*hourly(1, 3))
    for _ in range(steps):
        body = {"seconds": 12 * HOUR / steps + 0.001}
        log.tell(Event(EventKind.CLOCK_STEPPED, after(15.5 * HOUR), body))
    log.probed(*hourly(16, 30))
    assert log.due(30) == ({"clock_set": 12}, 0)


def test_a_clock_that_is_set_back_makes_no_hole() -> None:
    log = Log().probed(*hourly(1, 13))
    log.tell(Event(EventKind.CLOCK_STEPPED, after(1.5 * HOUR), {"seconds": -12 * HOUR}))
    log.probed(*hourly(2, 20))
    assert log.due(20) == ({}, 0)


def test_a_channel_that_is_not_in_force_is_not_due() -> None:
    log = Log().probed(*hourly(1, 3))
    log.tell(Log.configured(3.5, 1, 2, form=HOUR), Log.configured(3.5, 2, 2, other=HOUR))
    assert log.due(50) == ({}, 0)
    log.tell(Log.configured(50, 1, 2, form=HOUR), Log.configured(50, 2, 2, alias=HOUR))
    assert log.due(62) == ({}, 11)


def test_what_is_in_force_for_probes_by_hand_alone_changes_nothing_of_what_is_due() -> None:
    log = Log().probed(*hourly(1, 3))
    by_hand = Log.configured(3.5, scheduled=False, other=HOUR / 60)
    log.tell(Log.started(3.5, scheduled=False), by_hand, Log.stopped(3.6, scheduled=False))
    assert log.due(15) == ({}, 11)
    assert "other" not in log.state.totals.channels


def test_another_interval_counts_from_when_it_is_in_force() -> None:
    log = Log().probed(*hourly(1, 3))
    log.tell(Log.configured(3.8, alias=HOUR / 6))
    log.probed(*(4 + tenth / 6 for tenth in range(100)))
    assert log.due(4 + 99 / 6) == ({}, 0)
    log.tell(Log.configured(21, alias=HOUR))
    assert log.due(33) == ({}, 3 + 11)


def test_whoever_changes_the_interval_again_and_again_still_owes_the_turns() -> None:
    log = Log().probed(1.0)
    for number in range(48):
        log.tell(Log.configured(1.9 + 0.9 * number, alias=HOUR + number % 2))
    held, unaccounted = log.due(45.0)
    assert not held
    assert unaccounted >= 20


def test_a_channel_to_which_nothing_may_be_sent_has_its_looks_for_turns() -> None:
    log = Log()
    body = {"channel": "alias", "kind": "email", "queue": "cpr", "outcome": "arrived", "detail": ""}
    log.tell(*(Event(EventKind.CHECKED, after(hours * HOUR), body) for hours in (*hourly(1, 5), 17)))
    assert log.due(17) == ({}, 11)
    assert log.state.totals.channels["alias"].looks == 6


@given(
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=40),
    st.floats(0.0, 30.0),
    st.floats(0.0, 30.0),
)
def test_whatever_the_waits_turns_that_are_missing_are_found(waits: list[float], one: float, other: float) -> None:
    due, at = Due(interval=HOUR, at=START.timestamp()), START.timestamp()
    for wait in waits:
        at += wait * HOUR
        due = due.taken(at)
    elapsed, allowed = (at - START.timestamp()) / HOUR, len(waits) * (1 + ALLOWANCE + 1 / HOUR)
    assert elapsed - allowed - 0.7501 <= due.unaccounted <= elapsed
    sooner, later = (due.until(at + hours * HOUR).unaccounted for hours in sorted((one, other)))
    assert due.unaccounted <= sooner <= later, "looking in between loses nothing"
