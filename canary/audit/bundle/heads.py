"""Which checkpoints and cosignatures a ledger tells of, by number: what a bundle picks from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from canary.audit.bundle.stamps import RecordedStamps
from canary.evidence.notes import Note
from canary.evidence.tiles import EvidenceError
from canary.ledger import EventKind
from canary.ledger.events import timestamp
from canary.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class RecordedHead:
    """A checkpoint of ``size`` events, recorded in event ``seq``."""

    size: int
    seq: int
    at: str


class Heads:
    """Every checkpoint up to that of ``size`` events, and what others said of them. Reads the ledger once."""

    def __init__(self, ledger: LedgerReader, size: int) -> None:
        self._ledger = ledger
        signed = [
            (_origin(e.body["note"]), RecordedHead(e.body["size"], e.seq, timestamp(e.at)))
            for e in ledger.events(kind=EventKind.CHECKPOINT)
            if e.body["size"] <= size
        ]
        newest_origin = signed[-1][0] if signed else None  # the log may have had another name before
        self._heads = [head for origin, head in signed if origin == newest_origin]
        self._sizes = [head.size for head in self._heads]
        known = set(self._sizes)
        self.stamps = RecordedStamps(ledger, known)
        newest = {e.body["witness"]: e for e in ledger.events(kind=EventKind.COSIGNED) if e.body["size"] in known}
        self.cosigned = [(e.body["size"], Note.parse(e.body["note"])) for e in newest.values()]
        """By witness: the newest checkpoint that it cosigned, with its cosignature."""

    def __contains__(self, size: int) -> bool:
        """Whether a checkpoint of this size was signed."""
        return self._sizes[bisect_right(self._sizes, size) - 1 :][:1] == [size]

    def before(self, since: str) -> RecordedHead | None:
        """The newest checkpoint that was recorded at ``since`` or before."""
        return next((head for head in reversed(self._heads) if head.at <= since), None)

    @property
    def newest(self) -> RecordedHead:
        """The newest checkpoint that was recorded."""
        return self._heads[-1]

    def told(self) -> RecordedHead:
        """The newest one of which the log itself tells; of the first there is no event yet, and it is that one."""
        newest = self.newest
        return next((head for head in reversed(self._heads) if head.seq <= newest.size), newest)

    def after(self, size: int) -> RecordedHead:
        """The oldest one that has more than ``size`` events, of which there must be one."""
        return self._heads[bisect_right(self._sizes, size)]

    def at(self, size: int) -> RecordedHead | None:
        """The one of this size."""
        return self._heads[bisect_right(self._sizes, size) - 1] if size in self else None

    def older(self, seq: int, most: int) -> list[RecordedHead]:
        """At most so many checkpoints without event ``seq``, newest first."""
        upto = bisect_right(self._sizes, seq - 1)
        return self._heads[max(0, upto - most) : upto][::-1]

    def note(self, size: int) -> Note:
        """The checkpoint of this size as it was signed. Raises EvidenceError."""
        if size not in self:
            raise EvidenceError(
                f"no checkpoint of {size} events was signed, as far as the ledger tells: one that somebody kept is of "
                "another log, or part of this ledger is not there"
            )
        seq = self._heads[bisect_right(self._sizes, size) - 1].seq
        event = next(self._ledger.events(kind=EventKind.CHECKPOINT, after=seq - 1, upto=seq))
        return Note.parse(event.body["note"])


def _origin(note: str) -> str:
    return note.partition("\n")[0]
