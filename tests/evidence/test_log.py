"""The log: proves every event, signs one history only, and stands however and whenever its process ends."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from evidence.logging_keys import ORIGIN, START, Desk

from canary.evidence.log import BusyError, EvidenceLog, ForkError
from canary.evidence.merkle import leaf_hash, root, verify_consistency
from canary.evidence.notes import Checkpoint, Note, NoteError, Proof
from canary.evidence.published import PublishedLog
from canary.evidence.recorder import EndedError, EvidenceRecorder
from canary.evidence.rotation import SigningKeys
from canary.evidence.selfcheck import Checked, check
from canary.evidence.tiles import EvidenceError
from canary.ledger import EventKind, Ledger
from canary.model import OwnFaultError

ROUNDS = 5


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.ledger.close()


def leaves(ledger: Ledger) -> list[bytes]:
    return [leaf_hash(body) for _, body in ledger.leaves()]


def is_whole(desk: Desk) -> None:
    """What was ever signed is one history, the ledger's; every event is proved by the newest checkpoint."""
    hashes = leaves(desk.ledger)
    for head in desk.store.signed():
        assert head.root == root(hashes[: head.size]), f"another tree of {head.size} events was signed"
    told = [event.body["size"] for event in desk.ledger.events(kind=EventKind.CHECKPOINT)]
    assert told == sorted(told)
    note, latest = desk.log.note(), desk.log.latest()
    assert note is not None
    assert latest is not None
    note.verify(*(rotation.new for rotation in desk.log.rotations()))
    assert latest.size == told[-1]
    for seq in {1, latest.size // 2 + 1, latest.size}:
        proof = Proof.parse(str(desk.log.inclusion(seq)))
        assert proof.verify(hashes[seq - 1], *(rotation.new for rotation in desk.log.rotations())) == latest


# Signing


def test_the_first_checkpoint_is_over_the_ledger_and_the_log_s_own_key(desk: Desk) -> None:
    assert desk.log.latest() is None
    desk.add(3)
    head = desk.log.advance()
    assert head == Checkpoint(ORIGIN, 4, root(leaves(desk.ledger)[:4]))
    assert desk.log.published.read_text() == str(desk.log.note())
    assert [event.kind for event in desk.ledger.events(after=3)] == [EventKind.KEY_ROTATED, EventKind.CHECKPOINT]
    [told] = desk.ledger.events(kind=EventKind.CHECKPOINT)
    assert told.body == {"size": 4, "root": head.root.hex(), "note": str(desk.log.note())}
    is_whole(desk)


def test_each_checkpoint_extends_the_one_before(desk: Desk) -> None:
    heads = []
    for count in (1, 100, 200, 3, 600):
        desk.add(count)
        heads.append(desk.log.advance())
    for old in heads:
        for new in heads[heads.index(old) :]:
            assert old is not None
            assert new is not None
            assert verify_consistency(old.size, new.size, desk.log.consistency(old.size, new.size), old.root, new.root)
    is_whole(desk)


def test_an_event_is_proved_by_an_older_checkpoint_too(desk: Desk) -> None:
    desk.add(300)
    old = desk.log.advance()
    assert old is not None
    desk.add(300)
    desk.log.advance()
    proof = desk.log.inclusion(7, old.size)
    assert proof.verify(leaves(desk.ledger)[6], desk.vkey) == old
    with pytest.raises(NoteError):
        proof.verify(leaves(desk.ledger)[7], desk.vkey)
    with pytest.raises(ValueError, match="no checkpoint of size 17"):
        desk.log.inclusion(7, 17)
    with pytest.raises(ValueError, match="no leaf 500 in a tree of 301"):
        desk.log.inclusion(501, old.size)


def test_our_own_events_alone_are_signed_once_an_hour(desk: Desk) -> None:
    desk.add(1)
    first = desk.log.advance()
    desk.later(minutes=30)
    desk.add(1, EventKind.TIMESTAMPED)
    assert desk.log.advance() == first
    desk.later(minutes=31)
    second = desk.log.advance()
    assert first is not None
    assert second is not None
    assert second.size == first.size + 2
    desk.add(1)
    third = desk.log.advance()
    assert third is not None
    assert third.size > second.size
    assert desk.log.advance() == third


def test_who_only_reads_needs_no_key(desk: Desk) -> None:
    desk.add(1)
    head = desk.log.advance()
    reader = PublishedLog(desk.ledger, desk.log.folder, ORIGIN)
    assert reader.latest() == head
    assert reader.inclusion(1).verify(leaves(desk.ledger)[0], desk.vkey) == head


def test_only_its_owner_can_read_the_log(desk: Desk) -> None:
    desk.add(1)
    desk.log.advance()
    assert stat.S_IMODE(desk.log.folder.stat().st_mode) == 0o700


def test_another_origin_begins_under_another_key_on_the_same_history(desk: Desk) -> None:
    desk.add(1)
    old = desk.log.advance()
    renamed = Desk(desk.folder, "ca.example/another")
    head = renamed.log.advance()
    assert old is not None
    assert head is not None
    assert (head.origin, head.size > old.size) == ("ca.example/another", True)
    assert renamed.log.advance() == head
    renamed.ledger.close()


# Keys


def test_a_rotation_is_signed_by_both_keys_and_can_be_followed(desk: Desk) -> None:
    desk.add(1)
    desk.log.advance()
    old = desk.vkey
    rotation = desk.log.rotate()
    assert (rotation.old, rotation.new) == (old, desk.vkey)
    rotation.statement.verify(old)
    rotation.statement.verify(desk.vkey)
    note = desk.log.note()
    assert note is not None
    assert [key for key, _ in note.verify(old, desk.vkey)] == [desk.vkey, old]
    desk.later(days=6)
    desk.add(1)
    desk.log.advance()
    desk.later(days=1)
    desk.add(1)
    desk.log.advance()
    note = desk.log.note()
    assert note is not None
    with pytest.raises(NoteError, match="not signed by"):
        note.verify(old)
    assert note.verify(desk.vkey)
    assert [rotation.new for rotation in desk.log.rotations()] == [old, desk.vkey]
    assert [signer.vkey for signer in desk.store.signers()] == [desk.vkey]
    is_whole(desk)


def test_a_key_that_is_gone_stops_the_signing(desk: Desk) -> None:
    desk.add(1)
    head = desk.log.advance()
    desk.store.numbers = [7]
    desk.add(1)
    with pytest.raises(OwnFaultError, match=r"that signs ca\.example/cpr-canary is not where the configuration says"):
        desk.log.advance()
    assert desk.log.latest() == head


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


@contextmanager
def held(desk: Desk) -> Iterator[None]:
    """While somebody else writes the log."""
    with (desk.log.folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_who_writes_all_the_time_is_not_waited_for_for_ever(desk: Desk) -> None:
    desk.add(1)
    head = desk.log.advance()
    desk.add(1)
    begun = desk.time
    with held(desk), pytest.raises(BusyError, match=r"somebody else has been writing .*/evidence for 30 s"):
        desk.log.advance()
    assert timedelta(seconds=30) <= desk.time - begun < timedelta(seconds=31)
    assert desk.log.latest() == head
    later = desk.log.advance()
    assert later is not None
    assert head is not None
    assert later.size > head.size


def test_who_was_given_up_while_it_waited_or_signed_writes_nothing(desk: Desk) -> None:
    recorder = EvidenceRecorder(desk.ledger)
    keys = SigningKeys(desk.ledger, desk.store, ORIGIN, timedelta(days=7), recorder)
    log = EvidenceLog(desk.ledger, desk.log.folder, ORIGIN, desk.clock, keys, recorder)
    desk.add(1)
    head = log.advance()
    desk.add(1)
    recorder.end()
    with held(desk), pytest.raises(EndedError, match="given up before it was its turn"):
        log.advance()
    with pytest.raises(EndedError, match="given up before checkpoint was recorded"):
        log.advance()
    assert desk.log.latest() == head
    assert len(list(desk.ledger.events(kind=EventKind.CHECKPOINT))) == 1
    desk.later(seconds=1)
    desk.log.advance()
    is_whole(desk)
