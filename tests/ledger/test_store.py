"""The store: one gap-free list, whoever appends, and a database that refuses to change it."""

from __future__ import annotations

import asyncio
import math
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import START, a_case, a_probe, after, message, report, taken
from ledger.checking import is_whole, start
from servers.polling import until

from canary.judge import judge
from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.ledger.version import FILE
from canary.model import Component, Forgery, Outcome, OwnFaultError


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    yield opened
    opened.close()


def trouble(detail: Any = "no", at: float = 0.0) -> Event:
    body = {"component": Component.IMAP.value, "reason": "login", "detail": detail}
    return Event(EventKind.TROUBLE, after(at), body)


def sent(probe: str = "probeprobeprobe2") -> tuple[Event, ...]:
    return (
        record.scheduled(a_probe(probe), "m" * 40),
        record.submitting(probe, START, "<report@probe.example>", message(0)),
        record.submitted(probe, after(0.5), taken(), {}),
    )


def finished(probe: str = "probeprobeprobe2") -> Event:
    return record.finished(probe, after(2000), judge(a_case(), after(2000), {"cpr": after(2000)}))


@contextmanager
def held_back(ledger: Ledger) -> Iterator[None]:
    """Nothing can be committed meanwhile: another process has SQLite's write lock."""
    with closing(sqlite3.connect(ledger.folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def numbers(ledger: Ledger) -> list[int]:
    return [event.seq for event in ledger.events()]


# One list


def test_threads_that_append_at_once_make_one_list_without_gaps(ledger: Ledger) -> None:
    mine: dict[int, list[Event]] = {number: [] for number in range(8)}

    def write(number: int) -> None:
        for turn in range(40):
            pair = trouble(f"{number} {turn} a"), trouble(f"{number} {turn} b")
            mine[number].extend(ledger.append(*pair).result())

    threads = [threading.Thread(target=write, args=(number,)) for number in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {event.seq: event for event in ledger.events()}
    assert list(told) == list(range(1, 641))
    for added in mine.values():
        assert all(told[event.seq] == event for event in added)
        assert [event.seq for event in added] == sorted(event.seq for event in added)
        pairs = zip(added[::2], added[1::2], strict=True)
        assert all(second.seq == first.seq + 1 for first, second in pairs)  # one transaction, one place
    assert ledger.state.totals.errors == {"imap/login": 640}


def test_two_processes_make_one_list_and_the_same_totals(tmp_path: Path) -> None:
    first, second = start("writing.py", tmp_path, "a", "20"), start("writing.py", tmp_path, "b", "20")
    ledger = Ledger(tmp_path)  # a third, that only looks on
    lines = [line for process in (first, second) for line in process.communicate(timeout=120)[0].splitlines()]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(int(line.split()[0]) for line in lines) == numbers(ledger) == list(range(1, 241))
    is_whole(ledger)
    totals = ledger.state.totals.channels["alias"]
    assert (totals.attempted, totals.finished, totals.deadline_results) == (40, {"arrived": 40}, {"met": 40})
    assert not ledger.state.open
    ledger.close()


def test_many_writers_that_know_nothing_of_each_other_never_collide(tmp_path: Path) -> None:
    writers = [Ledger(tmp_path) for _ in range(6)]
    faults: list[BaseException] = []

    def write(ledger: Ledger) -> None:
        told = [ledger.append(*[trouble()] * 20).exception(timeout=60) for _ in range(30)]
        faults.extend(fault for fault in told if fault)

    threads = [threading.Thread(target=write, args=(ledger,)) for ledger in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(numbers(writers[0])) == 6 * 30 * 20
    for ledger in writers:
        is_whole(ledger)
        ledger.close()


@pytest.mark.parametrize("change", ["UPDATE event SET body = 'x'", "UPDATE event SET seq = 9", "DELETE FROM event"])
def test_the_database_itself_refuses_to_change_an_event(ledger: Ledger, tmp_path: Path, change: str) -> None:
    before = ledger.append(trouble()).result()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection, pytest.raises(sqlite3.Error, match="append-only"):
        connection.execute(change)
    assert list(ledger.events()) == before


def test_a_restart_arrives_where_it_stood_with_and_without_a_snapshot(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    first.append(*sent(), record.sighting(after(12), report(), "cpr-mailbox"), trouble()).result()
    second = Ledger(tmp_path)  # no snapshot yet
    assert second.state == first.state
    second.close()
    first.append(trouble()).result()
    third = Ledger(tmp_path)  # a snapshot, and one more
    assert third.state == first.state
    is_whole(third)
    third.close()
    first.close()


def test_what_is_handed_in_after_the_end_is_refused_at_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.close()
    with pytest.raises(OwnFaultError, match="closed already"):
        ledger.append(trouble()).result(timeout=60)
    ledger.close()  # twice is no harm


# Nothing twice


def test_the_same_stored_message_handed_in_twice_is_one_sighting(ledger: Ledger) -> None:
    ledger.append(*sent()).result()
    seen = record.sighting(after(12), report(), "cpr-mailbox")
    again = record.sighting(after(99), report(noticed=99), "cpr-mailbox")
    assert len(ledger.append(seen, again).result()) == 1
    assert ledger.append(again, cursor=("cpr-mailbox", {"uid": 7})).result() == []
    assert (numbers(ledger), ledger.cursor("cpr-mailbox")) == ([1, 2, 3, 4], {"uid": 7})


def test_what_is_seen_after_the_end_is_told_once_too(ledger: Ledger) -> None:
    ledger.append(*sent(), finished()).result()
    late, other = report(at=3000), report(at=3010, number=2)
    events = [record.sighting(seen.noticed_at, seen, "cpr-mailbox") for seen in (late, other, late)]
    assert len(ledger.append(*events).result()) == 2  # in one transaction, of a probe that has ended
    assert ledger.append(events[0]).result() == []
    assert ledger.state.totals.channels["alias"].duplicates == 1
    is_whole(ledger)


def test_a_probe_that_ends_in_the_same_transaction_as_it_is_seen_is_counted_once(ledger: Ledger) -> None:
    seen = record.sighting(after(12), report(), "cpr-mailbox")
    added = ledger.append(*sent(), seen, finished(), seen, finished()).result()
    assert [event.kind.value for event in added[3:]] == ["sighting", "finished"]
    assert sum(ledger.state.totals.channels["alias"].stages["arrived"].counts) == 1
    is_whole(ledger)


def test_a_probe_is_finished_once(ledger: Ledger) -> None:
    ledger.append(*sent()).result()
    assert [len(ledger.append(finished()).result()) for _ in range(3)] == [1, 0, 0]
    assert ledger.state.totals.channels["alias"].finished == {Outcome.MISSING.value: 1}


# Nothing by half, and nobody waits in vain


def test_an_event_that_cannot_be_written_takes_no_other_with_it(ledger: Ledger) -> None:
    with held_back(ledger):  # so that they are committed together
        good = [ledger.append(trouble(str(number))) for number in range(3)]
        bad = ledger.append(trouble("before"), trouble(math.nan), cursor=("cpr-mailbox", {"uid": 1}))
        more = ledger.append(trouble("after"))
    assert [len(future.result(timeout=60)) for future in (*good, more)] == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="nan"):
        bad.result(timeout=60)
    assert (numbers(ledger), ledger.cursor("cpr-mailbox")) == ([1, 2, 3, 4], None)
    is_whole(ledger)


def test_hostile_text_is_written_and_ends_nothing(ledger: Ledger) -> None:
    ledger.append(*sent()).result()
    hostile = report(detail="\udcff", message_id="<\ud800@x>", forgery=Forgery.BAD_MAC)
    assert len(ledger.append(record.sighting(after(12), hostile, "cpr-mailbox")).result(timeout=60)) == 1
    assert len(ledger.append(trouble("'; DROP TABLE event; --")).result(timeout=60)) == 1
    is_whole(ledger)


def test_a_commit_tells_once_and_only_what_is_done(ledger: Ledger) -> None:
    told: list[int] = []
    waiting: list[Future[list[Event]]] = []

    def then() -> None:
        told.append(sum(future.done() for future in waiting))

    with held_back(ledger):  # so that they are committed together, the first one or two apart
        details = (*range(20), math.nan)  # one that cannot be written is told of too
        waiting.extend(ledger.append(trouble(detail), then=then) for detail in details)
    wait(waiting, timeout=60)
    ledger.refresh()  # the thread is back from telling
    assert told[-1] == 21
    assert len(told) <= 3


async def test_whoever_gives_up_waiting_takes_nothing_back(ledger: Ledger) -> None:
    with held_back(ledger):
        waiting = asyncio.wrap_future(ledger.append(trouble("given up")))
        waiting.cancel()
        await asyncio.sleep(0)
    assert len(ledger.append(trouble("next")).result(timeout=60)) == 1
    assert [event.body["detail"] for event in ledger.events()] == ["given up", "next"]


def test_close_writes_what_was_handed_in(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    waiting = [ledger.append(trouble(str(number))) for number in range(100)]
    ledger.close()
    assert [event.seq for future in waiting for event in future.result(timeout=60)] == list(range(1, 101))


# Reading


def test_events_are_found_by_probe_kind_time_and_number(ledger: Ledger) -> None:
    step = Event(EventKind.CLOCK_STEPPED, after(1), {"seconds": 1.0})
    ledger.append(*sent(), trouble(at=50), step, trouble(at=70)).result()
    assert [e.seq for e in ledger.events(probe="probeprobeprobe2")] == [1, 2, 3, 5]
    assert [e.seq for e in ledger.events(kind=EventKind.TROUBLE)] == [4, 6]
    assert [e.seq for e in ledger.events(kind=EventKind.TROUBLE, since=START + timedelta(seconds=51))] == [6]
    assert [e.seq for e in ledger.events(after=2, upto=4)] == [3, 4]
    assert [e.seq for e in ledger.events(newest=2)] == [6, 5]


def test_a_probe_is_found_as_it_stood(ledger: Ledger) -> None:
    ledger.append(*sent(), finished()).result()
    ended, early = ledger.find("probeprobeprobe2"), ledger.find("probeprobeprobe2", upto=1)
    assert ended is not None
    assert early is not None
    assert (ended.case.submission, early.case.submission) == (taken(), None)
    assert ledger.find("strangerprobe222") is None
    assert (ledger.known("probeprobeprobe2"), ledger.known("strangerprobe222")) == (True, False)
    assert not ledger.state.open


@pytest.mark.parametrize("replaced", [False, True])
def test_what_goes_into_a_file_that_is_gone_is_not_acknowledged(tmp_path: Path, replaced: bool) -> None:
    ledger = Ledger(tmp_path / "state")
    ledger.refresh()
    (tmp_path / "state" / FILE).rename(tmp_path / FILE)
    if replaced:
        shutil.copy(tmp_path / FILE, tmp_path / "state" / FILE)
    with pytest.raises(OwnFaultError, match=r"another file|No such file"):
        ledger.refresh()
    assert ledger.not_written == 1
    ledger.close()


def test_what_keeps_us_from_recording_is_told_until_something_was_recorded(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger, closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
        assert ledger.trouble == ""
        with pytest.raises(OwnFaultError, match="disk is full"):
            ledger.append(trouble()).result()
        ledger.refresh()  # a commit of nothing proves nothing
        assert ledger.trouble == "the ledger could not be written: disk is full"
        other.execute("DROP TRIGGER full")
        ledger.append(trouble()).result()
        assert ledger.trouble == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_has_ended_is_seen(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger:

        def end() -> None:
            raise SystemExit

        ledger.append(trouble(), then=end).result()
        until(lambda: ledger.trouble == "the thread that writes the ledger has ended", "the end")
