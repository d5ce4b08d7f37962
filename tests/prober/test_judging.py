"""Judging: what is decided rests on what is on disk, and on the newest that is known of a probe."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from builders import CPR, DEADLINE, START, a_probe, after, message, report, taken
from ledger.checking import is_whole
from prober.simulated import Simulated

from canary.clock import Clock
from canary.ledger import EventKind, Ledger, OpenProbe
from canary.ledger import events as record
from canary.model import DeadlineResult, Outcome, OwnFaultError
from canary.prober import judging as module
from canary.prober.judging import Judging
from canary.prober.step import Decision

PROBE = "probeprobeprobe2"
NEVER = datetime.max.replace(tzinfo=START.tzinfo)


class Late(Clock):
    """A clock that stands a second after the deadline of a probe that was sent at the start."""

    def now(self) -> datetime:
        return after(DEADLINE + 1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    opened.append(
        record.scheduled(a_probe(PROBE), "m" * 40),
        record.submitting(PROBE, START, "<report@probe.example>", message(0)),
        record.submitted(PROBE, after(0.5), taken(), {}),
    ).result()
    yield opened
    is_whole(opened)
    opened.close()


def judging(ledger: Ledger, looked: dict[str, datetime]) -> Judging:
    return Judging(ledger, Late(), looked, lambda: 60.0, lambda: True, lambda: START, lambda _: (), lambda _: None)


@contextmanager
def refusing_sightings(ledger: Ledger) -> Iterator[None]:
    """A disk that is full once a sighting is to be written; it takes its time to say so."""
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT count(*) FROM n"
    with closing(sqlite3.connect(ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.kind = 'sighting'"
            f" BEGIN SELECT RAISE(ABORT, 'disk full') WHERE ({slow}) > 0; END"
        )
        yield
        other.execute("DROP TRIGGER full")


def decided(ledger: Ledger) -> list[tuple[str, str]]:
    ledger.refresh()
    kinds = (EventKind.DEADLINE, EventKind.FINISHED)
    return [(event.kind.value, event.body["outcome"]) for event in ledger.events() if event.kind in kinds]


def test_a_sighting_that_is_not_on_disk_decides_nothing(ledger: Ledger) -> None:
    parts = judging(ledger, {})
    seen = record.sighting(after(12), report(at=12), "cpr-mailbox")
    with refusing_sightings(ledger):
        handed_in = ledger.append(seen)
        while not handed_in.done():
            parts.look([PROBE])
            assert ledger.state.open[PROBE].case.sightings == ()
        with pytest.raises(OwnFaultError, match="disk full"):
            handed_in.result()
        parts.look([PROBE])
    assert decided(ledger) == []
    ledger.append(seen).result()
    parts.look([PROBE])
    assert decided(ledger) == [("deadline", "arrived"), ("finished", "arrived")]


def test_what_was_decided_before_a_sighting_is_left_out_behind_it(ledger: Ledger) -> None:
    looked = {"cpr": after(DEADLINE + 1)}
    with closing(sqlite3.connect(ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # both wait for it, and are written one behind the other
        ledger.append(record.sighting(after(12), report(at=12), "cpr-mailbox"))
        judging(ledger, looked).look([PROBE])  # by what it knows: missing
        other.execute("ROLLBACK")
    assert decided(ledger) == []
    judging(ledger, looked).look([PROBE])
    assert decided(ledger) == [("deadline", "arrived"), ("finished", "arrived")]


def test_a_probe_is_on_the_agenda_once_however_often_it_is_looked_at(ledger: Ledger) -> None:
    early: list[datetime] = []
    parts = Judging(
        ledger,
        Clock(lambda: after(1).timestamp(), lambda: 0.0),
        {},
        lambda: 60.0,
        lambda: True,
        lambda: START,
        lambda _: (),
        early.append,
    )
    for _ in range(50):
        parts.look([PROBE])
    assert parts.due() == after(DEADLINE)
    assert set(early) == {after(DEADLINE)}
    parts.look_at_due(after(DEADLINE))
    assert len(early) == 51  # one of the fifty counts


def test_what_could_not_be_written_is_looked_at_again(ledger: Ledger) -> None:
    parts = judging(ledger, {"cpr": after(DEADLINE + 1)})
    with closing(sqlite3.connect(ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        parts.look([PROBE])
        with pytest.raises(OwnFaultError):
            ledger.append(record.confirm(PROBE, after(1), "alias", after(2))).result()
        other.execute("DROP TRIGGER full")
    assert decided(ledger) == []
    due = parts.due()
    assert due is not None
    parts.look_at_due(due)
    assert decided(ledger) == [("deadline", Outcome.MISSING.value)]
    assert ledger.state.open[PROBE].deadline is DeadlineResult.MISSED
    assert CPR.queue in ledger.state.open[PROBE].case.probe.expected


def test_a_probe_that_somebody_else_sent_and_left_is_looked_at(ledger: Ledger) -> None:
    parts = judging(ledger, {"cpr": after(DEADLINE + 1)})
    parts.look([PROBE])
    with closing(Ledger(ledger.folder)) as other:  # another process, which is killed
        left = "anotherprobe2222"
        other.append(
            record.scheduled(a_probe(left), "n" * 40),
            record.submitting(left, START, "<other@probe.example>", message(0)),
            record.submitted(left, after(0.5), taken(), {}),
        ).result()
    ledger.refresh()
    parts.look_at_due(after(DEADLINE + 1))
    ledger.refresh()
    assert ledger.state.open[left].deadline is DeadlineResult.MISSED


def test_a_probe_that_cannot_be_judged_holds_up_no_other_and_ends_at_give_up(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    properly = module.step

    def picky(known: OpenProbe, *rest: Any) -> Decision:
        if known.case.probe.channel == "channel-0":
            raise ZeroDivisionError("a verdict that nobody thought of")
        return properly(known, *rest)

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: len(canary.events(EventKind.FINISHED)) == 2, every=10)
        sent = {event.probe: event for event in canary.events(EventKind.SCHEDULED)}
        ended = {sent[event.probe].body["channel"]: event for event in canary.events(EventKind.FINISHED)}
        results = {event.probe: event.body["result"] for event in canary.events(EventKind.DEADLINE)}
        assert (ended["channel-0"].body["outcome"], ended["channel-1"].body["outcome"]) == ("indeterminate", "arrived")
        assert "ZeroDivisionError: a verdict that nobody thought of" in ended["channel-0"].body["reason"]
        assert results[ended["channel-0"].probe] == "indeterminate"
        took = (ended["channel-0"].at - sent[ended["channel-0"].probe].at).total_seconds()
        assert 1200 <= took <= 1265
        begun, over = canary.events(EventKind.TROUBLE)  # not one a minute
        for event in (begun, over):
            assert (event.body["component"], event.body["reason"]) == ("store", "not_judged")
            assert event.body["detail"].startswith(f"probe {ended['channel-0'].probe}: our own fault")
            assert "a verdict that nobody thought of" in event.body["detail"]
        of_probe = canary.ledger.events(probe=ended["channel-0"].probe)
        decided = next(event.seq for event in of_probe if event.kind is EventKind.DEADLINE)
        assert begun.seq < over.seq < decided  # so whoever checks the log finds the fault behind the verdict

    monkeypatch.setattr(module, "step", picky)
    simulated.live(story, simulated.config(2, interval="1d", give_up="20m"))


def test_a_round_that_fails_is_told_and_the_next_one_comes(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    properly, failing = module.Judging.look_at_due, [True]

    def broken(self: Judging, now: datetime) -> None:
        if failing:
            raise KeyError("what nobody thought of")
        properly(self, now)

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.prober.vitals().troubles.get("rounds"))
        assert canary.prober.vitals().troubles["rounds"] == "KeyError: 'what nobody thought of'"
        assert canary.prober.last_tick is None
        failing.clear()
        await canary.until(lambda: canary.events(EventKind.FINISHED), every=10)
        assert canary.prober.vitals().troubles["rounds"] == ""

    monkeypatch.setattr(module.Judging, "look_at_due", broken)
    simulated.live(story)
