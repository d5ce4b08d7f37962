"""Keys in memory that write down what they sign before they hand it out, and a log to use them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from canary.evidence.log import EvidenceLog
from canary.evidence.notes import Checkpoint, NoteError, Signer, VKey
from canary.evidence.rotation import SigningKeys
from canary.ledger import Event, EventKind, Ledger
from canary.simulated import SimulatedClock

ORIGIN = "ca.example/cpr-canary"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class MemoryKey:
    """A signer whose every message is written to a file before it is signed."""

    vkey: VKey
    key: Ed25519PrivateKey
    record: Path

    def sign(self, message: bytes) -> bytes:
        with self.record.open("ab") as file:
            file.write(len(message).to_bytes(4, "big") + message)
        return self.key.sign(message)


@dataclass
class MemoryKeys:
    """A key store whose keys follow from their number; all that was ever made is in the record's folder."""

    record: Path
    name: str = ORIGIN
    numbers: list[int] = field(default_factory=lambda: [1])

    def signers(self) -> list[Signer]:
        return [self.make(number) for number in self.numbers]

    def create(self) -> Signer:
        self.numbers.insert(0, max(self.numbers, default=0) + 1)
        return self.make(self.numbers[0])

    def remove(self, vkey: VKey) -> None:
        self.numbers = [number for number in self.numbers if self.make(number).vkey != vkey]

    def make(self, number: int) -> MemoryKey:
        key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        return MemoryKey(VKey(self.name, key.public_key().public_bytes_raw()), key, self.record)

    def signed(self) -> list[Checkpoint]:
        """Every checkpoint that was ever signed, published or not."""
        raw, heads, place = self.record.read_bytes() if self.record.exists() else b"", [], 0
        while place < len(raw):
            end = place + 4 + int.from_bytes(raw[place : place + 4], "big")
            text = raw[place + 4 : end].decode()
            place = end
            try:
                heads.append(Checkpoint.parse(text))
            except NoteError:
                continue  # a rotation
        return heads


class Desk:
    """A ledger with its log, and a clock that is set by hand."""

    def __init__(self, folder: Path, origin: str = ORIGIN) -> None:
        self.folder, self.clock = folder, SimulatedClock(START)
        self.ledger = Ledger(folder, inline=True)
        self.store = MemoryKeys(folder / "signed", origin)
        keys = SigningKeys(self.ledger, self.store, origin, timedelta(days=7))
        self.log = EvidenceLog(self.ledger, folder / "evidence", origin, self.clock, keys)

    def add(self, count: int, kind: EventKind = EventKind.TROUBLE, **body: str) -> None:
        """So many more events."""
        told = {"component": "imap", "reason": "unreachable", "detail": "x"} | body
        self.ledger.append(*(Event(kind, self.time, told) for _ in range(count))).result()

    def tombstone(self, last: int) -> None:
        """The event by which retention tells that it empties all up to ``last``."""
        self.ledger.append(Event(EventKind.FORGOTTEN, self.time, {"rule": "events", "last": last})).result()

    @property
    def time(self) -> datetime:
        return self.clock.now()

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by).total_seconds())

    @property
    def vkey(self) -> VKey:
        return self.store.signers()[0].vkey
