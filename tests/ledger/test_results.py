"""Results: one row a finished probe, which is what its events say, and large ledgers are read a piece at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import CPR, DEADLINE, GIVE_UP, START, TICKETS, a_case, a_probe, after, done, message, reply, report, taken
from hypothesis import given
from hypothesis import strategies as st
from ledger.checking import is_whole
from ledger.state.test_fold import histories

from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger, Result
from canary.ledger import events as record
from canary.ledger.results import COLUMNS, differences, from_row, recompute, to_row
from canary.model import DeadlineResult, Outcome, Seen, Stage

NAME = "probeprobeprobe2"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path, inline=True)
    yield opened
    opened.close()


def life(name: str = NAME, at: float = 0.0, arrives: bool = True) -> tuple[Event, ...]:
    """A probe from its schedule to its end."""
    probe = replace(a_probe(name), scheduled_at=after(at))
    seen = (report(probe=name, at=12),) if arrives else ()
    end = after(at + DEADLINE)
    verdict = judge(a_case(*seen), after(DEADLINE + 2), {"cpr": after(DEADLINE + 1)})
    assert verdict.deadline is not None
    assert verdict.outcome is not None
    return (
        record.scheduled(probe, "m" * 40),
        record.submitting(name, after(at), "<report@probe.example>", message(0)),
        record.submitted(name, after(at + 0.5), replace(taken(), at=after(at)), {}),
        *(record.sighting(after(at + 12), item, "cpr-mailbox") for item in seen),
        record.deadline(name, end, verdict.deadline, verdict.outcome),
        record.finished(name, end, verdict),
    )


def vandal(folder: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(folder / "ledger.sqlite", isolation_level=None))


# What a row says


def test_a_probe_that_arrived_and_one_that_did_not(ledger: Ledger) -> None:
    ledger.append(*life(), *life("anotherprobe2222", at=60, arrives=False)).result()
    arrived, missing = ledger.results()
    assert arrived == Result(
        probe=NAME,
        scheduled_seq=1,
        finished_seq=6,
        channel="alias",
        kind="email",
        sender="researcher",
        variant="V01",
        scheduled_at=START,
        outcome=Outcome.ARRIVED,
        deadline=DeadlineResult.MET,
        place=CPR.queue,
        reason="",
        accepted=0.5,
        arrived=12.0,
        acknowledged=None,
        picked_up=None,
        answered=None,
        answer_received=None,
        closed=None,
        owed={},
        confirms=None,
        blind=False,
    )
    assert (missing.outcome, missing.deadline, missing.arrived) == (Outcome.MISSING, DeadlineResult.MISSED, None)
    assert missing.reason == "not seen anywhere within 900 s"
    assert (missing.scheduled_at, missing.scheduled_seq, missing.finished_seq) == (after(60), 7, 11)


def test_further_stages_and_what_was_owed(ledger: Ledger) -> None:
    owed = {Stage.ACKNOWLEDGED: 600, Stage.PICKED_UP: 60, Stage.ANSWERED: 600, Stage.ANSWER_RECEIVED: 600}
    case = a_case(
        report(TICKETS, message_id=None),
        done(Seen.PICKED_UP, at=80),
        done(Seen.ANSWER, at=500),
        done(Seen.CLOSED, at=501),
        reply(Seen.ANSWER, at=520),
        expected=("tickets",),
        owed=owed,
    )
    verdict = judge(case, after(GIVE_UP), {"mine": after(700)})
    assert verdict.final
    begun = record.scheduled(case.probe, "m" * 40)
    ledger.append(begun, *life()[1:3], record.finished(NAME, after(GIVE_UP), verdict)).result()
    [row] = ledger.results()
    assert (row.acknowledged, row.picked_up, row.answered, row.answer_received, row.closed) == (
        None,
        80,
        500,
        520,
        501,
    )
    assert row.owed == {
        Stage.ACKNOWLEDGED: DeadlineResult.INDETERMINATE,  # the ticket queue could not be read since
        Stage.PICKED_UP: DeadlineResult.MISSED,
        Stage.ANSWERED: DeadlineResult.MET,
        Stage.ANSWER_RECEIVED: DeadlineResult.MET,
    }
    with vandal(ledger.folder) as connection:
        sql = "SELECT count(*) FROM result WHERE json_extract(owed, '$.picked_up') = 'missed'"
        assert connection.execute(sql).fetchone() == (1,)
    assert list(ledger.check_results()) == []


def test_a_probe_without_an_end_has_none(ledger: Ledger) -> None:
    ledger.append(*life()[:-1]).result()
    assert list(ledger.results()) == []
    ledger.append(life()[-1]).result()
    assert [row.probe for row in ledger.results()] == [NAME]


def test_the_time_of_a_row_is_that_of_its_event_whatever_became_of_the_clock(ledger: Ledger) -> None:
    step = Event(EventKind.CLOCK_STEPPED, after(5), {"seconds": 3600.0})
    ledger.append(*life()[:2], step, *life()[2:]).result()
    [row] = ledger.results()
    assert row.scheduled_at == START
    assert list(ledger.check_results()) == []


def test_rows_are_found_by_when_they_were_scheduled(ledger: Ledger) -> None:
    names = [f"probeprobeprobe{number}" for number in "abcdef"]
    for number, name in reversed(list(enumerate(names))):
        ledger.append(*life(name, at=number * 60)).result()
    assert [row.probe for row in ledger.results()] == names
    assert [row.probe for row in ledger.results(after(60), after(180))] == names[1:3]
    assert [row.probe for row in ledger.results(since=after(240))] == names[4:]
    assert [row.probe for row in ledger.results(until=after(60))] == names[:1]


# The table is what the events say


@given(histories())
def test_a_row_is_read_as_it_was_written(told: list[Event]) -> None:
    for row in recompute(replace(event, seq=seq) for seq, event in enumerate(told, 1)):
        written = to_row(row)
        assert from_row([written[name] for name in COLUMNS]) == row


def test_the_columns_are_those_of_the_table(ledger: Ledger) -> None:
    assert tuple(column.name for column in ledger.ask("PRAGMA table_info(result)")) == COLUMNS


@given(histories(), st.data())
def test_whatever_is_wrong_with_a_row_is_told(told: list[Event], data: st.DataObject) -> None:
    rows = list(recompute(replace(event, seq=seq) for seq, event in enumerate(told, 1)))
    assert list(differences(rows, rows)) == []
    if rows:
        gone = data.draw(st.sampled_from(rows))
        rest = [row for row in rows if row != gone]
        assert [text.split(",")[0] for text in differences(rest, rows)] == [f"probe {gone.probe}"]
        assert len(list(differences(rows, rest))) == 1
        changed = [row._replace(reason=row.reason + "!") if row == gone else row for row in rows]
        assert len(list(differences(changed, rows))) == 1


def test_a_table_that_was_tampered_with_is_told_from_the_events(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(*life(), *life("anotherprobe2222", at=60, arrives=False)).result()
    assert list(ledger.check_results()) == []
    with vandal(tmp_path) as connection:
        connection.execute("UPDATE result SET deadline = 'met', outcome = NULL WHERE probe = 'anotherprobe2222'")
        connection.execute("DELETE FROM result WHERE probe = ?", [NAME])
        connection.execute(f"INSERT INTO result SELECT 'inventedprobe222', {', '.join(COLUMNS[1:])} FROM result")
        connection.execute("UPDATE result SET finished_seq = 99 WHERE probe = 'inventedprobe222'")
    assert list(ledger.check_results()) == [
        f"probe {NAME}, which ended with event 6, is not in the table",
        "probe anotherprobe2222: outcome is none in the table, and 'missing' in the events",
        "probe anotherprobe2222: deadline is 'met' in the table, and 'missed' in the events",
        "probe inventedprobe222 is in the table, and event 99 does not say that it ended",
    ]


def test_how_far_the_check_is_can_be_shown(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("canary.ledger.result_reader._PROGRESS_EVERY", 2)
    for number in range(2, 7):
        ledger.append(*life(f"probe{number}")).result()
    seen: list[int] = []
    assert list(ledger.check_results(seen.append)) == []
    assert seen == [2, 4]
    assert ledger.count_results() == 5


def test_a_transaction_that_fails_leaves_no_row(ledger: Ledger, tmp_path: Path) -> None:
    too_large = Event(EventKind.TROUBLE, START, {"detail": "x" * record.LARGEST})
    with pytest.raises(ValueError, match="too large, want at most 65535"):
        ledger.append(*life(), too_large).result(timeout=60)
    assert list(ledger.results()) == []
    ledger.append(*life()).result()
    assert list(ledger.check_results()) == []
    is_whole(ledger)


OLDER = {
    0: ("DROP TABLE result",),
    1: tuple(f"ALTER TABLE result DROP COLUMN {name}" for name in ("picked_up", "answer_received", "closed", "owed")),
}
"""How a ledger of the present version becomes one of an earlier one."""


@pytest.mark.parametrize("version", OLDER)
def test_a_ledger_of_an_earlier_version_gets_its_rows(tmp_path: Path, version: int) -> None:
    first = Ledger(tmp_path, inline=True)
    first.append(*life(), *life("anotherprobe2222", at=60, arrives=False), *life("openprobe2222222")[:3]).result()
    wanted = list(first.results())
    first.close()
    with vandal(tmp_path) as connection:
        for statement in OLDER[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={version}")
    second = Ledger(tmp_path, inline=True)
    assert list(second.results()) == wanted
    assert list(second.check_results()) == []
    second.append(life("openprobe2222222")[-1]).result()  # and goes on from there
    assert len(list(second.results())) == 3
    second.close()


# Leaves


def test_leaves_are_the_bytes_of_the_events_in_order(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("canary.ledger.event_reader._PAGE", 4)  # several pages
    ledger.append(*life(), *life("anotherprobe2222")).result()
    told = [(event.seq, event.canonical()) for event in ledger.events()]
    assert list(ledger.leaves()) == told
    assert list(ledger.leaves(after=3, upto=9)) == told[3:9]
    assert list(ledger.leaves(after=4, upto=8)) == told[4:8]
    assert list(ledger.leaves(after=len(told))) == []


# How large an event may be


def test_a_text_from_outside_is_cut_and_the_event_still_fits(ledger: Ledger) -> None:
    endless = "\x01" * 1_000_000
    submission = replace(taken(), reason=endless, reference=endless)
    seen = report(detail=endless, message_id=endless)
    verdict = replace(judge(a_case(seen), after(DEADLINE), {}), reason=endless)
    first, sending = life()[:2]
    ledger.append(
        first,
        sending,
        record.submitted(NAME, START, submission, {}),
        record.sighting(START, seen, "cpr-mailbox"),
        record.finished(NAME, after(DEADLINE), verdict),
    ).result()
    assert all(len(body) <= record.LARGEST for _, body in ledger.leaves())
    [row] = ledger.results()
    assert row.reason.startswith("\x01" * 4000 + "... and 996000 characters more")


def test_the_largest_event_is_written(ledger: Ledger) -> None:
    smallest = len(Event(EventKind.STARTED, START, {"detail": ""}, seq=1).canonical())
    event = Event(EventKind.STARTED, START, {"detail": "x" * (record.LARGEST - smallest)})
    ledger.append(event).result()
    assert [len(body) for _, body in ledger.leaves()] == [record.LARGEST]


def test_rows_of_a_day_are_few_of_many(ledger: Ledger) -> None:
    """The index is used: what is asked for is not searched for in all of the table."""
    plan = ledger.ask(
        "EXPLAIN QUERY PLAN SELECT * FROM result WHERE scheduled_at >= :since AND scheduled_at < :until "
        "ORDER BY scheduled_at, scheduled_seq",
        since=record.timestamp(START),
        until=record.timestamp(START + timedelta(days=1)),
    )
    assert "result_scheduled_at" in next(plan).detail
