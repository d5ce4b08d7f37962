"""A canary that was not running for a while: what it did not see meanwhile is looked for first, and judged then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prober.simulated import Simulated

from canary.ledger import EventKind
from canary.ledger.events import parse_time
from canary.ledger.gaps import gaps
from canary.model import DeadlineResult, Outcome

DEADLINE, HOURS = 900.0, 7200.0
"""The deadline of a probe, and how long nothing ran, in seconds."""


QUIET = {"not_started", "no_record"}
"""Gaps before the first event and behind the last one, by their own times."""


async def sent(canary: Simulated) -> None:
    """Both were sent, one is lost, and the other arrived; no queue was read since."""
    await canary.until(lambda: len(canary.events(EventKind.SUBMITTED)) == 2)
    await canary.until(lambda: len(canary.ca.letters) == 1)
    assert canary.events(EventKind.SIGHTING) == []


async def ended(canary: Simulated) -> None:
    """Everything that was open is judged."""
    await canary.until(lambda: {e.probe for e in canary.events(EventKind.DEADLINE)} >= first(canary))


def first(canary: Simulated) -> set[str | None]:
    return {event.probe for event in canary.events(EventKind.SCHEDULED)[:2]}


def deadlines(canary: Simulated) -> dict[str, set[tuple[str, str]]]:
    """What was found at the deadlines of the first probes, by channel."""
    channels = {event.probe: event.body["channel"] for event in canary.events(EventKind.SCHEDULED)[:2]}
    found: dict[str, set[tuple[str, str]]] = {}
    for event in canary.events(EventKind.DEADLINE):
        if event.probe in channels:
            found.setdefault(channels[event.probe], set()).add((event.body["result"], event.body["outcome"]))
    return found


AS_IT_WAS = {
    "channel-0": {(DeadlineResult.MISSED, Outcome.MISSING)},
    "channel-1": {(DeadlineResult.MET, Outcome.ARRIVED)},
}


@pytest.mark.parametrize("give_up", ["20m", "1d"])
def test_what_was_under_way_when_it_was_killed_is_judged_as_it_went(simulated: Simulated, give_up: str) -> None:
    async def judged(canary: Simulated) -> None:
        await ended(canary)
        assert deadlines(canary) == AS_IT_WAS

    config = simulated.config(2, dated=True, interval="12h", give_up=give_up)
    simulated.ca.lost.add("channel-0")
    simulated.live(sent, config, killed=True)
    simulated.clock.advance(HOURS)
    simulated.live(judged, config)


def test_what_was_under_way_when_it_was_frozen_is_judged_as_it_went(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await sent(canary)
        canary.clock.advance(HOURS)
        canary.prober._judging.look([event.probe or "" for event in canary.events(EventKind.SCHEDULED)])
        await ended(canary)
        assert deadlines(canary) == AS_IT_WAS
        assert {e.body["reason"] for e in canary.events(EventKind.HELD)} == {"stalled"}

    simulated.ca.lost.add("channel-0")
    simulated.live(story, simulated.config(2, dated=True, interval="12h"))


@pytest.mark.parametrize("give_up", ["20m", "150m", "3h"])
def test_a_queue_that_cannot_be_read_is_waited_for_until_give_up_and_a_while_from_the_start_on(
    simulated: Simulated, give_up: str
) -> None:
    async def judged(canary: Simulated) -> None:
        began = canary.clock.now()
        await ended(canary)
        found = deadlines(canary)
        assert set().union(*found.values()) == {(DeadlineResult.INDETERMINATE, Outcome.INDETERMINATE)}
        limit = config.channels["channel-0"].give_up
        sent = {e.probe: parse_time(e.body["at"]) for e in canary.events(EventKind.SUBMITTED)}
        tried = began + timedelta(seconds=min(DEADLINE, max(60, limit - DEADLINE)))
        for event in canary.events(EventKind.DEADLINE):
            over = max(sent[event.probe] + timedelta(seconds=limit), tried)
            assert over <= event.at < over + timedelta(seconds=2)

    config = simulated.config(2, dated=True, interval="12h", give_up=give_up)
    simulated.ca.lost.add("channel-0")
    simulated.live(sent, config, killed=True)
    simulated.clock.advance(HOURS)
    simulated.ca.readable = False
    simulated.live(judged, config)


@pytest.mark.parametrize("outage", [3 * DEADLINE, 4 * 3600.0])
def test_a_queue_that_could_not_be_read_for_several_deadlines_tells_what_came_meanwhile(
    simulated: Simulated, outage: float
) -> None:
    async def story(canary: Simulated) -> None:
        await sent(canary)
        canary.ca.readable = False
        await canary.clock.sleep(outage)
        assert canary.events(EventKind.DEADLINE) == []
        canary.ca.readable = True
        await ended(canary)
        assert deadlines(canary) == AS_IT_WAS
        stages = {e.probe: e.body["stages"]["arrived"] for e in canary.events(EventKind.FINISHED)}
        assert 0 < min(stages.values(), default=0) < 70

    simulated.ca.lost.add("channel-0")
    simulated.live(story, simulated.config(2, dated=True, interval="12h"))


@pytest.mark.parametrize("by", [timedelta(hours=-2), timedelta(hours=-1), timedelta(minutes=5)])
def test_a_clock_that_was_set_while_nothing_ran_changes_nothing_of_what_was_lost(
    simulated: Simulated, by: timedelta
) -> None:
    async def judged(canary: Simulated) -> None:
        await ended(canary)
        assert deadlines(canary) == AS_IT_WAS

    config = simulated.config(2, dated=True, interval="12h")
    simulated.ca.lost.add("channel-0")
    simulated.live(sent, config, killed=True)
    simulated.clock.advance(HOURS)
    simulated.clock.set_wall(by)
    simulated.live(judged, config)


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("give_up", ["15m", "20m"])
def test_what_came_while_nothing_ran_for_longer_than_give_up_is_not_missing(
    simulated: Simulated, dated: bool, give_up: str
) -> None:
    async def judged(canary: Simulated) -> None:
        await ended(canary)
        await canary.until(lambda: {e.probe for e in canary.events(EventKind.FINISHED)} >= first(canary))
        known = (DeadlineResult.MET, Outcome.ARRIVED)
        unknown = (DeadlineResult.INDETERMINATE, Outcome.INDETERMINATE)
        assert deadlines(canary)["channel-1"] == {known if dated else unknown}
        assert deadlines(canary)["channel-0"] == {(DeadlineResult.MISSED, Outcome.MISSING)}
        [seen] = canary.events(EventKind.SIGHTING)
        assert seen.body["forgery"] is None

    config = simulated.config(2, dated=dated, interval="12h", give_up=give_up)
    simulated.ca.lost.add("channel-0")
    simulated.live(sent, config, killed=True)
    simulated.clock.advance(HOURS)
    simulated.live(judged, config)


def test_what_is_noticed_late_since_nobody_looked_is_not_missed(simulated: Simulated) -> None:
    async def judged(canary: Simulated) -> None:
        await ended(canary)
        assert deadlines(canary)["channel-1"] == {(DeadlineResult.INDETERMINATE, Outcome.INDETERMINATE)}

    simulated.ca.lost.add("channel-0")
    simulated.live(sent, simulated.config(2, interval="12h"), killed=True)
    simulated.clock.advance(HOURS)
    simulated.live(judged, simulated.config(2, interval="12h"))


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(days=1), timedelta(days=400)])
@pytest.mark.parametrize("killed", [True, False])
def test_a_clock_that_was_ahead_and_is_right_at_the_next_start(
    simulated: Simulated, ahead: timedelta, killed: bool
) -> None:
    async def judged(canary: Simulated) -> None:
        limit = canary.at() + timedelta(seconds=DEADLINE + 300)
        await ended(canary)
        assert canary.at() < limit
        assert deadlines(canary)["channel-1"] == {(DeadlineResult.MET, Outcome.ARRIVED)}
        assert deadlines(canary)["channel-0"] == {(DeadlineResult.MISSED, Outcome.MISSING)}
        await canary.until(lambda: len(canary.events(EventKind.SCHEDULED)) >= 5, every=60)
        assert canary.events(EventKind.HELD) == []
        await canary.until(lambda: canary.ledger.state.totals.channels["channel-0"].last_outcome == "arrived", every=60)
        found = [gap for gap in gaps(canary.ledger, canary.start, canary.at()) if gap.cause not in QUIET]
        assert {gap.cause for gap in found} <= {"stopped", "crashed"}
        assert sum((gap.until - gap.start for gap in found), timedelta(0)) < timedelta(minutes=2)

    config = simulated.config(2, dated=True, interval="1h", max_per_hour=3)
    simulated.clock.set_wall(ahead)
    simulated.ca.lost.add("channel-0")
    simulated.live(sent, config, killed=killed)
    simulated.ca.lost.clear()
    simulated.clock.set_wall(-ahead)
    simulated.live(judged, config)
