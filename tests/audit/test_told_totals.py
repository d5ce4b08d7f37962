"""What checkpoints tell is folded again: whatever happened it follows, and where somebody lied it is told where."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from audit.verifier.office import Office
from audit.verifier.test_dishonest_operator import lying
from builders import START
from evidence.logging_keys import ORIGIN
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.audit.told_totals import ToldTotals
from canary.evidence import log as evidence_log
from canary.evidence.totals import Table
from canary.ledger import Event, EventKind, Totals
from canary.ledger import events as record
from canary.ledger.events import EVERY_CHANNEL, Hold
from canary.ledger.retention import Retention, Rule
from canary.ledger.version import FILE
from canary.simulated import SimulatedClock

HOUR = 3600.0


@contextmanager
def opened(folder: Path) -> Iterator[Office]:
    office = Office(folder, ORIGIN, SimulatedClock(START))
    try:
        yield office
    finally:
        office.close()


def problems(office: Office) -> list[str]:
    totals, head = ToldTotals(office.ledger), office.log.latest()
    assert head is not None
    wrong = list(office.ledger.check_results(see=totals.see))
    assert not wrong
    return totals.end(head.size)


def passes(office: Office, seconds: float) -> None:
    assert isinstance(office.clock, SimulatedClock)
    office.clock.advance(seconds)


def looked(office: Office) -> None:
    body = {"channel": "looked-at", "kind": "email", "queue": "cpr", "outcome": "arrived", "detail": ""}
    office.add(Event(EventKind.CHECKED, office.now(), body))


def in_turn(office: Office, **happens: Any) -> None:
    add = office.add
    lying(office, EventKind.SCHEDULED, in_turn=True)
    office.probe(**happens)
    office.add = add  # type: ignore[method-assign]


def stands_still(office: Office) -> None:
    since = office.now()
    passes(office, 2 * HOUR)
    office.add(record.held(office.now(), EVERY_CHANNEL, Hold.STALLED, "it stood still", since))


HAPPENS: dict[str, Callable[[Office], object]] = {
    "a probe": lambda office: office.probe(),
    "a turn": in_turn,
    "a turn that is lost": lambda office: in_turn(office, arrives=None),
    "a turn under way": lambda office: in_turn(office, ends=False),
    "a look": looked,
    "every hour": lambda office: office.configure(interval=HOUR),
    "every other hour": lambda office: office.configure(interval=2 * HOUR),
    "by hand": lambda office: office.configure(scheduled=False, interval=60.0),
    "paused": lambda office: office.add(record.held(office.now(), "alias", Hold.PAUSED, "")),
    "resumed": lambda office: office.add(record.released(office.now(), "alias", Hold.PAUSED)),
    "stood still": stands_still,
    "stopped": lambda office: office.tell(EventKind.STOPPED, run="1", scheduled=True),
    "started": lambda office: office.tell(EventKind.STARTED, run="1", scheduled=True),
    "set forward": lambda office: office.tell(EventKind.CLOCK_STEPPED, seconds=5000.0),
    "set back": lambda office: office.tell(EventKind.CLOCK_STEPPED, seconds=-40.0),
    "an hour": lambda office: passes(office, HOUR),
    "a day": lambda office: passes(office, 24 * HOUR),
    "a checkpoint": lambda office: office.log.advance(),
    "a checkpoint with its table": lambda office: office.log.advance(force=True),
}


@settings(max_examples=25)
@given(st.lists(st.sampled_from(sorted(HAPPENS)), max_size=25))
def test_whatever_happened_it_follows(tmp_path_factory: pytest.TempPathFactory, happened: list[str]) -> None:
    with opened(tmp_path_factory.mktemp("state")) as office:
        for name in happened:
            HAPPENS[name](office)
            passes(office, 60)
        office.log.advance(force=True)
        office.log.advance(force=True)
        assert problems(office) == []


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office that told the truth once: a probe an hour, of which one did not arrive."""
    with opened(tmp_path) as office:
        office.configure(interval=HOUR)
        for happens in ({}, {"arrives": None}):
            in_turn(office, **happens)
            passes(office, HOUR)
            office.log.advance()
        yield office


def goes_on(office: Office) -> int:
    """Some more checkpoints; returns the size of the first of them."""
    sizes = []
    for _ in range(3):
        in_turn(office, arrives=None)
        passes(office, HOUR)
        head = office.log.advance(force=True)
        assert head is not None
        sizes.append(head.size)
    return sizes[0]


