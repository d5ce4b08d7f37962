"""The ledger: an append-only, gap-free list of events on SQLite, and the state that follows from it.

One thread writes. It folds what it writes into a copy of the state and publishes that, immutable, once it is on disk:
nobody takes a lock to read, and nothing is ever derived from what may still be rolled back. Each caller returns only
once its own events are on disk. A second process may append to the same ledger: each takes in what the other wrote
before it numbers its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from canary.clock import Clock
from canary.ledger.artefacts import Artefacts
from canary.ledger.events import Event, EventKind, read, timestamp
from canary.ledger.results import Result, differences, from_row, recompute
from canary.ledger.schema import cursors, events, open_engine, reading, results, snapshots
from canary.ledger.state import Fold, OpenProbe, State, fold_probe, restore
from canary.ledger.transaction import Transaction, concerns, keep_snapshot
from canary.ledger.upgrade import sources, upgrade
from canary.ledger.writer import NOT_WRITTEN, Entry, Writer
from canary.model import Component, Outcome, OwnFaultError

__all__ = ["NOT_WRITTEN", "Ledger"]

_SNAPSHOT_EVERY = 10_000
_PAGE = 1000
"""Rows that are read at once."""


class Ledger:
    """The ledger in one folder (``ledger.sqlite``, ``artefacts/``), made on first use.

    ``inline`` commits in the calling thread, one append at a time: for simulations, in which no thread may be ahead.
    Raises :class:`canary.model.OwnFaultError` (component store) if the database cannot be opened.
    """

    def __init__(self, folder: Path, clock: Clock | None = None, *, inline: bool = False) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.artefacts = Artefacts(folder / "artefacts")
            self.engine = open_engine(folder / "ledger.sqlite")
            upgrade(self.engine)
            self.reader = reading(self.engine)
            self._connection = self.engine.connect()
            self._state = self._restore()
        except (OSError, SQLAlchemyError) as error:
            raise OwnFaultError(Component.STORE, "unusable", f"cannot use the ledger in {folder}: {error}") from error
        self._version: int | None = None
        self._snapshot_at = self._state.seq
        self._not_kept = 0
        self._writer = Writer(self._commit, clock or Clock(), inline=inline)

    @property
    def state(self) -> State:
        """What follows from the events up to the newest commit; from any thread, and never waited for."""
        return self._state

    @property
    def not_written(self) -> int:
        """How often a commit or an artefact failed since this process started: the ledger itself cannot tell that."""
        return self._writer.failed + self._not_kept

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
        self.engine.dispose()

    def _commit(self, batch: Sequence[Entry], snapshot: bool) -> list[list[Event]]:
        """Write a batch and publish what follows from it. Called by the writer alone."""
        for entry in batch:
            for content in entry.artefacts:
                self.artefacts.put(content)
        with self._connection.begin():
            transaction = Transaction(self._connection, self._state)
            version = self._connection.exec_driver_sql("PRAGMA data_version").scalar()
            if version != self._version:  # moves when any other connection writes
                transaction.catch_up()
            added = [self._add(transaction, entry) for entry in batch]
            state = transaction.finish()
            asked = snapshot or any(entry.snapshot for entry in batch)
            due = asked or state.seq - self._snapshot_at >= _SNAPSHOT_EVERY
            if due:
                keep_snapshot(self._connection, state)
        self._state, self._version = state, version
        self._snapshot_at = state.seq if due else self._snapshot_at
        return added

    @staticmethod
    def _add(transaction: Transaction, entry: Entry) -> list[Event]:
        current = entry.judged is None or transaction.is_current(entry.judged)
        added = transaction.add(entry.events) if current else []
        if entry.cursor:
            transaction.move(*entry.cursor)
        return added

    def _restore(self) -> State:
        with self.reader.connect() as connection:
            row = connection.execute(select(snapshots).order_by(snapshots.c.seq.desc()).limit(1)).first()
        fold = Fold(self.find, restore(self.find, row.book, row.seq) if row else None)
        for event in self.events(after=fold.seq):
            fold.apply(event)
        return fold.state()

    # Reading

    def cursor(self, name: str) -> dict[str, str | int | float] | None:
        """Where the watcher ``name`` stood when it last handed something in."""
        with self.reader.connect() as connection:
            row = connection.execute(select(cursors.c.place).where(cursors.c.name == name)).first()
        return json.loads(row.place) if row else None

    def find(self, probe: str, upto: int | None = None) -> OpenProbe | None:
        """A probe, open or ended, as it stands (or stood at event ``upto``); None if the ledger has none of it."""
        if upto is None and (known := self._state.open.get(probe)):
            return known
        return fold_probe(probe, list(self.events(probe=probe, upto=upto)))

    def known(self, probe: str) -> bool:
        """Whether the ledger has this probe."""
        if probe in self._state.open:
            return True
        with self.reader.connect() as connection:
            return connection.execute(select(events.c.seq).where(events.c.probe == probe).limit(1)).first() is not None

    def events(
        self,
        *,
        probe: str | None = None,
        kind: EventKind | None = None,
        since: datetime | None = None,
        after: int = 0,
        upto: int | None = None,
        newest: int | None = None,
    ) -> Iterator[Event]:
        """Events in order, of a probe together with the steps of our clock; with ``newest`` that many, newest first.

        Those that retention emptied are left out.
        """
        query = select(events.c.body).where(events.c.seq > after, events.c.body != b"")
        if probe is not None:
            query = query.where(concerns(probe))
        if kind is not None:
            query = query.where(events.c.kind == kind.value)
        if since is not None:
            query = query.where(events.c.at >= timestamp(since))
        if upto is not None:
            query = query.where(events.c.seq <= upto)
        query = query.order_by(events.c.seq.desc()).limit(newest) if newest else query.order_by(events.c.seq)
        with self.reader.connect() as connection:
            for row in connection.execute(query):
                yield read(row.body)

    def leaves(self, after: int = 0, upto: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Number and exact bytes of every event beyond ``after`` (up to ``upto``), in order, a few in memory at a time.

        The bytes are empty where retention emptied the event.
        """
        query = select(events.c.seq, events.c.body).order_by(events.c.seq).limit(_PAGE)
        if upto is not None:
            query = query.where(events.c.seq <= upto)
        while True:
            with self.reader.connect() as connection:  # no longer than a page: the log of the database must not grow
                page = connection.execute(query.where(events.c.seq > after)).all()
            yield from map(tuple, page)
            if len(page) < _PAGE:
                return
            after = page[-1].seq

    def results(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Result]:
        """The finished probes that were scheduled from ``since`` on and before ``until``, in that order, streamed."""
        query = select(results).order_by(results.c.scheduled_at, results.c.scheduled_seq)
        if since is not None:
            query = query.where(results.c.scheduled_at >= timestamp(since))
        if until is not None:
            query = query.where(results.c.scheduled_at < timestamp(until))
        with self.reader.connect() as connection:
            for row in connection.execute(query, execution_options={"yield_per": _PAGE}):
                yield from_row(row)

    def newest_results(self, newest: int, channel: str | None = None, *, failed: bool = False) -> list[Result]:
        """The ``newest`` finished probes, last scheduled first; with ``failed`` only those that did not arrive."""
        query = select(results).order_by(results.c.scheduled_at.desc(), results.c.scheduled_seq.desc()).limit(newest)
        if channel is not None:
            query = query.where(results.c.channel == channel)
        if failed:
            query = query.where(results.c.outcome.is_distinct_from(Outcome.ARRIVED.value))
        with self.reader.connect() as connection:
            return [from_row(row) for row in connection.execute(query)]

    def count_results(self) -> int:
        """How many finished probes there are."""
        with self.reader.connect() as connection:
            return connection.execute(select(func.count()).select_from(results)).scalar_one()

    def check_results(self, progress: Callable[[int], object] = lambda _: None) -> Iterator[str]:
        """What the table of results says otherwise than the events, a sentence each; none if it is right.

        Nothing is said of probes whose events retention emptied. ``progress`` is told now and then how many results
        were looked at.
        """
        gone = self.forgotten_upto()
        query = select(results).where(results.c.scheduled_seq > gone).order_by(results.c.finished_seq)
        with self.reader.connect() as one, self.reader.connect() as other:
            kept = map(from_row, one.execute(query, execution_options={"yield_per": _PAGE}))
            wanted = (row for row in recompute(sources(other)) if row.scheduled_seq > gone)
            yield from differences(_told(kept, progress), wanted)

    def forgotten_upto(self) -> int:
        """The number of the last event that retention has emptied, or is about to; 0 for none."""
        tombstones = (event.body for event in self.events(kind=EventKind.FORGOTTEN))
        return max((body["last"] for body in tombstones if body["rule"] == "events"), default=0)


def _told(kept: Iterable[Result], progress: Callable[[int], object]) -> Iterator[Result]:
    for number, row in enumerate(kept, 1):
        if number % _PAGE == 0:
            progress(number)
        yield row
