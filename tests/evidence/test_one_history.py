"""The log signs one history only, whoever changes the files, and however and whenever its process ends."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence.logging_keys import ORIGIN, START, Desk
from evidence.wholeness import is_whole, leaves

from canary.evidence.log import ForkError
from canary.evidence.notes import Checkpoint, Note
from canary.evidence.selfcheck import Checked, check
from canary.evidence.tiles import EvidenceError
from canary.ledger import EventKind, Ledger

ROUNDS = 5


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.ledger.close()


# One history only


def test_a_ledger_that_was_cut_off_is_a_fork(desk: Desk) -> None:
    desk.add(10)
    backup = copied(desk)
    desk.add(10)
    desk.log.advance()
    restored = put_back(desk, backup)
    with pytest.raises(ForkError, match="fork: the ledger has 10 events, and a checkpoint of 21 was signed"):
        restored.log.advance()
    restored.ledger.close()


def test_a_ledger_that_was_cut_off_and_went_on_is_a_fork(desk: Desk) -> None:
    desk.add(10)
    backup = copied(desk)
    desk.add(300)
    desk.log.advance()
    restored = put_back(desk, backup)
    restored.add(600, detail="another history")
    with pytest.raises(ForkError, match="fork: event 257 is not the one that was signed"):
        restored.log.advance()
    assert [head.size for head in restored.store.signed()] == [311]
    restored.ledger.close()


def test_a_ledger_from_before_without_its_evidence_is_a_fork_if_it_tells_so(desk: Desk) -> None:
    desk.add(10)
    desk.log.advance()
    shutil.rmtree(desk.log.folder / "log")
    (desk.log.folder / "head").write_text(Checkpoint(ORIGIN, 11, bytes(32)).text)
    desk.add(1)
    with pytest.raises(ForkError, match="two different trees of 11 events"):
        desk.log.advance()


def test_a_changed_event_is_found_before_more_is_signed(desk: Desk) -> None:
    desk.add(10)
    desk.log.advance()
    tamper(desk, 5)
    desk.add(1)
    with pytest.raises(ForkError, match="fork: event 5 is not the one that was signed"):
        desk.log.advance()


def test_an_event_that_was_removed_is_found(desk: Desk) -> None:
    desk.add(10)
    desk.log.advance()
    with unguarded(desk) as connection:
        connection.execute("DELETE FROM event WHERE seq = 3")
    desk.add(1)
    with pytest.raises(ForkError, match="fork: event 3 is not the one that was signed"):
        desk.log.advance()


def test_a_changed_tile_is_found(desk: Desk) -> None:
    desk.add(10)
    desk.log.advance()
    desk.add(1)
    tile = desk.log.folder / "log/tile/0/000.p/11"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(ForkError, match="the tiles do not lead to the root that was signed at 11 events"):
        reopened(desk).log.advance()


def test_lost_tiles_are_made_again(desk: Desk) -> None:
    desk.add(700)
    desk.log.advance()
    shutil.rmtree(desk.log.folder)
    desk.add(1)
    again = reopened(desk)
    head = again.log.advance()
    assert head is not None
    assert head.size == 703
    is_whole(again)


def test_lost_tiles_of_forgotten_events_cannot_be_made_again(desk: Desk) -> None:
    desk.add(10)
    desk.log.advance()
    with unguarded(desk) as connection:
        connection.execute("UPDATE event SET body = x'' WHERE seq = 4")
    desk.add(1)
    head = desk.log.advance()  # the tiles have its hash
    assert head is not None
    assert head.size == 13
    shutil.rmtree(desk.log.folder)
    desk.add(1)
    with pytest.raises(EvidenceError, match="event 4 was forgotten and the tile with its hash is lost"):
        reopened(desk).log.advance()


def test_a_forgotten_event_is_in_no_bundle_any_more(desk: Desk) -> None:
    desk.add(400, detail="a name and an address")
    desk.log.advance()
    hashes = leaves(desk.ledger)
    desk.add(1)
    desk.log.advance()
    desk.tombstone(300)
    empty(desk, 250)  # an end in the middle of it
    desk.log.forget()
    assert published(desk).count(b"a name and an address") == 150
    empty(desk, 300)
    desk.log.forget()
    assert published(desk).count(b"a name and an address") == 100
    assert desk.log.inclusion(4).verify(hashes[3], desk.vkey)
    desk.add(1)
    is_not_forked = desk.log.advance()
    assert is_not_forked is not None
    desk.log.forget()
    assert check(desk.log, START) == Checked(START, is_not_forked.size, 300, ())


def empty(desk: Desk, upto: int) -> None:
    with unguarded(desk) as connection:
        connection.execute("UPDATE event SET body = x'' WHERE seq <= ?", (upto,))


def published(desk: Desk) -> bytes:
    """Every bundle of the newest checkpoint, one after another."""
    bundles = sorted((desk.log.folder / "log/tile/entries").rglob("*"), key=lambda path: path.stat().st_mtime)
    newest = {path.parent if path.parent.suffix else path: path for path in bundles if path.is_file()}
    return b"".join(path.read_bytes() for path in newest.values())


# An end at any moment


class EndError(BaseException):
    """The process ends here."""


def test_an_end_between_any_two_steps_leaves_one_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Advance is ended at its first step, at its second, and so on; each time a new process goes on."""
    for number in range(1, 100):
        desk = Desk(tmp_path)
        desk.add(70, detail=str(number))
        with monkeypatch.context() as patched:
            ended = end_at(patched, number)
            try:
                desk.log.advance()
            except EndError:
                assert ended
        desk.ledger.close()
        again = Desk(tmp_path)
        again.add(1)
        again.log.advance()
        is_whole(again)
        again.ledger.close()
        if not ended:
            break
    assert not ended
    assert number > 10


