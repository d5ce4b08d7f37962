"""The totals that stand in a checkpoint: the table of channels, its hash, its sums, and when it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from builders import START, a_probe, refused, taken
from evidence.logging_keys import Desk
from immutables import Map

from canary.evidence.totals import COLUMNS, HELD, Table, read, table, told
from canary.judge import judge
from canary.ledger import ChannelTotals, Event, EventKind, Totals
from canary.ledger import events as record
from canary.ledger.events import LARGEST, digest
from canary.ledger.state.due import Due
from canary.model import Case, DeadlineResult, Failure, Outcome


def test_a_table_is_read_as_it_was_written() -> None:
    found = Table({"form": {"due": 3, "turns": 1, "unaccounted": 2}, "alias": {"scheduled": 4}, "idle": {}})
    header, alias, *_ = found.written().decode().splitlines()
    assert header == "channel," + ",".join(COLUMNS)
    assert dict(zip(header.split(","), alias.split(","), strict=True))["scheduled"] == "4"
    assert read(found.written()) == Table(dict(sorted(found.channels.items())))
    assert found.sums == {"due": 3, "turns": 1, "unaccounted": 2, "scheduled": 4}


def test_what_was_due_is_the_sum_of_what_became_of_it() -> None:
    due = Due(interval=3600.0, at=START.timestamp(), held={"paused": 2, "not_running": 1}, unaccounted=4)
    totals = Totals(Map({"alias": ChannelTotals("email", "cpr", attempted=9, turns=8, looks=1, due=due, sent=7)}))
    now = table(totals, START).channels["alias"]
    assert now["due"] == 16 == now["turns"] + now["looks"] + sum(now.get(name, 0) for name in HELD) + now["unaccounted"]
    later = table(totals, START + timedelta(hours=12)).channels["alias"]
    assert later["unaccounted"] == 4 + 11, "a hole shows while it lasts"
    stopped = table(Totals(totals.channels, down_since=START.timestamp()), START + timedelta(hours=12))
    assert stopped.channels["alias"]["held_not_running"] == 1 + 11
    assert stopped.channels["alias"]["unaccounted"] == 4


def test_ten_thousand_channels_are_told_in_a_few_hundred_bytes(tmp_path: Path) -> None:
    busy = ChannelTotals("email", "cpr", attempted=10**9, turns=10**9, sent=10**9, results={"met": 10**9})
    everything = busy.finished | {outcome.value: 10**9 for outcome in Outcome}
    busy = ChannelTotals("email", "cpr", attempted=10**9, turns=10**9, sent=10**9, finished=everything)
    found = table(Totals(Map({f"channel-{number}": busy for number in range(10_000)})), START)
    body = {"size": 10**12, "root": "0" * 64, "note": "n" * 4000, "totals": told(found, found.written(), kept=True)}
    assert len(Event(EventKind.CHECKPOINT, START, body, seq=10**12).canonical()) < 6000 < LARGEST
    assert len(read(found.written()).channels) == 10_000


def test_a_checkpoint_counts_exactly_the_events_that_it_signs(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    case = Case(a_probe(), START, None, taken())
    verdict = judge(case, START + timedelta(days=3), {})
    assert verdict.outcome is not None
    desk.ledger.append(record.scheduled(replace(a_probe(), in_turn=True), "m" * 40)).result()
    desk.log.advance()
    desk.ledger.append(
        record.submitted(a_probe().id, START, taken(), {}),
        record.deadline(a_probe().id, START, DeadlineResult.MISSED, Outcome.MISSING),
        record.finished(a_probe().id, START, verdict),
        record.scheduled(a_probe("anotherprobe2222"), "m" * 40),
        record.submitted("anotherprobe2222", START, refused(Failure.REJECTED), {}),
    ).result()
    desk.log.advance()
    first, second = (event.body["totals"] for event in desk.ledger.events(kind=EventKind.CHECKPOINT))
    assert first["sums"] == {"due": 1, "turns": 1, "scheduled": 1}
    assert second["sums"] == {
        "due": 1,
        "turns": 1,
        "scheduled": 2,
        "sent": 2,
        "result_missed": 1,
        f"outcome_{verdict.outcome}": 1,
    }
    [kept] = (told for told in (first, second) if told["kept"])
    assert kept is first, "the first one of a day"
    content = desk.ledger.artefacts.get(kept["channels"])
    assert content is not None
    assert read(content).channels == {a_probe().channel: first["sums"]}
    desk.ledger.close()


def test_the_table_of_a_day_and_of_one_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for hours, force in ((0, False), (1, False), (1, True), (24, False), (1, False)):
        desk.later(hours=hours)
        desk.add(1)
        desk.log.advance(force=force)
    kept = [event.body["totals"]["kept"] for event in desk.ledger.events(kind=EventKind.CHECKPOINT)]
    assert kept == [True, False, True, True, False]
    for event in desk.ledger.events(kind=EventKind.CHECKPOINT):
        name = event.body["totals"]["channels"]
        content = desk.ledger.artefacts.get(name)
        assert content is None or digest(content) == name
    desk.ledger.close()


def test_the_last_table_before_midnight_is_kept_when_the_day_is_over(tmp_path: Path) -> None:
    """Also by a canary that was started again in between; and none that is not as it was told."""
    names = iter("abcdef")

    def signed(desk: Desk, at: datetime) -> str:
        desk.later(seconds=(at - desk.time).total_seconds())
        probe = replace(a_probe(next(names) * 16), in_turn=True)
        desk.ledger.append(record.scheduled(probe, "m" * 40)).result()
        desk.log.advance()
        *_, told = desk.ledger.events(kind=EventKind.CHECKPOINT)
        return str(told.body["totals"]["channels"])

    def kept(desk: Desk, *names: str) -> list[bool]:
        found = [desk.ledger.artefacts.get(name) for name in names]
        assert all(content is None or digest(content) == name for content, name in zip(found, names, strict=True))
        return [content is not None for content in found]

    desk, midnight = Desk(tmp_path), START + timedelta(hours=12)
    first, noon, last = (signed(desk, midnight - timedelta(minutes=before)) for before in (700, 600, 1))
    assert kept(desk, first, noon, last) == [True, False, False]
    desk.ledger.close()
    desk = Desk(tmp_path)
    after, other = (signed(desk, midnight + timedelta(minutes=minutes)) for minutes in (1, 6))
    assert kept(desk, noon, last, after, other) == [False, True, True, False]
    (tmp_path / "evidence" / "totals").write_bytes(b"channel,due\n")
    signed(desk, midnight + timedelta(days=1))
    assert kept(desk, other, last) == [False, True]
    desk.ledger.close()
