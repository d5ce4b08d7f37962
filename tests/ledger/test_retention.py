"""Retention: what is old is forgotten, told before it is, and nothing else is touched."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from builders import CPR, DEADLINE, START, a_case, a_probe, after, report, taken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.ledger.events import clock
from canary.ledger.gaps import _TURNINGS, gaps
from canary.ledger.reader import as_it_stands
from canary.ledger.retention import Forgettable, Retention, RetentionPlan, Rule
from canary.ledger.state import dump
from canary.model import OwnFaultError
from canary.simulated import SimulatedClock

DAY = 86_400.0
KEPT = {Rule.MESSAGES: timedelta(days=90), Rule.TRACES: timedelta(days=30), Rule.EVENTS: timedelta(days=730)}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path, inline=True)
    yield opened
    opened.close()


def settle(ledger: Ledger) -> None:
    """Every artefact was written long ago."""
    for path in (ledger.folder / "artefacts").glob("*/*"):
        os.utime(path, (0, 0))


def name_of(content: str) -> str:
    return sha256(content.encode()).hexdigest()


def life(
    ledger: Ledger, name: str, at: float, *, trace: str | None = None, found: str | None = None, ends: bool = True
) -> None:
    """A probe that was sent ``at`` days after START, with its artefacts; it arrives as it was sent, or as ``found``."""
    put, sent, start = ledger.artefacts.put, f"sent {name}", at * DAY
    probe = replace(a_probe(name), scheduled_at=after(start))
    copy = report(probe=name, at=start + 10)
    seen = replace(copy, message=put((found or f"found {name}").encode()))
    traces = {"screenshot": put((trace or f"trace {name}").encode())}
    submission = replace(taken(), at=after(start))
    case = replace(a_case(seen, submission=submission), probe=probe, submitting_at=after(start))
    verdict = judge(case, after(start + DEADLINE), {})
    end = [record.finished(name, after(start + DEADLINE), verdict)] if ends else []
    ledger.append(
        record.scheduled(probe, "m" * 40),
        record.submitting(name, after(start), copy.message_id, put(sent.encode())),
        record.submitted(name, after(start + 0.5), submission, traces),
        record.sighting(after(start + 11), seen, "cpr-mailbox"),
        *end,
    ).result()


def there(ledger: Ledger, *contents: str) -> list[bool]:
    return [ledger.artefacts.get(name_of(content)) is not None for content in contents]


def tombstones(ledger: Ledger, rule: Rule) -> list[Event]:
    return [event for event in ledger.events(kind=EventKind.FORGOTTEN) if event.body["rule"] == rule]


def foreseen(ledger: Ledger, days: float) -> list[Forgettable]:
    """What somebody would forget who may only read."""
    with as_it_stands(ledger.folder) as standing:
        return RetentionPlan(standing, KEPT).plan(after(days * DAY))


def at_work(ledger: Ledger, days: float) -> Retention:
    return Retention(ledger, KEPT, SimulatedClock(after(days * DAY)))


def run(ledger: Ledger, days: float) -> dict[Rule, int]:
    settle(ledger)
    return {item.rule: item.count for item in at_work(ledger, days).run()}


OLD, YOUNG = "oldprobeold22222", "youngprobe222222"


def test_messages_and_traces_are_forgotten_each_in_its_time(ledger: Ledger) -> None:
    life(ledger, OLD, 0)
    assert run(ledger, 29) == {Rule.MESSAGES: 0, Rule.TRACES: 0, Rule.EVENTS: 0}
    assert run(ledger, 31) == {Rule.MESSAGES: 0, Rule.TRACES: 1, Rule.EVENTS: 0}
    assert there(ledger, f"sent {OLD}", f"found {OLD}", f"trace {OLD}") == [True, True, False]
    assert run(ledger, 91) == {Rule.MESSAGES: 2, Rule.TRACES: 0, Rule.EVENTS: 0}
    assert there(ledger, f"sent {OLD}", f"found {OLD}") == [False, False]
    [told] = tombstones(ledger, Rule.MESSAGES)
    assert set(told.body["artefacts"]) == {name_of(f"sent {OLD}"), name_of(f"found {OLD}")}
    assert (told.body["count"], told.body["kept"], told.body["last"]) == (2, 90 * DAY, 4)
    assert [e.body["payload"] for e in ledger.events(kind=EventKind.SUBMITTING)] == [name_of(f"sent {OLD}")]


def test_an_artefact_that_a_younger_or_an_open_probe_has_too_stays(ledger: Ledger) -> None:
    life(ledger, OLD, 0, trace="the same page", found="the same bytes")
    life(ledger, YOUNG, 60, trace="the same page")
    life(ledger, "openprobeopen222", 61, found="the same bytes", ends=False)
    run(ledger, 80)
    assert there(ledger, "the same page", "the same bytes", f"sent {OLD}") == [True, True, True]
    run(ledger, 140)
    assert there(ledger, "the same page", "the same bytes", f"sent {OLD}") == [False, True, False]


def test_one_that_two_rules_keep_goes_with_the_later(ledger: Ledger) -> None:
    life(ledger, OLD, 0, trace="a page", found="a page")
    run(ledger, 40)
    assert there(ledger, "a page") == [True]
    run(ledger, 100)
    assert there(ledger, "a page") == [False]
    assert len(tombstones(ledger, Rule.TRACES)) + len(tombstones(ledger, Rule.MESSAGES)) == 1


def test_what_was_written_just_now_stays_until_the_next_time(ledger: Ledger) -> None:
    life(ledger, OLD, 0)
    at_work(ledger, 100).run()  # its files are younger than its events
    assert there(ledger, f"sent {OLD}", f"trace {OLD}") == [True, True]
    run(ledger, 100)
    assert there(ledger, f"sent {OLD}", f"trace {OLD}") == [False, False]


def test_a_plan_forgets_nothing(ledger: Ledger) -> None:
    life(ledger, OLD, 0)
    before = list(ledger.leaves())
    planned = {item.rule: (item.count, item.size) for item in foreseen(ledger, 1000)}
    bodies = sum(len(body) for _, body in before)
    assert planned == {Rule.MESSAGES: (2, 43), Rule.TRACES: (1, 22), Rule.EVENTS: (5, bodies)}
    assert there(ledger, f"sent {OLD}", f"trace {OLD}") == [True, True]
    assert list(ledger.leaves()) == before


def test_a_plan_knows_what_was_not_noted_yet(ledger: Ledger) -> None:
    life(ledger, OLD, 0, trace="a page")
    run(ledger, 1)
    assert (ledger.cursor("(retention)") or {})["noted"] == 5
    life(ledger, YOUNG, 40, trace="a page")
    assert {item.rule: item.count for item in foreseen(ledger, 45)}[Rule.TRACES] == 0
    assert {item.rule: item.count for item in foreseen(ledger, 71)}[Rule.TRACES] == 1
    assert (ledger.cursor("(retention)") or {})["noted"] == 5


def test_many_are_told_in_several_events(ledger: Ledger) -> None:
    names = {f"shot {number}": ledger.artefacts.put(str(number).encode()) for number in range(900)}
    half = dict(list(names.items())[:450]), dict(list(names.items())[450:])
    for number, traces in enumerate(half):
        name = f"probe{number}2222222222"[:16]
        probe = replace(a_probe(name), scheduled_at=START)
        ledger.append(record.scheduled(probe, "m"), record.submitted(name, START, taken(), traces)).result()
        ledger.append(record.finished(name, START, judge(a_case(), after(DEADLINE), {}))).result()
    assert run(ledger, 31)[Rule.TRACES] == 900
    told = tombstones(ledger, Rule.TRACES)
    assert len(told) == 2
    assert {name for event in told for name in event.body["artefacts"]} == set(names.values())
    assert not list((ledger.folder / "artefacts").glob("*/*"))


# Events


def test_old_events_are_emptied_and_all_else_stays_as_it_was(ledger: Ledger) -> None:
    ledger.append(Event(EventKind.STARTED, START, {"scheduled": True})).result()
    life(ledger, OLD, 0)
    life(ledger, YOUNG, 700)
    before, totals = list(ledger.leaves()), dump(ledger.state)
    rows = list(ledger.results())
    run(ledger, 731)
    [told] = tombstones(ledger, Rule.EVENTS)
    assert (told.body["first"], told.body["last"], told.body["count"]) == (1, 6, 5)
    after_it = dict(ledger.leaves())
    assert [seq for seq, body in before if after_it[seq] != body] == [2, 3, 4, 5, 6]
    assert all(after_it[seq] == b"" for seq in range(2, 7))
    assert after_it[told.seq] == told.canonical()
    assert list(ledger.results()) == [rows[0]._replace(reason=""), rows[1]]
    assert list(ledger.check_results()) == []
    assert ledger.find(OLD) is None
    assert ledger.known(OLD)
    assert [event.probe for event in ledger.events(kind=EventKind.SCHEDULED)] == [YOUNG]
    assert gaps(ledger, START, after(700 * DAY)) == []
    assert dump(ledger.state) == totals


def test_a_restart_after_it_arrives_where_it_stood(tmp_path: Path) -> None:
    first = Ledger(tmp_path, inline=True)
    life(first, OLD, 0)
    life(first, "openprobeopen222", 1, ends=False)
    life(first, YOUNG, 700)
    run(first, 735)
    totals, open_ = first.state.totals, first.state.open
    second = Ledger(tmp_path, inline=True)
    assert (second.state.totals, second.state.open) == (totals, open_)
    late = record.sighting(after(736 * DAY), report(probe=OLD, at=736 * DAY), "cpr-mailbox")
    assert len(second.append(late).result()) == 1  # of a probe that nothing is known of any more
    second.close()
    first.close()


def test_nothing_from_the_first_open_probe_on_is_emptied(ledger: Ledger) -> None:
    life(ledger, OLD, 0)
    life(ledger, "openprobeopen222", 1, ends=False)
    life(ledger, YOUNG, 2)
    run(ledger, 1000)
    assert [seq for seq, body in ledger.leaves() if not body] == [1, 2, 3, 4, 5]
    assert there(ledger, f"found {OLD}", "found openprobeopen222", f"found {YOUNG}") == [False, True, True]


def test_the_database_empties_nothing_that_was_not_told(ledger: Ledger, tmp_path: Path) -> None:
    life(ledger, OLD, 0)
    ledger.append(Event(EventKind.STOPPED, START, {})).result()
    life(ledger, YOUNG, 700)
    body = {"rule": "events", "first": 1, "last": 6, "count": 5}
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as vandal:

        def refused(change: str) -> bool:
            try:
                vandal.execute(change)
            except sqlite3.IntegrityError as error:
                return "append-only" in str(error)
            return False

        assert refused("UPDATE event SET body = x'' WHERE seq = 1")
        ledger.append(Event(EventKind.FORGOTTEN, after(1000 * DAY), body)).result()
        assert refused("UPDATE event SET body = x'00' WHERE seq = 1")
        assert refused("UPDATE event SET body = x'', kind = 'started' WHERE seq = 1")
        assert refused("UPDATE event SET body = x'', at = '' WHERE seq = 1")
        assert refused("UPDATE event SET body = x'', probe = NULL WHERE seq = 1")
        assert refused("UPDATE event SET body = x'' WHERE seq = 6")  # a stop: gaps follow from it
        assert refused("UPDATE event SET body = x'' WHERE seq = 7")
        assert refused("DELETE FROM event WHERE seq = 1")
        assert not refused("UPDATE event SET body = x'' WHERE seq = 1")


def test_what_gaps_follow_from_is_never_emptied() -> None:
    assert all(kind.lasting for kind in _TURNINGS)


def test_a_run_that_was_cut_off_is_finished_by_the_next(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        life(ledger, f"probe{number}2222222222", number / 100)
    settle(ledger)
    monkeypatch.setattr("canary.ledger.retention._STEP", 7)
    calls = 0

    def fails_later(self: Retention, work: object) -> None:
        nonlocal calls
        calls += 1
        if calls > 6:
            raise KeyboardInterrupt
        original(self, work)  # type: ignore[arg-type]

    original = Retention._write
    with monkeypatch.context() as cut:
        cut.setattr(Retention, "_write", fails_later)
        with suppress(KeyboardInterrupt):
            at_work(ledger, 800).run()
    assert tombstones(ledger, Rule.MESSAGES)
    at_work(ledger, 801).run()
    assert not list((ledger.folder / "artefacts").glob("*/*"))
    assert [seq for seq, body in ledger.leaves() if not body] == list(range(1, 21))
    named = [
        name
        for rule in (Rule.MESSAGES, Rule.TRACES)
        for event in tombstones(ledger, rule)
        for name in event.body["artefacts"]
    ]
    assert len(set(named)) == 12


def test_a_clock_that_is_far_off_forgets_nothing(ledger: Ledger) -> None:
    life(ledger, OLD, 0)
    ledger.append(clock(after(5000 * DAY), CPR.queue, -4900 * DAY, 1.0)).result()
    with pytest.raises(OwnFaultError, match="nothing is forgotten: the clock of queue cpr") as error:
        run(ledger, 5000)
    assert (error.value.component, error.value.reason) == ("clock", "not_believed")
    assert there(ledger, f"sent {OLD}") == [True]


def test_two_at_once_are_one(ledger: Ledger) -> None:
    with (ledger.folder / "retention.lock").open("w") as lock:
        (ledger.folder / "retention.lock").chmod(0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OwnFaultError, match="already"):
            run(ledger, 1)
    run(ledger, 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abc"), st.sampled_from("abc"), st.booleans()), max_size=6),
    st.lists(st.integers(0, 1200), min_size=1, max_size=3).map(sorted),
)
def test_whatever_is_young_or_open_is_kept(
    tmp_path_factory: pytest.TempPathFactory, probes: list[tuple[int, str, str, bool]], runs: list[int]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("any"), inline=True)
    told = sorted(enumerate(probes), key=lambda item: item[1][0])
    for number, (day, trace, found, ends) in told:
        life(ledger, f"probe{number}2222222222", day, trace=trace, found=found, ends=ends)
    for day in runs:
        settle(ledger)
        assert foreseen(ledger, day) == at_work(ledger, day).plan(after(day * DAY))
        run(ledger, day)
    last = runs[-1]
    for number, (day, trace, found, ends) in told:
        name = f"probe{number}2222222222"
        sent, seen, shot = there(ledger, f"sent {name}", found, trace)
        assert (sent and seen) or (ends and day + 90 < last)
        assert shot or (ends and day + 30 < last)
        assert ledger.find(name) is not None or (ends and day + 730 < last)
    is_gone = [seq for seq, body in ledger.leaves() if not body]
    assert all(
        any(e.body["first"] <= seq <= e.body["last"] for e in tombstones(ledger, Rule.EVENTS)) for seq in is_gone
    )
    assert list(ledger.check_results()) == []
    ledger.close()
    again = Ledger(ledger.folder, inline=True)
    assert dump(again.state) == dump(ledger.state)
    again.close()


def test_old_is_by_the_time_of_events(ledger: Ledger) -> None:
    life(ledger, OLD, 0)
    settle(ledger)
    clock = SimulatedClock(after(11) + timedelta(days=90))
    retention = Retention(ledger, KEPT, clock)
    assert {item.rule: item.count for item in retention.run()}[Rule.MESSAGES] == 1  # that was sent at 0 s
    clock.advance(1)
    assert {item.rule: item.count for item in retention.run()}[Rule.MESSAGES] == 1
