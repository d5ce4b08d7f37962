"""The one way to read a ledger: as it grows, as it stands at one moment, or as of a size of its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Engine

from canary.ledger.artefacts import Artefacts
from canary.ledger.opening import read_only
from canary.ledger.reading import Connect
from canary.ledger.result_reader import ResultReader


class LedgerReader(ResultReader):
    """The ledger in one folder. Made by :func:`reading`."""

    def __init__(self, folder: Path, connect: Connect, size: int | None = None) -> None:
        super().__init__(connect, size)
        self.folder, self.artefacts = folder, Artefacts(folder / "artefacts")

    @property
    def reader(self) -> Engine:
        """The database that gaps are looked for in."""
        with self._connect() as connection:
            return connection.engine

    def at(self, size: int) -> LedgerReader:
        """The ledger as it was when it had ``size`` events."""
        return LedgerReader(self.folder, self._connect, size)

    @contextmanager
    def moment(self) -> Iterator[LedgerReader]:
        """The ledger as it stands now, whatever is added meanwhile; while it lasts, SQLite's log of that grows."""
        with self._connect() as connection:
            connection.exec_driver_sql("BEGIN")  # deferred: one snapshot for everything that follows
            yield LedgerReader(self.folder, lambda: nullcontext(connection), self.size)


@contextmanager
def reading(folder: Path) -> Iterator[LedgerReader]:
    """The ledger in a folder, opened by nobody who writes: beside a prober, as another user, on a read-only copy.

    Raises :class:`canary.model.OwnFaultError` (component store) if there is none, or it cannot be read.
    """
    with read_only(folder / "ledger.sqlite") as engine:
        yield LedgerReader(folder, engine.connect)


@contextmanager
def as_it_stands(folder: Path) -> Iterator[LedgerReader]:
    """The same, at one moment: see :meth:`LedgerReader.moment`."""
    with reading(folder) as ledger, ledger.moment() as standing:
        yield standing