def hidden(sums: dict[str, int], **columns: int) -> dict[str, int]:
    return {name: number for name, number in (sums | columns).items() if number}


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (lambda sums: hidden(sums, outcome_missing=0), "outcome_missing is 0, and they give 2"),
        (lambda sums: hidden(sums, result_missed=1, result_met=2), "result_met is 2, and they give 1"),
        (lambda sums: hidden(sums, sent=sums["sent"] + 1), "sent is 4, and they give 3"),
        (lambda sums: hidden(sums, held_paused=1), "held_paused is 1, and they give 0"),
        (lambda sums: hidden(sums, due=99), "due is 99, and they give 3"),
        (lambda sums: sums | {"invented": 1}, "invented is 1, and they give 0"),
    ],
)
def test_totals_that_do_not_follow_are_told_with_the_first_that_does_not(
    office: Office, monkeypatch: pytest.MonkeyPatch, lie: Callable[[dict[str, int]], dict[str, int]], reason: str
) -> None:
    honest = evidence_log.told

    def told(found: Table, written: bytes, *, kept: bool) -> dict[str, object]:
        return honest(found, written, kept=kept) | {"sums": lie(dict(found.sums))}

    assert problems(office) == []
    monkeypatch.setattr(evidence_log, "told", told)
    size = goes_on(office)
    first, rest = problems(office)
    assert first.startswith(f"the checkpoint of {size} events (event {size + 1}) is the first one that tells what does")
    assert reason in first
    assert rest == "what 2 checkpoints after that tell does not follow either"


def test_another_table_of_the_same_sums(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = evidence_log.table

    def of_another_channel(totals: Totals, at: Any) -> Table:
        found = honest(totals, at)
        return Table({f"other-{slug}": counts for slug, counts in found.channels.items()})

    monkeypatch.setattr(evidence_log, "table", of_another_channel)
    goes_on(office)
    assert problems(office)[0].endswith("the table by channel is another one, of the same sums")


def test_what_is_in_force_is_told_otherwise(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    first, strict = office.configured, office.configure(interval=HOUR, deadline=1.0)
    monkeypatch.setattr(Totals, "configured", first)
    goes_on(office)
    assert f"event {first} is said to be in force, and event {strict} was" in problems(office)[0]


def test_a_probe_that_goes_by_what_is_not_in_force_any_more(office: Office) -> None:
    old, new = office.configured, office.configure(interval=HOUR, deadline=1.0)
    office.configured = old
    office.probe()
    office.log.advance(force=True)
    assert problems(office) == []  # begun when it came
    passes(office, HOUR)
    office.probe()
    office.log.advance(force=True)
    [problem] = problems(office)
    assert f"goes by event {old}, and event {new} was in force" in problem


def test_what_was_in_force_before_is_told_otherwise(office: Office) -> None:
    first = office.configured
    lying(office, EventKind.CONFIGURED, previous=first - 1)
    second = office.configure()
    office.log.advance(force=True)
    told = f"event {second} says that event {first - 1} was in force before it, and it was event {first}"
    assert problems(office) == [told]


def test_one_configuration_that_says_two_things_of_a_channel(office: Office) -> None:
    add = office.add
    parts: list[Event] = []
    office.add = lambda *events: parts.extend(events) or list(events)  # type: ignore[method-assign,func-returns-value]
    for part, changed in ((1, {}), (2, {"deadline": 9.0})):
        office.configure(**changed)
        parts[-1] = replace(parts[-1], body={**parts[-1].body, "part": part, "parts": 2})
    office.add = add  # type: ignore[method-assign]
    one, other = office.add(*parts)
    office.log.advance(force=True)
    told = f"event {other.seq} says what alias means, and so does event {one.seq} of the same"
    assert problems(office) == [told]


@pytest.mark.parametrize("lie", [0, 1])
def test_where_retention_emptied_events_what_comes_after_is_held_against_them(
    office: Office, monkeypatch: pytest.MonkeyPatch, lie: int
) -> None:
    office.probe(ends=False)
    office.log.advance()
    passes(office, 800 * 24 * HOUR)
    head = office.log.latest()
    assert head is not None
    rules = dict.fromkeys(Rule, timedelta(days=730))
    Retention(office.ledger, rules, office.clock).run(head.size)
    assert office.ledger.forgotten_upto()
    goes_on(office)
    honest = evidence_log.told

    def told(found: Table, written: bytes, *, kept: bool) -> dict[str, object]:
        return honest(found, written, kept=kept) | {"sums": hidden(dict(found.sums), sent=found.sums["sent"] - lie)}

    monkeypatch.setattr(evidence_log, "told", told)
    goes_on(office)
    assert len(problems(office)) == 2 * lie


def test_an_event_that_cannot_be_read_is_told(office: Office) -> None:
    paused = office.add(record.held(office.now(), "alias", Hold.PAUSED, ""))[0]
    office.log.advance(force=True)
    with sqlite3.connect(office.folder / FILE) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("UPDATE event SET body = CAST('{' AS BLOB) WHERE seq = ?", (paused.seq,))
    [problem] = problems(office)
    assert problem.startswith(
        f"the totals of checkpoints cannot be folded again: cannot read the ledger: event {paused.seq}"
    )
