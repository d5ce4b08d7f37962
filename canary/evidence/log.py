"""The log: the ledger's events as the leaves of a Merkle tree, whose head is signed again and again.

Leaf i (from 0) is the canonical form of event i + 1, byte for byte. What happens, in this order, so that an end at any
moment leaves nothing half done: the tiles are on disk; ``head`` says what is about to be signed; it is signed; the
``checkpoint`` event is in the ledger; ``log/checkpoint`` is replaced. No two trees of one size are ever signed: what
is about to be signed must extend every head that was, or may have been.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from canary.clock import Clock
from canary.evidence.merkle import EMPTY_ROOT, leaf_hash, verify_consistency
from canary.evidence.notes import Checkpoint, Note, NoteError, Signature, sign
from canary.evidence.published import PublishedLog, newest, read_note
from canary.evidence.recorder import EndedError, EvidenceRecorder
from canary.evidence.rotation import Rotation, SigningKeys
from canary.evidence.tiles import WIDTH, EvidenceError, sync_folder, write_file
from canary.evidence.totals import table, told
from canary.ledger import Event, EventKind, Ledger, State, Totals
from canary.ledger.events import digest, read
from canary.private import make_folder, open_private, read_file

IDLE = timedelta(hours=1)
"""How long nothing is signed where nothing but our own events was added."""

_ALONE_WITHIN, _TRY_EVERY = 30.0, 0.05
"""Seconds in which whoever else writes the log must have ended, and how often is looked whether it has."""


class ForkError(EvidenceError):
    """The ledger is not the one that was signed: it was cut off, changed, or replaced by another one."""


class BusyError(EvidenceError):
    """Somebody else writes the log all the time, or hangs while it does."""


class EvidenceLog(PublishedLog):
    """The log as whoever signs it has it (``log/``, ``head``, ``totals``, ``lock``), made on first use.

    Several processes may use it.
    """

    ledger: Ledger

    def __init__(
        self,
        ledger: Ledger,
        folder: Path,
        origin: str,
        clock: Clock,
        keys: SigningKeys,
        recorder: EvidenceRecorder | None = None,
    ) -> None:
        super().__init__(ledger, folder, origin)
        self._keys, self._clock, self._recorder = keys, clock, recorder or EvidenceRecorder(ledger)

    def advance(self, *, force: bool = False, idle: timedelta = IDLE) -> Checkpoint | None:
        """Take in what is new in the ledger and sign it; returns the newest checkpoint.

        Unless ``force``, nothing is signed within ``idle`` where only our own events are new. Raises ForkError if
        the ledger is not the one that was signed before, EvidenceError if the tiles are not, and OwnFaultError if the
        key, the disk or the ledger cannot be used. BusyError if somebody else writes the log all the time.
        """
        with self._alone():
            self._publish_newest()
            heads, latest, size = self._heads(), self.latest(), self._state().seq
            self._check_extends(heads, size)
            if not self._is_due(latest, size, force=force, idle=idle):
                return latest
            signers = self._keys.signers(self._clock.now())  # the first one is an event, and in the tree that it signs
            state = self._state()
            head = self._extended(heads[-1] if heads else Checkpoint(self.origin, 0, EMPTY_ROOT), state.seq)
            write_file(self.folder / "head", head.text.encode())
            sync_folder(self.folder)
            note = sign(head.text, *signers)
            self._record(head, note, latest, state.totals, force=force)
            self._publish(note)
            return head

    def rotate(self) -> Rotation:
        """Have a new key take over, and sign with both. Raises as :meth:`advance` does."""
        with self._alone():
            rotation = self._keys.rotate(self._clock.now())
        self.advance(force=True)
        return rotation

    def add_signatures(self, text: str, signatures: list[Signature]) -> None:
        """Put cosignatures of a checkpoint under it where it is published, if it still is the newest."""
        with self._alone():
            note = read_note(self.published)
            if note is not None and note.text == text:
                self._publish(note.with_signatures(signatures))

    def forget(self) -> None:
        """Empty in the entry bundles what retention has emptied in the ledger; what proves it stays.

        Goes on where it stood; bundles are looked at again until all that is to be emptied is. Raises EvidenceError.
        """
        with self._alone():
            stand, gone = self._forgotten(), self.ledger.forgotten_upto()
            size = max((head.size for head in self._heads()), default=0)
            for first in range(stand // WIDTH * WIDTH, min(gone, size), WIDTH):
                bodies = dict(self.ledger.leaves(first, min(first + WIDTH, size)))
                self.tiles.forget({seq - 1 for seq, body in bodies.items() if not body})
                kept = (seq for seq, body in bodies.items() if body and seq <= gone and not read(body).kind.lasting)
                stand = min([gone, first + WIDTH, *(seq - 1 for seq in kept)])
                write_file(self.folder / "forgotten", b"%d" % stand)
                if stand < min(gone, first + WIDTH):
                    return

    def _forgotten(self) -> int:
        """The event up to which the bundles hold nothing any more that the ledger forgot."""
        try:
            return int(read_file(self.folder / "forgotten"))
        except (FileNotFoundError, ValueError):
            return 0

    def _heads(self) -> list[Checkpoint]:
        """Every head that is known to be, or may have been, signed last; in order. Raises ForkError if two disagree."""
        signed, note = self._newest_signed(), read_note(self.published)
        found = [note, Note.parse(signed.body["note"]) if signed else None]
        heads = {Checkpoint.parse(note.text) for note in found if note}
        heads |= self._begun()
        ordered = sorted(heads, key=lambda head: head.size)
        for one, other in pairwise(ordered):
            if one.size == other.size and one.root != other.root:
                raise ForkError(f"fork: two different trees of {one.size} events were signed")
        return ordered

    def _begun(self) -> set[Checkpoint]:
        """The head that may have been signed before an end came. Raises EvidenceError if its file holds no head."""
        file = self.folder / "head"
        try:
            return {Checkpoint.parse(read_file(file).decode())}
        except FileNotFoundError:
            return set()
        except (NoteError, UnicodeDecodeError) as error:
            raise EvidenceError(f"{file} is not the head of a log ({error!s:.100}); see docs/recovery.md") from error

    def _newest_signed(self) -> Event | None:
        return newest(self.ledger, EventKind.CHECKPOINT, self._clock.now())

    def _state(self) -> State:
        """What follows from all events that the ledger has on disk."""
        self.ledger.refresh()
        return self.ledger.state

    def _record(self, head: Checkpoint, note: Note, latest: Checkpoint | None, totals: Totals, *, force: bool) -> None:
        """Tell of a head that was signed, with what is in force and the totals of its events.

        Their table is kept if that is asked for, and of the first and the last one of a day: which was the last is
        known when the next day has begun, so the newest table lies in ``totals`` until then.
        """
        now, last = self._clock.now(), self._newest_signed()
        found = table(totals, now)
        written, another_day = found.written(), last is None or last.at.date() != now.date()
        if last is not None and another_day:
            self._keep_table(last)
        if kept := force or another_day:
            self.ledger.keep(written)
        write_file(self.folder / "totals", written)
        body: dict[str, Any] = {"size": head.size, "root": head.root.hex(), "note": str(note)}
        body["previous"] = latest.size if latest and latest.origin == self.origin else 0
        body |= {"configured": totals.configured, "totals": told(found, written, kept=kept)}
        self._recorder.record(Event(EventKind.CHECKPOINT, now, body))

    def _keep_table(self, signed: Event) -> None:
        """Keep the table of a checkpoint, the newest one so far, if it is still there."""
        try:
            written = read_file(self.folder / "totals")
        except FileNotFoundError:
            return  # it was signed by a canary that left none
        if digest(written) == signed.body["totals"]["channels"]:
            self.ledger.keep(written)

    def _check_extends(self, heads: list[Checkpoint], size: int) -> None:
        """Whether the ledger and the tiles still begin with every head; tiles that were lost are made again."""
        if heads and size < heads[-1].size:
            raise ForkError(f"fork: the ledger has {size} events, and a checkpoint of {heads[-1].size} was signed")
        sound = 0
        for head in heads:
            try:
                found = self.tiles.root(head.size)
            except EvidenceError:
                self.tiles.extend(sound, self._bodies(sound, head.size))
                found = self.tiles.root(head.size)
            if found != head.root:
                raise ForkError(f"fork: the tiles do not lead to the root that was signed at {head.size} events")
            sound = head.size
        if sound:
            self._check_newest(sound)

    def _check_newest(self, size: int) -> None:
        """Whether the newest events that were signed are still those: a history that went another way differs there."""
        tile = (size - 1) // WIDTH
        known = self.tiles.hashes(0, tile, size - tile * WIDTH)
        bodies = dict(self.ledger.leaves(tile * WIDTH, size))
        for seq, found in enumerate(known, tile * WIDTH + 1):
            body = bodies.get(seq)
            if body is None or (body and leaf_hash(body) != found):
                raise ForkError(f"fork: event {seq} is not the one that was signed")

    def _bodies(self, after: int, upto: int) -> Iterator[bytes]:
        """Every event beyond ``after`` up to ``upto``. Raises EvidenceError if one is missing or empty."""
        for wanted, (seq, body) in enumerate(self.ledger.leaves(after, upto), after + 1):
            if seq != wanted:
                raise EvidenceError(f"event {wanted} is missing in the ledger")
            if not body:
                raise EvidenceError(f"event {seq} was forgotten and the tile with its hash is lost; restore the tiles")
            yield body

    def _is_due(self, latest: Checkpoint | None, size: int, *, force: bool, idle: timedelta) -> bool:
        if latest is None or latest.origin != self.origin:
            return True
        if force or any(not event.kind.about_log for event in self.ledger.events(after=latest.size)):
            return size > latest.size
        last = self._newest_signed()
        return size > latest.size and (last is None or self._clock.now() - last.at >= idle)

    def _extended(self, old: Checkpoint, size: int) -> Checkpoint:
        """The head over ``size`` events, with its tiles on disk, proved to begin with the old one."""
        self.tiles.extend(old.size, self._bodies(old.size, size))
        root = self.tiles.root(size)
        if not verify_consistency(old.size, size, self.consistency(old.size, size), old.root, root):
            raise ForkError(f"fork: the tree of {size} events does not begin with the signed one of {old.size}")
        return Checkpoint(self.origin, size, root)

    def _publish_newest(self) -> None:
        """Publish what the ledger tells was signed, if an end came before that."""
        signed = self._newest_signed()
        if signed is None:
            return
        published = self.latest()
        if published is None or published.size < signed.body["size"]:
            self._publish(Note.parse(signed.body["note"]))

    def _publish(self, note: Note) -> None:
        write_file(self.published, str(note).encode())
        sync_folder(self.published.parent)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process or thread writes. Raises BusyError if one does not end, and EndedError."""
        make_folder(self.folder)
        with os.fdopen(open_private(self.folder / "lock", os.O_RDWR | os.O_CREAT), "w") as file:
            until = self._clock.monotonic() + _ALONE_WITHIN
            while not _locked(file):
                if self._clock.monotonic() >= until:
                    raise BusyError(f"somebody else has been writing {self.folder} for {_ALONE_WITHIN:g} s")
                if self._clock.wait(self._recorder.ended, _TRY_EVERY):
                    raise EndedError("given up before it was its turn")
            yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
