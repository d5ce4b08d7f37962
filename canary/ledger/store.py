"""The ledger: an append-only, gap-free list of events on SQLite, and the state that follows from it.

One thread writes. It folds what it writes into a copy of the state and publishes that, immutable, once it is on disk:
nobody takes a lock to read, and nothing is ever derived from what may still be rolled back. Each caller returns only
once its own events are on disk. A second process may append to the same ledger: each takes in what the other wrote
before it numbers its own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from canary.clock import Clock
from canary.ledger.artefacts import Artefacts
from canary.ledger.events import Event
from canary.ledger.opening import read_beside
from canary.ledger.place import made_private
from canary.ledger.reader import LedgerReader
from canary.ledger.reading import LentConnections
from canary.ledger.schema import open_for_writing, transaction
from canary.ledger.state import OpenProbe, State
from canary.ledger.transaction import Transaction, keep_snapshot
from canary.ledger.upgrade import upgrade
from canary.ledger.version import FILE
from canary.ledger.writer import NOT_WRITTEN, Entry, Writer
from canary.model import Component, OwnFaultError

__all__ = ["NOT_WRITTEN", "Ledger"]

_SNAPSHOT_EVERY = 10_000


class Ledger(LedgerReader):
    """The ledger in one folder (``ledger.sqlite``, ``artefacts/``), made on first use.

    ``inline`` commits in the calling thread, one append at a time: for simulations, in which no thread may be ahead.
    Raises :class:`canary.model.OwnFaultError` (component store) if the database cannot be opened.
    """

    def __init__(self, folder: Path, clock: Clock | None = None, *, inline: bool = False) -> None:
        try:
            self._connection = open_for_writing(made_private(folder))
            upgrade(self._connection)
            self._readers = LentConnections(partial(read_beside, folder / FILE))
            super().__init__(folder, self._readers.lend)
            self.artefacts = Artefacts(folder / "artefacts", clock)  # whoever writes gives the files their time
            self._published = self._folded()
            self._file = str(folder / FILE)  # looked at before each commit: no Path objects there
            self._inode = _inode(self._file)
        except (OSError, sqlite3.Error) as error:
            raise OwnFaultError(Component.STORE, "unusable", f"cannot use the ledger in {folder}: {error}") from error
        self._version: int | None = None
        self._snapshot_at = self._published.seq
        self._not_kept = 0
        self._writer = Writer(self._commit, clock or Clock(), inline=inline)

    @property
    def state(self) -> State:
        """What follows from the events up to the newest commit; from any thread, and never waited for."""
        return self._published

    @property
    def not_written(self) -> int:
        """How often a commit or an artefact failed since this process started: the ledger itself cannot tell that."""
        return self._writer.failed + self._not_kept

    @property
    def trouble(self) -> str:
        """What keeps us from recording, as far as the newest attempt told, in a sentence; empty if nothing does."""
        return self._writer.trouble if self._writer.running else "the thread that writes the ledger has ended"

    def append(
        self,
        *new: Event,
        cursor: tuple[str, Mapping[str, str | int | float]] | None = None,
        artefacts: Sequence[bytes] = (),
        judged: OpenProbe | None = None,
        then: Callable[[], object] | None = None,
    ) -> Future[list[Event]]:
        """Add events, and move a watcher's cursor, in one transaction; ``artefacts`` are kept before.

        The future holds the events that were added, numbered (one that says nothing new is left out), once they are on
        disk and in the state, or :class:`canary.model.OwnFaultError` if they could not be written, or ValueError for an
        event of more than :data:`canary.ledger.events.LARGEST` bytes. With ``judged``, the probe on which they rest as
        the state had it, they are left out if anything became known of it since. ``then`` is called, by the writing
        thread, when that future and all others of the same commit are done: once for all that name it. It must not
        raise.
        """
        return self._writer.hand_in(Entry(new, cursor, artefacts, judged, then))

    def keep(self, content: bytes) -> str:
        """Keep an artefact and return its SHA-256. Raises :class:`canary.model.OwnFaultError` if it cannot be."""
        try:
            return self.artefacts.put(content)
        except OSError as error:
            self._not_kept += 1
            detail = f"an artefact could not be kept: {error}"
            raise OwnFaultError(Component.STORE, NOT_WRITTEN, detail) from error

    def known(self, probe: str) -> bool:
        """Whether the ledger has this probe."""
        return probe in self._published.open or self.has(probe)

    def find(self, probe: str, upto: int | None = None) -> OpenProbe | None:
        """A probe, open or ended, as it stands (or stood at event ``upto``); None if the ledger has none of it."""
        known = self._published.open.get(probe) if upto is None else None
        return known or super().find(probe, upto)

    def refresh(self) -> None:
        """Take in what another process has appended."""
        self.append().result()

    def keep_snapshot(self) -> int:
        """Write the state down now; returns the number of an event up to which no start needs the events any more."""
        self._writer.hand_in(Entry(snapshot=True)).result()
        return self._snapshot_at

    def close(self) -> None:
        """Write what was handed in, keep a snapshot, and let go of the database."""
        self._writer.close()
        self._connection.close()
        self._readers.close()

    def _commit(self, batch: Sequence[Entry], snapshot: bool) -> list[list[Event]]:
        """Write a batch and publish what follows from it. Called by the writer alone."""
        if _inode(self._file) != self._inode:  # SQLite would go on writing what nobody will ever read
            raise OSError(f"{self._file} is another file than the one that was opened: start again")
        for entry in batch:
            for content in entry.artefacts:
                self.artefacts.put(content)
        with transaction(self._connection):
            new = Transaction(self._connection, self._published)
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:  # moves when any other connection writes
                new.catch_up()
            added = [self._add(new, entry) for entry in batch]
            state = new.finish()
            asked = snapshot or any(entry.snapshot for entry in batch)
            due = asked or state.seq - self._snapshot_at >= _SNAPSHOT_EVERY
            if due:
                keep_snapshot(self._connection, state)
        self._published, self._version = state, version
        self._snapshot_at = state.seq if due else self._snapshot_at
        return added

    @staticmethod
    def _add(transaction: Transaction, entry: Entry) -> list[Event]:
        current = entry.judged is None or transaction.is_current(entry.judged)
        added = transaction.add(entry.events) if current else []
        if entry.cursor:
            transaction.move(*entry.cursor)
        return added


def _inode(file: str) -> tuple[int, int]:
    found = os.stat(file)  # noqa: PTH116  # as above
    return found.st_dev, found.st_ino
