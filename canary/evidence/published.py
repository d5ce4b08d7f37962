"""The log as it is published: its signed checkpoints, the keys behind them, and proofs. Needs no private key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from canary.evidence.merkle import consistency_proof, inclusion_proof
from canary.evidence.notes import Checkpoint, Note, NoteError, Proof
from canary.evidence.rotation import Rotation, history
from canary.evidence.tiles import EvidenceError, Tiles
from canary.ledger import Event, EventKind
from canary.ledger.reader import LedgerReader
from canary.private import read_file


class PublishedLog:
    """The log in one folder (``log/``), beside the ledger that it is of; ``origin`` is its name.

    ``newest`` is the signed checkpoint to go by, if not the one that is published whenever it is asked for.
    """

    def __init__(self, ledger: LedgerReader, folder: Path, origin: str, newest: Note | None = None) -> None:
        self.ledger, self.folder, self.origin = ledger, folder, origin
        self._newest = newest
        self.tiles = Tiles(folder / "log")

    @property
    def published(self) -> Path:
        """The file of the newest signed checkpoint."""
        return self.folder / "log" / "checkpoint"

    def note(self, size: int | None = None) -> Note | None:
        """The newest signed checkpoint, or the one of this size; None if there is none. Raises EvidenceError."""
        newest = self._newest or read_note(self.published)
        if size is None or (newest is not None and Checkpoint.parse(newest.text).size == size):
            return newest
        for event in self.ledger.events(kind=EventKind.CHECKPOINT):
            if event.body["size"] == size:
                return Note.parse(event.body["note"])
        return None

    @contextmanager
    def moment(self) -> Iterator[PublishedLog]:
        """The log as it stands now, whatever is signed meanwhile; what is wrong with it is told when it is asked."""
        newest = None
        with suppress(EvidenceError):
            newest = self.note()  # before the ledger, which has all that was signed then
        with self.ledger.moment() as standing:
            yield PublishedLog(standing, self.folder, self.origin, newest)

    def latest(self) -> Checkpoint | None:
        """How large the log was when it was last signed, and its root hash. Raises EvidenceError."""
        note = self.note()
        return Checkpoint.parse(note.text) if note else None

    def rotations(self) -> list[Rotation]:
        """Every key of the log, in order. Raises NoteError if the chain is broken."""
        return history(self.ledger, self.origin)

    def inclusion(self, seq: int, size: int | None = None) -> Proof:
        """That event ``seq`` is in the log, by the newest checkpoint or that of a size.

        Raises ValueError if that checkpoint does not exist or is older than the event, and EvidenceError.
        """
        note = self.note(size)
        if note is None:
            raise ValueError(f"no checkpoint of size {size}" if size else "no checkpoint yet")
        head = Checkpoint.parse(note.text)
        return Proof(seq - 1, tuple(inclusion_proof(seq - 1, head.size, self.tiles.nodes(head.size))), note)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """That the tree of size ``new`` begins with that of size ``old``; both of checkpoints. Raises EvidenceError."""
        return consistency_proof(old, new, self.tiles.nodes(new))


def newest(
    ledger: LedgerReader, kind: EventKind, now: datetime, wanted: Callable[[Event], bool] = lambda _: True
) -> Event | None:
    """The newest event of a kind that is ``wanted``; looked for in the last hour, in the last days, then everywhere."""
    for since in (now - timedelta(hours=1), now - timedelta(days=2), None):
        found = [event for event in ledger.events(kind=kind, since=since) if wanted(event)]
        if found:
            return found[-1]
    return None


def read_note(path: Path) -> Note | None:
    """The signed note in a file; None if there is none. Raises EvidenceError if it holds something else."""
    try:
        return Note.parse(read_file(path))
    except FileNotFoundError:
        return None
    except NoteError as error:
        raise EvidenceError(f"{path} is not a signed checkpoint: {error}") from error
