"""Four weeks of a hundred channels on simulated time: what is found, signed and forgotten, bit for bit the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from e2e import weeks as script
from e2e.weeks import (
    AHEAD,
    AHEAD_BY,
    CHECKPOINT_EVERY,
    DEADLINE,
    EVENTS_KEPT,
    JUNKS,
    LOSES,
    MESSAGES_KEPT,
    POLL,
    RESTED,
    RESTS,
    STOPPED,
    UNREADABLE,
    day,
)  # fmt: skip

from canary.evidence.published import PublishedLog
from canary.evidence.selfcheck import check
from canary.ledger import Event, EventKind
from canary.ledger.gaps import gaps
from canary.ledger.reader import reading
from canary.ledger.results import Result
from canary.model import DeadlineResult, Outcome

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Told:
    """What a run leaves behind, once it has ended."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def sorted(self) -> dict[str, str | None]:
        """By probe: the queue into which the CA sorted it; None if it lost it."""
        return dict(json.loads((self.folder / "sorted.json").read_bytes()))

    def ended(self) -> Told:
        assert self.process.wait() == 0, (self.folder / "log").read_text()[-2000:]
        return self

    def events(self, kind: EventKind) -> list[Event]:
        with reading(self.state) as ledger:
            return list(ledger.events(kind=kind))

    def leaves(self) -> list[tuple[int, bytes]]:
        with reading(self.state) as ledger:
            return list(ledger.leaves())

    def results(self) -> list[Result]:
        with reading(self.state) as ledger:
            return list(ledger.results())


def begun(folder: Path, seed: int, days: float, hashes: int = 0) -> Told:
    """A run in a process of its own; ``hashes`` seeds the order of sets there."""
    folder.mkdir()
    surroundings = {
        "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent, TESTS / "memory_ca"))),
        "PYTHONHASHSEED": str(hashes),
    }
    command = [sys.executable, str(script.__file__), str(seed), str(days)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | surroundings, stdout=log, stderr=log)
    return Told(folder, process)


@pytest.mark.timeout(900)  # 20 s of a processor for each, which others may want too
def test_four_weeks_of_a_hundred_channels_are_bit_for_bit_the_same_for_a_seed(tmp_path: Path) -> None:
    one, other = (begun(tmp_path / str(hashes), seed=7, days=28, hashes=hashes) for hashes in (1, 2))
    weeks = one.ended()
    every_probe_is_judged_as_it_went(weeks)
    when_nothing_was_sent_and_why_is_told(weeks)
    a_clock_that_is_ahead_for_a_day_is_told_and_harms_nothing(weeks)
    a_queue_that_cannot_be_read_is_our_trouble_once(weeks)
    a_checkpoint_is_signed_every_period_and_at_each_midnight(weeks)
    all_that_was_signed_is_still_so(weeks)
    what_is_old_is_forgotten_each_day_and_nothing_else(weeks)
    assert other.ended().leaves() == weeks.leaves()


@pytest.mark.timeout(300)
def test_they_are_others_for_another_seed(tmp_path: Path) -> None:
    one, other = (begun(tmp_path / str(seed), seed=seed, days=1.5) for seed in (7, 8))
    sent = [told.ended().events(EventKind.SCHEDULED) for told in (one, other)]
    assert min(map(len, sent)) > 100
    spread = day(0) + timedelta(minutes=2)  # the first one of each channel has its place by the channel's name
    later = [{event.at for event in events if event.at > spread} for events in sent]
    assert min(map(len, later)) > 50
    assert later[0].isdisjoint(later[1])
    assert {event.probe for event in sent[0]}.isdisjoint(event.probe for event in sent[1])


def every_probe_is_judged_as_it_went(weeks: Told) -> None:
    results = weeks.results()
    assert len(results) > 2000
    assert min(Counter(result.channel for result in results).values()) >= 18
    judged = Counter[str]()
    for result in results:
        expected = wanted(result, weeks.sorted[result.probe])
        judged[expected[0]] += 1
        assert (result.outcome, result.deadline) in expected[1], result
    assert judged.keys() == {"lost", "junked", "unread", "fine", "at the edge"}
    assert judged["at the edge"] < 10
    failed = [r for r in results if r.outcome in (Outcome.MISSING, Outcome.JUNKED) and not r.confirms]
    assert {r.confirms for r in results if r.confirms} == {r.probe for r in failed}


