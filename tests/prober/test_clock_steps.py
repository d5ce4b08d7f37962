"""Our clock is set while things wait: nothing is sent, held or judged for that, and what is owed comes in time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from builders import START
from prober.simulated import Simulated

from canary.ledger import EventKind, Ledger
from canary.ledger.gaps import gaps
from canary.prober.clock_steps import ClockSteps
from canary.simulated import SimulatedClock

STEPS = [
    timedelta(days=-30), timedelta(days=-2), timedelta(hours=-1), timedelta(minutes=-10), timedelta(seconds=-2),
    timedelta(seconds=2), timedelta(hours=1), timedelta(days=2), timedelta(days=400),
]  # fmt: skip


def true_times(canary: Simulated, kind: EventKind) -> dict[str, float]:
    """When an event was recorded of each probe, in true seconds since the start."""
    off, times = 0.0, {}
    for event in canary.events():
        off += event.body["seconds"] if event.kind is EventKind.CLOCK_STEPPED else 0.0
        if event.kind is kind:
            times[event.probe or ""] = (event.at - canary.start).total_seconds() - off
    return times


@pytest.mark.parametrize("by", STEPS)
def test_what_waits_goes_on_as_if_the_clock_had_been_right(simulated: Simulated, by: timedelta) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.SUBMITTED)) == 3)
        canary.clock.set_wall(by)
        await canary.until(lambda: any(e.body["confirms"] for e in canary.events(EventKind.SCHEDULED)), every=60)
        sent, judged = true_times(canary, EventKind.SCHEDULED), true_times(canary, EventKind.DEADLINE)
        assert canary.events(EventKind.HELD) == []
        assert {probe for probe in judged if not 890 < judged[probe] - sent[probe] < 1220} == set()
        times: dict[str, list[float]] = {}
        for event in canary.events(EventKind.SCHEDULED):
            if event.body["confirms"] is None:
                times.setdefault(event.body["channel"], []).append(sent[event.probe or ""])
        assert {channel for channel, (first, second, *_) in times.items() if not 3200 < second - first < 4000} == set()
        lost = canary.events(EventKind.CONFIRM)[0].probe
        [again] = [e.probe for e in canary.events(EventKind.SCHEDULED) if e.body["confirms"] == lost]
        assert 4490 < sent[again or ""] - sent[lost or ""] < 4830

    simulated.ca.lost.add("channel-0")
    simulated.live(story, simulated.config(3, max_per_hour=2))


@pytest.mark.parametrize("pause", [0.3, 7.0, 90.0])
def test_a_clock_that_is_set_again_and_again_and_slewed(simulated: Simulated, pause: float) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.SUBMITTED)) == 3)
        for number in range(60):
            canary.clock.set_wall(timedelta(seconds=(0.01, -0.4, 3600, -86_400, 90_000, -7200.5, 1.2)[number % 7]))
            await canary.clock.sleep(pause)
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) >= 6, every=60)
        sent = true_times(canary, EventKind.SCHEDULED)
        for kind in (EventKind.DEADLINE, EventKind.FINISHED):
            judged = true_times(canary, kind)
            assert {probe for probe in judged if not 890 < judged[probe] - sent[probe] < 1220} == set()
        assert {event.body["outcome"] for event in canary.events(EventKind.FINISHED)} == {"arrived"}
        assert {event.body["stages"]["arrived"] < 400 for event in canary.events(EventKind.FINISHED)} == {True}
        assert canary.events(EventKind.HELD) == []
        assert {gap.cause for gap in gaps(canary.ledger, canary.start, canary.clock.now())} <= {
            "clock_set",
            "no_record",
        }

    simulated.live(story, simulated.config(3, max_per_hour=2))


@pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=-1), timedelta(hours=1), timedelta(minutes=-10)])
def test_what_arrives_before_a_step_is_on_disk_is_taken_after_it(simulated: Simulated, by: timedelta) -> None:
    """By the new setting it would have been on its way for a day, or have come before it was sent."""

    async def story(canary: Simulated) -> None:
        with closing(sqlite3.connect(canary.ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.kind = 'clock_stepped'"
                " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            await canary.until(lambda: canary.events(EventKind.SUBMITTED), every=0.1)
            canary.clock.set_wall(by)
            await canary.until(lambda: canary.ledger.not_written)
            await canary.until(lambda: canary.ca.letters)
            await canary.clock.sleep(700)  # the queue is read more often
            assert canary.events(EventKind.SIGHTING) == []
            other.execute("DROP TRIGGER full")
        await canary.until(lambda: canary.events(EventKind.FINISHED), every=60)
        [sighting] = canary.events(EventKind.SIGHTING)
        assert (sighting.body["forgery"], sighting.body["source"]) == (None, "received")
        assert canary.events(EventKind.FINISHED)[0].body["outcome"] == "arrived"

    simulated.ca.now = lambda: simulated.at() + simulated.clock._set_by
    simulated.live(story, simulated.config(dated=True))


def test_a_step_that_could_not_be_written_is_handed_in_again_and_no_age_is_known_before(tmp_path: Path) -> None:
    clock = SimulatedClock(START)
    ledger = Ledger(tmp_path, clock, inline=True)
    steps = ClockSteps(ledger, clock)
    clock.set_wall(timedelta(hours=1))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        assert steps.notice() == timedelta(hours=1)
        assert (steps.recorded, steps.notice(), steps.recorded) == (False, None, False)
        assert steps.made() is None
        other.execute("DROP TRIGGER full")
    assert (steps.notice(), steps.recorded, steps.made()) == (None, True, 1)
    assert [event.body["seconds"] for event in ledger.events(kind=EventKind.CLOCK_STEPPED)] == [3600.0]
    ledger.close()