def end_at(patched: pytest.MonkeyPatch, number: int) -> list[str]:
    """End at the ``number``-th step; the returned list then holds its name."""
    ended: list[str] = []
    left = [number]

    def ending(name: str, step: object) -> object:
        def counted(*args: object, **more: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                ended.append(name)
                raise EndError
            return step(*args, **more)  # type: ignore[operator]

        return counted

    import canary.evidence.log as module

    patched.setattr(os, "fsync", ending("fsync", os.fsync))
    patched.setattr(Path, "replace", ending("replace", Path.replace))
    patched.setattr(module, "sign", ending("sign", module.sign))
    patched.setattr(module, "Event", ending("event", module.Event))
    return ended


def test_kill_9_at_any_instant_leaves_one_history(tmp_path: Path) -> None:
    chance, acknowledged = random.Random(9), 0
    for _ in range(ROUNDS):
        writer = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("advancing.py")), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        )
        assert writer.stdout is not None
        try:
            lines = [writer.stdout.readline() for _ in range(chance.randint(1, 8))]
        finally:
            writer.kill()
        lines += writer.stdout.readlines()
        writer.wait()
        acknowledged = max([acknowledged, *(int(line) for line in lines if line.endswith("\n"))])
        desk = Desk(tmp_path)
        desk.add(1)
        desk.log.advance()
        is_whole(desk)
        assert acknowledged in {event.body["size"] for event in desk.ledger.events(kind=EventKind.CHECKPOINT)}
        desk.ledger.close()


def test_what_the_ledger_tells_was_signed_is_published_after_an_end(desk: Desk) -> None:
    desk.add(5)
    first = desk.log.published
    desk.log.advance()
    before = first.read_bytes()
    desk.add(5)
    head = desk.log.advance()
    first.write_bytes(before)  # as if it ended before it was replaced
    desk.add(1, EventKind.TIMESTAMPED)
    assert desk.log.advance() == head
    assert Checkpoint.parse(Note.parse(first.read_bytes()).text) == head


def test_two_processes_make_one_history(desk: Desk) -> None:
    other = Desk(desk.folder)
    for number in range(12):
        desk.add(40)
        other.add(3)
        (desk if number % 2 else other).log.advance()
    is_whole(desk)
    other.ledger.close()


def copied(desk: Desk) -> Path:
    backup = desk.folder / "backup.sqlite"
    with sqlite3.connect(desk.folder / "ledger.sqlite") as source, sqlite3.connect(backup) as target:
        source.backup(target)
    return backup


def put_back(desk: Desk, backup: Path) -> Desk:
    desk.ledger.close()
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (desk.folder / name).unlink(missing_ok=True)
    shutil.copy(backup, desk.folder / "ledger.sqlite")
    (desk.folder / "ledger.sqlite").chmod(0o600)
    desk.ledger = Ledger(desk.folder, inline=True)  # for the fixture to close
    return Desk(desk.folder)


def reopened(desk: Desk) -> Desk:
    desk.ledger.close()
    again = Desk(desk.folder)
    again.clock.advance((desk.time - again.time).total_seconds() + 1)
    desk.ledger = again.ledger
    return again


def unguarded(desk: Desk) -> sqlite3.Connection:
    """The database as whoever has the file can change it: without the triggers."""
    connection = sqlite3.connect(desk.folder / "ledger.sqlite")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def tamper(desk: Desk, seq: int) -> None:
    with unguarded(desk) as connection:
        connection.execute(
            "UPDATE event SET body = CAST(replace(body, 'unreachable', 'another') AS BLOB) WHERE seq = ?", (seq,)
        )
