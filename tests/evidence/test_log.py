"""The log: proves every event by the keys that sign it, and lets one writer at a time."""

from __future__ import annotations

import fcntl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from evidence.logging_keys import ORIGIN, Desk
from evidence.wholeness import is_whole, leaves

from canary.evidence.log import BusyError, EvidenceLog
from canary.evidence.merkle import root, verify_consistency
from canary.evidence.notes import Checkpoint, NoteError
from canary.evidence.published import PublishedLog
from canary.evidence.recorder import EndedError, EvidenceRecorder
from canary.evidence.rotation import SigningKeys
from canary.evidence.totals import COLUMNS
from canary.ledger import EventKind
from canary.ledger.events import digest
from canary.model import OwnFaultError


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.ledger.close()


# Signing


def test_the_first_checkpoint_is_over_the_ledger_and_the_log_s_own_key(desk: Desk) -> None:
    assert desk.log.latest() is None
    desk.add(3)
    head = desk.log.advance()
    assert head == Checkpoint(ORIGIN, 4, root(leaves(desk.ledger)[:4]))
    assert desk.log.published.read_text() == str(desk.log.note())
    assert [event.kind for event in desk.ledger.events(after=3)] == [EventKind.KEY_ROTATED, EventKind.CHECKPOINT]
    [told] = desk.ledger.events(kind=EventKind.CHECKPOINT)
    nothing = b"channel," + ",".join(COLUMNS).encode() + b"\n"
    totals = {"channels": digest(nothing), "kept": True, "sums": {}}
    signed = {"size": 4, "root": head.root.hex(), "note": str(desk.log.note()), "previous": 0, "configured": 0}
    assert told.body == {**signed, "totals": totals}
    assert desk.ledger.artefacts.get(digest(nothing)) == nothing
    is_whole(desk)


def test_every_checkpoint_says_which_was_before_it(desk: Desk) -> None:
    for _ in range(3):
        desk.add(2)
        desk.log.advance()
    told = [event.body for event in desk.ledger.events(kind=EventKind.CHECKPOINT)]
    assert [body["previous"] for body in told] == [0, *(body["size"] for body in told[:-1])]


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


# Taking turns


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
