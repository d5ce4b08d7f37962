"""The one way to read a ledger: as it grows, as it stands at one moment, or as of a size of its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from canary.ledger.artefacts import Artefacts
from canary.ledger.opening import read_only
from canary.ledger.reading import Connect, Query, understood
from canary.ledger.result_reader import ResultReader
from canary.ledger.state import Fold, OpenProbe, State, fold_probe, restore
from canary.ledger.version import FILE


class LedgerReader(ResultReader):
    """The ledger in one folder. Made by :func:`reading` where nothing is to be written."""

    def __init__(self, folder: Path, connect: Connect, size: int | None = None) -> None:
        super().__init__(connect, size)
        self.folder, self.artefacts = folder, Artefacts(folder / "artefacts")
        self._state: State | None = None

    @property
    def state(self) -> State:
        """What follows from the events as they stood when this was first asked for."""
        if self._state is None:
            self._state = self._folded()
        return self._state

    def find(self, probe: str, upto: int | None = None) -> OpenProbe | None:
        """A probe, open or ended, from its events (up to number ``upto``); None if the ledger has none of it."""
        with understood(f"probe {probe}"):
            return fold_probe(probe, self.events(probe=probe, upto=upto))

    def size_bytes(self) -> int:
        """How many bytes the database takes."""
        return sum(path.stat().st_size for path in self.folder.glob(f"{FILE}*"))

    def at(self, size: int) -> LedgerReader:
        """The ledger as it was when it had ``size`` events."""
        return LedgerReader(self.folder, self.connect, size)

    @contextmanager
    def moment(self) -> Iterator[LedgerReader]:
        """The ledger as it stands now, whatever is added meanwhile; while it lasts, SQLite's log of that grows."""
        with self.connect() as connection:
            connection.execute("BEGIN")  # deferred: one snapshot for everything that follows
            yield LedgerReader(self.folder, lambda: nullcontext(connection), self.size)

    def _folded(self) -> State:
        """The state as of the newest event, from the newest snapshot of it and the events since."""
        kept = Query("SELECT seq, book FROM snapshot").then("ORDER BY seq DESC")
        row = self._one(kept if self.size is None else kept.where("seq <= :size", size=self.size))
        with understood("the snapshot of the state"):
            fold = Fold(self.find, restore(self.find, row.book, row.seq) if row else None)
        for event in self.events(after=fold.seq):
            with understood(f"event {event.seq}"):
                fold.apply(event)
        return fold.state()


@contextmanager
def reading(folder: Path) -> Iterator[LedgerReader]:
    """The ledger in a folder, never written: beside a prober, as another user, on a read-only copy.

    Raises :class:`canary.model.OwnFaultError` (component store) if there is none, or it cannot be read.
    """
    with read_only(folder / FILE) as connect:
        yield LedgerReader(folder, connect)


@contextmanager
def as_it_stands(folder: Path) -> Iterator[LedgerReader]:
    """The same, at one moment: see :meth:`LedgerReader.moment`."""
    with reading(folder) as ledger, ledger.moment() as standing:
        yield standing
