"""Floods of marks: a bounded number is kept, all are counted, and nothing genuine is lost among them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import CPR, GIVE_UP, JUNK, MESSAGE_ID, MINE, START, a_probe, after, message, taken
from work import calls, is_linear

from canary.budgets import SIGHTINGS, UNKNOWN_MARKS
from canary.clock import Clock
from canary.content import Message
from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.mark import Keyring
from canary.model import Flood, Forgery, Outcome, OwnFaultError, Place, Role, Seen, TimeSource
from canary.prober import floods as floods_of
from canary.prober.floods import Floods
from canary.prober.intake import LedgerIntake
from canary.queues import Found
from canary.queues.claims import claims

PROBE = "probeprobeprobe2"
SENT = b"Subject: a report\r\n\r\nThe certificate of shop.example names the wrong firm.\r\n"
KEPT, UNKNOWN = SIGHTINGS.number or 0, UNKNOWN_MARKS.number or 0
AT_ONCE = 50


class Watching:
    """An intake of a real ledger, in which one probe was sent, and a clock that is set."""

    def __init__(self, folder: Path) -> None:
        self.now = after(30)
        self.clock = Clock(wall=after(30).timestamp, monotonic=self.elapsed)
        self.ledger = Ledger(folder / "state", inline=True)
        self.intake = LedgerIntake(self.ledger, Keyring([b"k" * 32]), self.clock, lambda _: None)
        self._number = 0

    def elapsed(self) -> float:
        return (self.now - START).total_seconds()

    def send(self) -> None:
        self.ledger.append(
            record.scheduled(a_probe(PROBE), f"{PROBE:m<40}"),
            record.submitting(PROBE, START, MESSAGE_ID, self.ledger.keep(SENT)),
            record.submitted(PROBE, after(1), taken(), {}),
        ).result()

    def end(self) -> None:
        verdict = judge(self.ledger.state.open[PROBE].case, after(30), {})
        self.ledger.append(record.finished(PROBE, self.now, verdict)).result()

    def found(self, place: Place = CPR, content: bytes = SENT, **more: object) -> Found:
        """One message more, stored 10 s after sending began."""
        self._number += 1
        where = str(self._number)
        one = Found(Seen.REPORT, PROBE, place, after(10), TimeSource.RECEIVED, 1.0, Message(content))
        return replace(one, **{"message_id": MESSAGE_ID, "where": where, "generation": 1, **more})  # type: ignore[arg-type]

    def flood(self, number: int, one: Callable[[int], Found], seconds: float = 5.0) -> None:
        """Hand in ``number``, some at once, every few seconds."""
        for begin in range(0, number, AT_ONCE):
            self.intake.hand_in("w", [one(n) for n in range(begin, min(number, begin + AT_ONCE))], {"uid": begin})
            self.now += timedelta(seconds=seconds)

    def events(self, kind: EventKind) -> list[Event]:
        return list(self.ledger.events(kind=kind))

    def counted(self) -> Counter[str]:
        """What flood events tell, by reason."""
        told: Counter[str] = Counter()
        for event in self.events(EventKind.FLOOD):
            told[event.body["why"]] += event.body["count"]
        return told

    def files(self) -> int:
        return sum(path.is_file() for path in (self.ledger.folder / "artefacts").rglob("*"))


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    opened = Watching(tmp_path)
    opened.send()
    yield opened
    opened.ledger.close()


@contextmanager
def refusing(ledger: Ledger) -> Iterator[None]:
    """A disk that is full."""
    with closing(sqlite3.connect(ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        yield
        other.execute("DROP TRIGGER full")


def its_own(number: int) -> bytes:
    """A message like no other."""
    return b"Subject: %d\r\n\r\nnothing\r\n" % number


FLOODS: dict[str, tuple[Callable[[Watching, int], Found], str]] = {
    "a wrong code": (lambda w, n: w.found(content=its_own(n), forgery=Forgery.BAD_MAC), "bad_mac"),
    "other Message-IDs": (lambda w, n: w.found(content=its_own(n), message_id=f"<{n}@evil.example>"), "replayed"),
    "no Message-ID": (lambda w, n: w.found(content=its_own(n), message_id=None), "replayed"),
    "the very message": (lambda w, n: w.found(), "duplicate"),
    "changed messages": (lambda w, n: w.found(content=its_own(n)), "duplicate"),
    "copies in junk": (lambda w, n: w.found(JUNK), "repeated"),
    "the report in our own mailbox": (lambda w, n: w.found(MINE), "replayed"),
    "answers": (lambda w, n: w.found(MINE, its_own(n), seen=Seen.ANSWER), "repeated"),
    "long after its time": (lambda w, n: w.found(arrived_at=after(GIVE_UP + 5)), "expired"),
}


@pytest.fixture(params=FLOODS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_flood_is_counted_and_a_bounded_part_of_it_kept(watching: Watching, kind: str) -> None:
    if kind == "long after its time":
        watching.now = after(GIVE_UP + 60)
    one, why = FLOODS[kind]
    watching.flood(1000, lambda n: one(watching, n))
    watching.intake.settle()
    kept = len(watching.events(EventKind.SIGHTING))
    assert KEPT <= kept <= KEPT + 1
    assert watching.counted() == {why: 1000 - kept}
    assert watching.files() <= kept + 1
    assert len(watching.ledger.state.open[PROBE].case.sightings) == kept
    totals = watching.ledger.state.totals.channels["alias"]
    assert totals.forged == ({why: 1000} if why in set(Forgery) else {})
    assert totals.duplicates == (999 if why == "duplicate" else 0)


def test_behind_a_flood_the_report_arrives(watching: Watching) -> None:
    for kind in ("a wrong code", "other Message-IDs", "copies in junk", "answers", "the report in our own mailbox"):
        one, _ = FLOODS[kind]
        watching.flood(100, lambda n, one=one: one(watching, n))  # type: ignore[misc]
    assert list(watching.intake.sought(CPR)) == [f"{PROBE:m<40}"]
    watching.intake.hand_in("w", [watching.found()], {})
    found = judge(watching.ledger.state.open[PROBE].case, watching.now, {})
    assert (found.outcome, found.duplicates) == (Outcome.ARRIVED, 0)
    watching.intake.hand_in("w", [watching.found()], {})
    assert judge(watching.ledger.state.open[PROBE].case, watching.now, {}).duplicates == 1
    assert watching.ledger.state.totals.channels["alias"].duplicates == 1


def test_what_is_handed_in_again_is_no_part_of_a_flood(watching: Watching) -> None:
    first = watching.found()
    watching.flood(500, lambda _: first)
    watching.intake.hand_in("w", [watching.found()], {})
    watching.intake.settle()
    assert len(watching.events(EventKind.SIGHTING)) == 2
    assert watching.counted() == {}


def test_the_marks_of_a_probe_that_has_ended_are_bounded_too(watching: Watching) -> None:
    watching.end()
    watching.flood(1000, lambda n: watching.found(content=its_own(n), message_id=f"<{n}@evil.example>"))
    watching.intake.settle()
    assert len(watching.events(EventKind.SIGHTING)) == KEPT
    assert watching.ledger.state.totals.channels["alias"].forged == {"replayed": 1000}
    assert {event.probe for event in watching.events(EventKind.FLOOD)} == {PROBE}


def test_marks_of_probes_that_nobody_knows_are_bounded_together(watching: Watching) -> None:
    number = UNKNOWN + 500
    watching.flood(number, lambda n: watching.found(probe=f"unknownprobe{n:04}", forgery=Forgery.UNKNOWN_ID))
    watching.intake.settle()
    assert len(watching.events(EventKind.SIGHTING)) == UNKNOWN
    assert watching.counted() == {"unknown_id": 500}
    assert {(event.probe, event.body["channel"]) for event in watching.events(EventKind.FLOOD)} == {(None, None)}
    assert watching.ledger.state.totals.unattributed == {"unknown_id": number}


def test_after_a_restart_no_counter_goes_back_and_no_more_is_kept(watching: Watching, tmp_path: Path) -> None:
    one, _ = FLOODS["other Message-IDs"]
    watching.flood(600, lambda n: one(watching, n))
    watching.intake.settle()
    watching.ledger.close()
    again = Watching(tmp_path)
    with closing(again.ledger):
        assert again.ledger.state.totals.channels["alias"].forged == {"replayed": 600}
        again.flood(400, lambda n: one(again, 1000 + n))
        again.intake.settle()
        assert again.ledger.state.totals.channels["alias"].forged == {"replayed": 1000}
        assert len(again.events(EventKind.SIGHTING)) == KEPT


def test_a_flood_that_does_not_end_is_told_in_ever_fewer_events(watching: Watching) -> None:
    """One message every ten seconds, for days."""
    one, _ = FLOODS["a wrong code"]
    told: list[int] = []
    for _ in range(3):
        before = len(watching.events(EventKind.FLOOD))
        for _ in range(100 * 2 ** len(told)):
            watching.intake.hand_in("w", [one(watching, 0)], {})
            watching.now += timedelta(seconds=10)
        told.append(len(watching.events(EventKind.FLOOD)) - before)
    assert told[1] < 12, "for as long again as it is old"
    assert told[2] < 12
    counted = watching.counted()["bad_mac"]
    assert 0.8 * 700 < counted + KEPT <= 700


def test_a_count_is_told_although_nothing_more_is_found(watching: Watching) -> None:
    one, _ = FLOODS["a wrong code"]
    watching.flood(100, lambda n: one(watching, n), seconds=0)
    watching.intake.looked("cpr", watching.now)
    assert watching.counted() == {}
    watching.now += timedelta(seconds=15)
    watching.intake.looked("cpr", watching.now)
    assert watching.counted() == {"bad_mac": 100 - KEPT}


def test_a_count_that_cannot_be_recorded_is_kept(watching: Watching) -> None:
    flood = Flood(PROBE, "alias", "cpr", Role.MONITORED, Forgery.BAD_MAC)
    floods = Floods(watching.ledger)
    floods.count(flood, 5, START, after(100))
    with refusing(watching.ledger):
        floods.record(after(200))
        floods.count(flood, 2, START, after(201))
    floods.record(after(202))
    assert watching.counted() == {}
    floods.record(after(230))
    [event] = watching.events(EventKind.FLOOD)
    assert (event.body["count"], event.body["since"]) == (7, record.timestamp(after(100)))


def test_floods_of_very_many_probes_are_told_together(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods_of, "_MOST", 3)
    floods = Floods(watching.ledger)
    for number in range(50):
        told = Flood(f"{number:016}", f"channel-{number % 2}", "cpr", Role.MONITORED, Forgery.BAD_MAC)
        floods.count(told, 2, START, after(100))
    floods.record(after(101), everything=True)
    counts = {(event.probe, event.body["channel"]): event.body["count"] for event in watching.events(EventKind.FLOOD)}
    assert len(counts) == 5
    assert (counts[None, "channel-0"], counts[None, "channel-1"]) == (46, 48)
    assert watching.ledger.state.totals.channels["channel-1"].forged == {"bad_mac": 50}


def test_what_could_not_be_recorded_is_counted_once(watching: Watching) -> None:
    one, _ = FLOODS["a wrong code"]
    watching.flood(KEPT, lambda n: one(watching, n))
    more = [one(watching, 100 + n) for n in range(50)]
    with refusing(watching.ledger), pytest.raises(OwnFaultError):
        watching.intake.hand_in("w", [*more, watching.found(JUNK)], {})
    watching.intake.hand_in("w", more, {})  # the watcher begins again where it stood
    watching.intake.settle()
    assert watching.counted() == {"bad_mac": 50}


def test_our_clock_that_is_set_back_keeps_no_count_from_the_ledger(watching: Watching) -> None:
    one, _ = FLOODS["a wrong code"]
    watching.flood(100, lambda n: one(watching, n), seconds=0)
    watching.now -= timedelta(days=1)
    watching.intake.move(timedelta(days=-1))
    watching.now += timedelta(seconds=15)
    watching.intake.looked("cpr", watching.now)
    assert watching.counted() == {"bad_mac": 100 - KEPT}


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in FLOODS if kind != "long after its time"])
def test_each_message_of_a_flood_costs_the_same(tmp_path: Path, kind: str, ended: bool) -> None:
    one, _ = FLOODS[kind]

    def flooded(number: int) -> int:
        watching = Watching(tmp_path / f"{number}")
        with closing(watching.ledger):
            watching.send()
            if ended:
                watching.end()
            return calls(lambda: watching.flood(number, lambda n: one(watching, n)))

    assert is_linear(flooded(100), flooded(200), flooded(400))


def test_messages_of_strangers_leave_no_trace(watching: Watching) -> None:
    """Whatever their texts look like: a token that is no mark of ours names a probe that there is not."""
    before = watching.ledger.state.seq

    def read(number: int) -> int:
        def reading() -> None:
            for n in range(number):
                text = f"token {message(n)[:40].translate(str.maketrans('0189', 'abcd'))} in a text"
                assert claims(watching.intake.keys.find(text), watching.intake) == {}
                if n % AT_ONCE == 0:
                    watching.intake.hand_in("w", [], {"uid": n})

        return calls(reading)

    read(1)
    assert is_linear(read(500), read(1000), read(2000))
    assert watching.ledger.state.seq == before
    assert watching.files() == 1