def wanted(result: Result, queue: str | None) -> tuple[str, set[tuple[Outcome, DeadlineResult]]]:
    """Why a probe ended, and how it may have been judged then."""
    unread = Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE
    fine = Outcome.ARRIVED, DeadlineResult.MET
    if queue is None:
        assert result.channel == LOSES
        return "lost", {(Outcome.MISSING, DeadlineResult.MISSED)}
    if queue == "junk":
        assert result.channel == JUNKS
        return "junked", {(Outcome.JUNKED, DeadlineResult.MISSED)}
    begins, ends = (day(when) for when in UNREADABLE)
    if begins <= result.scheduled_at < ends - 2 * DEADLINE:
        return "unread", {unread}
    if begins - POLL - timedelta(minutes=2) < result.scheduled_at < ends:
        return "at the edge", {unread, fine}
    return "fine", {fine}


def when_nothing_was_sent_and_why_is_told(weeks: Told) -> None:
    with reading(weeks.state) as ledger:
        found = {(gap.cause, gap.channel): gap for gap in gaps(ledger, day(14), day(28))}
    assert found.keys() == {("stopped", None), ("clock_set", None), ("blackout", RESTS)}
    stopped, ahead, rested = found["stopped", None], found["clock_set", None], found["blackout", RESTS]
    assert [stopped.start, stopped.until] == [day(when) for when in STOPPED]
    assert ahead.until - ahead.start == AHEAD_BY
    assert day(AHEAD[0]) <= ahead.start < day(AHEAD[0]) + timedelta(hours=1)
    assert day(RESTED[0]) <= rested.start < day(RESTED[1]) <= rested.until


def a_clock_that_is_ahead_for_a_day_is_told_and_harms_nothing(weeks: Told) -> None:
    assert [event.body["seconds"] for event in weeks.events(EventKind.CLOCK_STEPPED)] == [600, -600]
    measured = [event for event in weeks.events(EventKind.CLOCK) if day(AHEAD[0]) <= event.at < day(AHEAD[1])]
    assert min(event.body["offset"] for event in measured) == pytest.approx(-600, abs=5)


def a_queue_that_cannot_be_read_is_our_trouble_once(weeks: Told) -> None:
    [trouble] = weeks.events(EventKind.TROUBLE)
    assert (trouble.at, trouble.body["reason"]) == (day(UNREADABLE[0]), "unreachable")


def a_checkpoint_is_signed_every_period_and_at_each_midnight(weeks: Told) -> None:
    signed = [event.at for event in weeks.events(EventKind.CHECKPOINT)]
    pauses = {after: after - before for before, after in pairwise(signed)}
    first_after_stop = min(at for at in signed if at >= day(STOPPED[1]))
    assert pauses.pop(first_after_stop) < timedelta(hours=6, minutes=1)
    assert max(pauses.values()) <= CHECKPOINT_EVERY + AHEAD_BY + timedelta(seconds=1)
    assert {at.date() for at in signed if at.hour == 0} == {day(number).date() for number in range(29)}


def all_that_was_signed_is_still_so(weeks: Told) -> None:
    with reading(weeks.state) as ledger:
        log = PublishedLog(ledger, weeks.state / "evidence", "ca.test/cpr-canary")
        found = check(log, day(28))
        assert list(ledger.check_results()) == []
        assert found is not None
        assert (found.problems, found.size) == ((), ledger.state.seq - 1)  # all but the last checkpoint itself
        assert found.forgotten > 5000


def what_is_old_is_forgotten_each_day_and_nothing_else(weeks: Told) -> None:
    with reading(weeks.state) as ledger:
        told = list(ledger.events(kind=EventKind.FORGOTTEN))
        sent = list(ledger.events(kind=EventKind.SUBMITTING))
        kept = {event.at: ledger.artefacts.get(event.body["payload"]) is not None for event in sent}
        unended = set(ledger.state.open)
    last = max(event.at for event in told)
    assert day(27) <= last < day(28)
    assert Counter(event.body["rule"] for event in told) == {"messages": 23, "events": 13}
    longest = (
        EVENTS_KEPT + AHEAD_BY + CHECKPOINT_EVERY
    )  # up to an event that stays, less what the clock was set forward
    assert last - longest < min(kept)
    young, not_old = (
        {result.probe for result in weeks.results() if result.scheduled_at >= last - kept_for}
        for kept_for in (EVENTS_KEPT, longest)
    )
    assert young | unended <= {event.probe for event in sent} <= not_old | unended  # results stay when their events go
    for at, is_kept in kept.items():
        assert is_kept == (at >= last - MESSAGES_KEPT)
