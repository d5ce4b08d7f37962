"""The ledger: an append-only, gap-free list of events on SQLite, and the state that follows from it.

One thread writes. What is handed in while it is busy is committed together, so a thousand probes a minute share their
disk flushes, and each caller still returns only once its own events are on disk. A second process may append to the
same ledger: each takes in what the other wrote before it numbers its own.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from canary.ledger.artefacts import Artefacts
from canary.ledger.events import LARGEST, Event, EventKind, numbered, read, timestamp
from canary.ledger.results import Result, differences, from_row, recompute, result, to_row
from canary.ledger.schema import cursors, events, open_engine, reading, results, snapshots
from canary.ledger.state.fold import Book, OpenProbe
from canary.ledger.upgrade import sources, upgrade
from canary.model import Component, Outcome, OwnFaultError

NOT_WRITTEN = "not_written"
"""The reason of the fault that the ledger or an artefact could not be written."""

_BATCH = 500
_GATHER = 0.25
"""Seconds between two commits under load: what is handed in meanwhile shares one flush. The first one never waits."""

_SNAPSHOT_EVERY = 10_000
_PAGE = 1000
"""Rows that are read at once."""

_INSERT_EVENTS, _INSERT_RESULTS = insert(events), insert(results)  # made once, not at every commit


@dataclass(frozen=True, slots=True)
class _Entry:
    events: Sequence[Event]
    cursor: tuple[str, Mapping[str, str | int | float]] | None
    done: Future[list[Event]]
    then: Callable[[], object] | None = None
    snapshot: bool = False


class Ledger:
    """The ledger in one folder (``ledger.sqlite``, ``artefacts/``), made on first use.

    ``book`` is the state up to the newest event taken in; look at it under ``lock``. Raises
    :class:`canary.model.OwnFaultError` (component store) if the database cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.artefacts = Artefacts(folder / "artefacts")
            self.engine = open_engine(folder / "ledger.sqlite")
            upgrade(self.engine)
            self.reader = reading(self.engine)
            self.lock = threading.RLock()
            self._connection = self.engine.connect()
            self._transaction: Connection | None = None
            self._ahead = False
            self._version: int | None = None
            self._rows: list[dict[str, Any]] = []
            self._results: list[dict[str, Any]] = []
            self.book = self._restore()
        except (OSError, SQLAlchemyError) as error:
            raise OwnFaultError(Component.STORE, "unusable", f"cannot use the ledger in {folder}: {error}") from error
        self._inbox: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._snapshot_at = self.book.seq
        self.not_written = 0
        """How often a commit or an artefact failed since this process started: the ledger itself cannot tell that."""
        self._writer = threading.Thread(target=self._write_all, name="ledger", daemon=True)
        self._writer.start()

    def append(
        self,
        *new: Event,
        cursor: tuple[str, Mapping[str, str | int | float]] | None = None,
        then: Callable[[], object] | None = None,
    ) -> Future[list[Event]]:
        """Add events, and move a watcher's cursor, in one transaction.

        The future holds the events that were added, numbered (one that says nothing new is left out), once they are on
        disk, or :class:`canary.model.OwnFaultError` if they could not be written, or ValueError for an event of more
        than :data:`canary.ledger.events.LARGEST` bytes. ``then`` is called, by the writing thread, when that future
        and all others of the same commit are done: once for all that name it. It must not raise.
        """
        return self._hand_in(_Entry(new, cursor, Future(), then))

    def _hand_in(self, entry: _Entry) -> Future[list[Event]]:
        entry.done.set_running_or_notify_cancel()  # whoever no longer waits for it does not take it back
        with self._door:
            if self._closed:
                entry.done.set_exception(OwnFaultError(Component.STORE, NOT_WRITTEN, "the ledger was closed already"))
            else:
                self._inbox.put(entry)
        return entry.done

    def keep(self, content: bytes) -> str:
        """Keep an artefact and return its SHA-256. Raises :class:`canary.model.OwnFaultError` if it cannot be."""
        try:
            return self.artefacts.put(content)
        except OSError as error:
            self.not_written += 1
            detail = f"an artefact could not be kept: {error}"
            raise OwnFaultError(Component.STORE, NOT_WRITTEN, detail) from error

    def refresh(self) -> None:
        """Take in what another process has appended."""
        self.append().result()

    def close(self) -> None:
        """Write what was handed in, keep a snapshot, and let go of the database."""
        with self._door:  # nobody may wait for what no one will write
            self._closed = True
            self._inbox.put(None)
        self._writer.join()
        self._connection.close()
        self.engine.dispose()

    def cursor(self, name: str) -> dict[str, str | int | float] | None:
        """Where the watcher ``name`` stood when it last handed something in."""
        with self.reader.connect() as connection:
            row = connection.execute(select(cursors.c.place).where(cursors.c.name == name)).first()
        return json.loads(row.place) if row else None

    def find(self, probe: str, upto: int | None = None) -> OpenProbe | None:
        """A probe, open or ended, from its events (up to number ``upto``); None if the ledger has none of it."""
        return _fold(probe, self.events(probe=probe, upto=upto))

    def known(self, probe: str) -> bool:
        """Whether the ledger has this probe."""
        if probe in self.book.open:
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
            query = query.where(_concerns(probe))
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

    def keep_snapshot(self) -> int:
        """Write the state down now; returns the number of an event up to which no start needs the events any more."""
        self._hand_in(_Entry((), None, Future(), snapshot=True)).result()
        return self._snapshot_at

    def _restore(self) -> Book:
        with self.reader.connect() as connection:
            row = connection.execute(select(snapshots).order_by(snapshots.c.seq.desc()).limit(1)).first()
        book = Book.restore(self._recall, row.book, row.seq) if row else Book(self._recall)
        for event in self.events(after=book.seq):
            book.apply(event)
        return book

    def _recall(self, probe: str, upto: int) -> OpenProbe | None:
        """A probe for the book, which may be in the middle of a transaction that added to it."""
        if self._transaction is None:
            return self.find(probe, upto)
        self._flush(self._transaction)
        query = select(events.c.body).where(_concerns(probe), events.c.seq <= upto).order_by(events.c.seq)
        return _fold(probe, (read(row.body) for row in self._transaction.execute(query).all()))

    def _write_all(self) -> None:
        running, gathered = True, 0.0
        while running:
            entry = self._inbox.get()
            if entry is not None and (early := gathered + _GATHER - time.monotonic()) > 0:
                time.sleep(early)
            batch: list[_Entry] = []
            while entry is not None:
                batch.append(entry)
                if len(batch) == _BATCH or self._inbox.empty():
                    break
                entry = self._inbox.get()
            running = entry is not None
            if batch:
                self._commit(batch)
                gathered = time.monotonic()
        self._commit([], snapshot=True)

    def _commit(self, batch: list[_Entry], *, snapshot: bool = False) -> None:
        self._settle(batch, snapshot)
        for then in {entry.then for entry in batch if entry.then}:
            then()

    def _settle(self, batch: list[_Entry], snapshot: bool) -> None:
        """Write what was handed in, and tell each future how it ended."""
        try:
            with self.lock:
                results = self._transact(batch, snapshot)
        except (OSError, SQLAlchemyError) as error:
            self.not_written += 1
            fault = OwnFaultError(Component.STORE, NOT_WRITTEN, f"the ledger could not be written: {error}")
            for entry in batch:
                entry.done.set_exception(fault)
        except Exception as error:  # an event that cannot be written must not take others with it, nor end the thread
            for entry in batch if len(batch) > 1 else ():
                self._settle([entry], False)
            if len(batch) == 1:
                batch[0].done.set_exception(error)
        else:
            for entry, added in zip(batch, results, strict=True):
                entry.done.set_result(added)

    def _transact(self, batch: list[_Entry], snapshot: bool) -> list[list[Event]]:
        if self._ahead:
            self.book, self._ahead = self._restore(), False
        try:
            with self._connection.begin():
                self._transaction, self._ahead = self._connection, True  # of what is on disk, until the commit
                self._catch_up(self._connection)
                results = [self._add(self._connection, entry) for entry in batch]
                self._flush(self._connection)
                if (
                    snapshot
                    or any(entry.snapshot for entry in batch)
                    or self.book.seq - self._snapshot_at >= _SNAPSHOT_EVERY
                ):
                    self._keep_snapshot(self._connection)
            self._ahead = False
        finally:
            self._transaction, self._rows, self._results = None, [], []
            if self._ahead:  # what was applied but not committed never happened
                with suppress(OSError, SQLAlchemyError):
                    self.book, self._ahead = self._restore(), False
        return results

    def _catch_up(self, connection: Connection) -> None:
        version = connection.exec_driver_sql("PRAGMA data_version").scalar()  # moves when any other connection writes
        if version == self._version:
            return
        query = select(events.c.body).where(events.c.seq > self.book.seq).order_by(events.c.seq)
        for row in connection.execute(query):
            self.book.apply(read(row.body))
        self._version = version

    def _add(self, connection: Connection, entry: _Entry) -> list[Event]:
        added: list[Event] = []
        for event in entry.events:
            if self.book.accepts(event):
                row = _row(numbered(event, self.book.seq + 1))
                added.append(read(row["body"]))  # what a restart would read
                if event.kind is EventKind.FINISHED:
                    self._results.append(self._result(added[-1]))
                self._rows.append(row)
                self.book.apply(added[-1])
        if entry.cursor:
            name, place = entry.cursor
            connection.execute(delete(cursors).where(cursors.c.name == name))
            connection.execute(insert(cursors), {"name": name, "place": json.dumps(dict(place)).encode()})
        return added

    def _result(self, finished: Event) -> dict[str, Any]:
        known = self.book.open[finished.probe or ""]
        return to_row(result(known.case.probe, known.scheduled, known.deadline, finished))

    def _flush(self, connection: Connection) -> None:
        if self._rows:
            connection.execute(_INSERT_EVENTS, self._rows)
            self._rows = []
        if self._results:
            connection.execute(_INSERT_RESULTS, self._results)
            self._results = []

    def _keep_snapshot(self, connection: Connection) -> None:
        if connection.execute(select(func.max(snapshots.c.seq))).scalar() != self.book.seq:
            connection.execute(delete(snapshots))
            connection.execute(insert(snapshots), {"seq": self.book.seq, "book": self.book.snapshot()})
        self._snapshot_at = self.book.seq


def _told(kept: Iterable[Result], progress: Callable[[int], object]) -> Iterator[Result]:
    for number, row in enumerate(kept, 1):
        if number % _PAGE == 0:
            progress(number)
        yield row


def _concerns(probe: str) -> ColumnElement[bool]:
    """The events of a probe that retention left, and the steps of our clock."""
    return ((events.c.probe == probe) | (events.c.kind == EventKind.CLOCK_STEPPED.value)) & (events.c.body != b"")


def _fold(probe: str, told: Iterable[Event]) -> OpenProbe | None:
    """A probe as its events leave it, its end left out; None if there are none."""
    book = Book(lambda *_: None)
    for event in told:
        if event.kind is not EventKind.FINISHED:
            book.apply(event)
    return book.open.get(probe)


def _row(event: Event) -> dict[str, Any]:
    body = event.canonical()
    if len(body) > LARGEST:
        raise ValueError(f"an event {event.kind} of {len(body)} bytes is too large, want at most {LARGEST}")
    return {"seq": event.seq, "at": timestamp(event.at), "kind": event.kind.value, "probe": event.probe, "body": body}
