"""The self-check: a sound log passes, and whatever is changed anywhere is found and named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evidence.logging_keys import START, Desk

from canary.evidence.notes import Checkpoint, Note
from canary.evidence.selfcheck import Checked, check


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    for count in (10, 300, 250, 3):
        opened.add(count)
        opened.log.advance()
    yield opened
    opened.ledger.close()


def test_a_sound_log_passes(desk: Desk) -> None:
    latest = desk.log.latest()
    assert latest is not None
    assert check(desk.log, START) == Checked(START, latest.size, 0, ())


def test_nothing_is_checked_before_something_was_signed(tmp_path: Path) -> None:
    fresh = Desk(tmp_path / "fresh")
    assert check(fresh.log, START) is None
    fresh.ledger.close()


def test_a_check_can_be_ended(desk: Desk) -> None:
    calls: list[int] = []
    assert check(desk.log, START, lambda: not calls.append(1) and len(calls) < 2) is None
    assert len(calls) == 2


def sql(statement: str) -> Callable[[Desk], None]:
    def run(desk: Desk) -> None:
        with sqlite3.connect(desk.folder / "ledger.sqlite") as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(statement)

    return run


def changed(path: str, place: int = 5) -> Callable[[Desk], None]:
    def run(desk: Desk) -> None:
        file = desk.log.folder / "log" / path
        raw = file.read_bytes()
        file.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])

    return run


def removed(path: str) -> Callable[[Desk], None]:
    return lambda desk: (desk.log.folder / "log" / path).unlink()


def signed_by_nobody(desk: Desk) -> None:
    note = desk.log.note()
    assert note is not None
    head = Checkpoint.parse(note.text)
    forged = Checkpoint(head.origin, head.size, bytes(32)).text
    desk.log.published.write_text(str(Note(forged, note.signatures)))


CHANGE = "UPDATE event SET body = CAST(replace(body, '{}', '{}') AS BLOB) WHERE seq = {}"


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (sql(CHANGE.format("unreachable", "another", 7)), "event 7 is not the one that was signed"),
        (sql(CHANGE.format("unreachable", "another", 400)), "event 400 is not the one that was signed"),
        (sql("DELETE FROM event WHERE seq = 300"), "event 300 is missing in the ledger"),
        (changed("tile/0/000"), "event 1 is not the one that was signed"),
        (changed("tile/entries/000"), "event 1 is another one in its entry bundle"),
        (changed("tile/1/000.p/2", 40), "tile 0 of level 1 is not that of the events"),
        (removed("tile/0/001"), "tile/0/001 is missing"),
        (removed("tile/1/000.p/2"), "tile/1/000.p/2 is missing"),
        (changed("checkpoint", 30), "is not genuine"),
        (signed_by_nobody, "is not genuine"),
    ],
)
def test_whatever_was_changed_is_named(desk: Desk, tamper: Callable[[Desk], None], problem: str) -> None:
    tamper(desk)
    found = check(desk.log, START)
    assert found is not None
    assert not found.ok
    assert any(problem in told for told in found.problems), found.problems


def test_a_root_that_was_signed_and_is_not_that_of_the_events_is_found(desk: Desk) -> None:
    """As if the ledger and all its tiles were made anew, but for the events that tell what was signed."""
    sql(CHANGE.format("unreachable", "another", 3))(desk)
    bodies = [body for _, body in desk.ledger.leaves()]
    head = desk.log.latest()
    assert head is not None
    for path in sorted((desk.log.folder / "log/tile").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    desk.log.tiles.extend(0, bodies[: head.size])
    found = check(desk.log, START)
    assert found is not None
    assert "the 11 events of a signed checkpoint do not lead to its root" in found.problems
    assert len([told for told in found.problems if "do not lead to its root" in told]) == 5


def test_a_forgotten_event_is_counted_and_no_problem(desk: Desk) -> None:
    sql("UPDATE event SET body = x'' WHERE seq <= 300 AND kind = 'trouble'")(desk)
    found = check(desk.log, START)
    assert found is not None
    assert "event 4 was emptied, and nothing in the ledger says so" in found.problems
    desk.tombstone(300)
    found = check(desk.log, START)
    assert found is not None
    assert "event 4 is another one in its entry bundle" in found.problems
    desk.log.forget()
    found = check(desk.log, START)
    assert found is not None
    assert (found.ok, found.forgotten) == (True, 298)


def test_the_problems_are_told_up_to_a_number(desk: Desk) -> None:
    sql("DELETE FROM event WHERE seq > 100 AND seq < 300")(desk)
    found = check(desk.log, START)
    assert found is not None
    assert len(found.problems) == 20


def test_what_was_found_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "evidence/verified.json"
    assert Checked.read(path) is None
    found = Checked(START, 7, 1, ("something",))
    found.write(path)
    assert Checked.read(path) == found
    path.write_text("{")
    assert Checked.read(path) is None
