"""Which keys sign the log: the first one, and each that took over, by a statement that the old and the new one signed.

The statements are events of the ledger, so the log itself vouches for its keys, and whoever trusts one of them can
follow the chain to every later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Self

from canary.evidence.keys import KeyStore
from canary.evidence.notes import Note, NoteError, Signer, VKey, sign
from canary.evidence.recorder import EvidenceRecorder
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import parse_time, timestamp
from canary.ledger.reader import LedgerReader
from canary.model import Component, OwnFaultError

_HEADER = "cpr-canary/key-rotation@v1"
_NONE = "none"
_PROOF = "cpr-canary/key-proof@v1\nno checkpoint: a key shows that it can sign\n"
"""What a key signs to show that it can; its second line is no number either."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key takes over. ``old`` is None for the first one; until ``until`` the old one signs too."""

    old: VKey | None
    new: VKey
    at: datetime
    until: datetime
    statement: Note

    @classmethod
    def make(cls, old: Signer | None, new: Signer, at: datetime, until: datetime) -> Self:
        """State it, signed by the new key and by the old one if there is one."""
        before = old.vkey if old else None
        note = sign(_text(before, new.vkey, at, until), *([old] if old else []), new)
        return cls(before, new.vkey, at, until, note)

    @classmethod
    def read(cls, event: Event) -> Self:
        """The rotation that a ``key_rotated`` event tells.

        Raises NoteError if its statement is not by both keys, or says something else.
        """
        try:
            body = event.body
            old = VKey.parse(body["old"]) if body["old"] is not None else None
            new, until = VKey.parse(body["new"]), parse_time(body["until"])
            statement = Note.parse(body["statement"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise NoteError(f"event {event.seq} tells no rotation of keys: {error}") from error
        if statement.text != _text(old, new, event.at, until):
            raise NoteError(f"the statement in event {event.seq} says something else than the event")
        for key in (new, *([old] if old else [])):
            statement.verify(key)
        return cls(old, new, event.at, until, statement)

    def event(self) -> Event:
        """The event that tells it."""
        body = {
            "old": str(self.old) if self.old else None,
            "new": str(self.new),
            "until": timestamp(self.until),
            "statement": str(self.statement),
        }
        return Event(EventKind.KEY_ROTATED, self.at, body)


def _text(old: VKey | None, new: VKey, at: datetime, until: datetime) -> str:
    """What both keys sign; its second line is no number, so it can never be taken for a checkpoint."""
    lines = [_HEADER, f"from {old or _NONE}", f"to {new}", f"at {timestamp(at)}", f"until {timestamp(until)}"]
    return "".join(f"{line}\n" for line in lines)


def chain(rotations: Iterable[Rotation]) -> list[Rotation]:
    """The rotations in order, checked: each begins with the key that the one before ended with. Raises NoteError."""
    checked = list(rotations)
    for before, after in pairwise(checked):
        if after.old != before.new:
            raise NoteError(f"key {after.new.key_id.hex()} took over from {after.old}, which had not signed before")
    return checked


def trusted(key: VKey, rotations: Iterable[Rotation]) -> list[VKey]:
    """``key`` and every key that took over from it, one after another. Raises NoteError if the chain is broken."""
    keys = [key]
    for rotation in chain(rotations):
        if rotation.old == keys[-1]:
            keys.append(rotation.new)
    return keys


class SigningKeys:
    """The keys of one log as its ledger tells them, with the private ones where they are kept."""

    def __init__(
        self, ledger: Ledger, store: KeyStore, origin: str, overlap: timedelta, recorder: EvidenceRecorder | None = None
    ) -> None:
        self._ledger, self._store, self._origin, self._overlap = ledger, store, origin, overlap
        self._recorder = recorder or EvidenceRecorder(ledger)

    def signers(self, now: datetime) -> list[Signer]:
        """Who signs a checkpoint: the current key, made if it is the first one, and the old one during an overlap.

        A key whose overlap is over is destroyed. Raises OwnFaultError if a key is missing or cannot be used, and
        NoteError if the ledger tells no unbroken chain of keys.
        """
        rotations = history(self._ledger, self._origin)
        kept = {signer.vkey: signer for signer in self._store.signers()}
        if not rotations:
            first = next(iter(kept.values()), None) or self._store.create()
            self._tell(Rotation.make(None, first, now, now))
            return [first]
        signers = [self._current(rotations, kept)]
        for old, until in ((rotation.old, rotation.until) for rotation in rotations):
            if old is None or old not in kept:
                continue
            if until > now:
                signers.append(kept[old])
            else:
                self._store.remove(old)
        return signers

    def prove(self) -> None:
        """Have the key sign that would sign a checkpoint now, where there is one, without a change to anything.

        Raises as :meth:`signers` does.
        """
        rotations = history(self._ledger, self._origin)
        kept = {signer.vkey: signer for signer in self._store.signers()}
        signer = self._current(rotations, kept) if rotations else next(iter(kept.values()), None)
        if signer is not None:
            sign(_PROOF, signer).verify(signer.vkey)

    def _current(self, rotations: list[Rotation], kept: Mapping[VKey, Signer]) -> Signer:
        """The key that signs, as the ledger tells."""
        current = rotations[-1].new
        if current not in kept:
            detail = (
                f"the key {current.key_id.hex()} that signs {self._origin} is not where the configuration says; "
                "put it back (if it is lost for good, begin under another evidence.origin)"
            )
            raise OwnFaultError(Component.CONFIG, "evidence_key", detail)
        return kept[current]

    def rotate(self, now: datetime) -> Rotation:
        """Have a new key take over. Raises as :meth:`signers` does."""
        current, *_ = self.signers(now)
        return self._tell(Rotation.make(current, self._store.create(), now, now + self._overlap))

    def _tell(self, rotation: Rotation) -> Rotation:
        self._recorder.record(rotation.event())
        return rotation


def history(ledger: LedgerReader, origin: str) -> list[Rotation]:
    """Every key that a log had, in order. Raises NoteError if the chain is broken."""
    recorded = (Rotation.read(event) for event in ledger.events(kind=EventKind.KEY_ROTATED))
    return chain(rotation for rotation in recorded if rotation.new.name == origin)
