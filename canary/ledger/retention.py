"""Retention: deletes evidence that is older than the configuration says, and records that before it does.

Artefacts are deleted, their hashes stay in the events. The bodies of events are emptied, their hashes stay in the
Merkle tree. Nothing that belongs to a probe without an end is touched, and no artefact that a younger event names too.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from canary.clock import Clock
from canary.ledger.events import Event, EventKind, timestamp
from canary.ledger.retention_plan import CURSOR, SPAN, Forgettable, RetentionPlan, Rule, note_into
from canary.ledger.schema import open_for_writing, transaction
from canary.ledger.store import NOT_WRITTEN, Ledger
from canary.ledger.version import FILE
from canary.model import Component, OwnFaultError
from canary.private import open_private

__all__ = ["Forgettable", "Retention", "RetentionPlan", "Rule"]

_STEP = 10_000
"""Events that are looked through, or emptied, while other writers wait."""

_FRESH = 60.0
"""Seconds for which a file that was just written is left alone: the event that names it may still be on its way."""

_BELIEVED = timedelta(hours=1)
"""A clock that is further off from any mail server's is not believed: it would forget what is young."""


class Retention(RetentionPlan):
    """The rules at work on one ledger, from any thread; ``kept`` says how long, by rule.

    ``told`` is the number of the event that tells these rules; 0 if none does.
    """

    _ledger: Ledger

    def __init__(self, ledger: Ledger, kept: Mapping[Rule, timedelta], clock: Clock, told: int = 0) -> None:
        super().__init__(ledger, kept)
        self._clock, self._told = clock, told

    def run(self, signed: int | None = None) -> list[Forgettable]:
        """Forget it, and return what was. Can be cut off at any instant, and goes on at the next run.

        Where there is evidence, no event is emptied beyond the first ``signed``: of the others it has no hash yet.

        Raises OwnFaultError if the ledger cannot be used, if our clock cannot be believed, or if another one runs.
        """
        now = self._clock.now()
        self._believe(now)
        with _faults_are_ours(), _only_one(self._ledger.folder / "retention.lock"):
            self._ledger.refresh()
            self._look_through()
            return [self._forget(rule, now, signed) for rule in self._kept]

    def _believe(self, now: datetime) -> None:
        for queue, (offset, _) in self._ledger.state.totals.clocks.items():
            if abs(offset) > _BELIEVED.total_seconds():
                why = f"the clock of queue {queue} is {offset:.0f} s off ours, which is {timestamp(now)}"
                raise OwnFaultError(Component.CLOCK, "not_believed", f"nothing is forgotten: {why}")

    def _forget(self, rule: Rule, now: datetime, signed: int | None) -> Forgettable:
        planned, upto = self._plan(rule, now, signed)
        if rule is Rule.EVENTS:
            snapshot = self._ledger.keep_snapshot()  # the state no longer follows from the events alone
            upto = upto if upto <= snapshot else self._lasting(snapshot)
            self._empty(planned, upto)
        else:
            for page in self._pages(rule, upto):
                self._delete(planned, page)
        self._write(lambda connection: _stand_at(connection, rule, upto))
        return planned

    # Artefacts

    def _look_through(self) -> None:
        """Note which artefacts new events name, so many at a time that no other writer waits for long."""
        newest = self._newest()
        while (at := self._stand("noted")) < newest:
            upto = min(at + _STEP, newest)

            def note(connection: sqlite3.Connection, first: int = at + 1, last: int = upto) -> None:
                connection.execute(_NOTE, {"first": first, "last": last})
                _stand_at(connection, "noted", last)

            self._write(note)

    def _delete(self, planned: Forgettable, page: Sequence[Any]) -> None:
        """Forget a page of artefacts; one that is kept under another rule too is left to that one."""
        settled = [row for row in page if row.shared or not self._is_fresh(row.name)]
        going = [row.name for row in settled if not row.shared and self._file(row.name).exists()]
        if going:
            digests = {"first": page[0].seq, "last": page[-1].seq, "count": len(going), "artefacts": going}
            self._tell(planned, digests)
        for name in going:
            if not self._is_fresh(name):
                self._file(name).unlink(missing_ok=True)
        gone = [{"name": row.name, "rule": planned.rule.value} for row in settled]
        if gone:
            self._write(lambda connection: connection.executemany(_DROP, gone))

    def _is_fresh(self, name: str) -> bool:
        return self._ledger.artefacts.age(name) < _FRESH

    # Events

    def _empty(self, planned: Forgettable, upto: int) -> None:
        """Empty the bodies of events up to number ``upto``, and the words of results that were made from them."""
        first = self._stand(planned.rule) + 1
        if not planned.count or upto < first:
            return
        self._tell(planned, {"first": first, "last": upto, "count": planned.count})
        for begin in range(first, upto + 1, _STEP):
            span = {"first": begin, "last": min(begin + _STEP - 1, upto)}

            def empty(connection: sqlite3.Connection, span: Mapping[str, int] = span) -> None:
                connection.execute(_EMPTY, span)
                connection.execute(_WORDLESS, span)

            self._write(empty)

    # The database

    def _tell(self, planned: Forgettable, what: Mapping[str, Any]) -> None:
        rule = {"rule": planned.rule.value, "kept": planned.kept.total_seconds(), "before": timestamp(planned.before)}
        told = Event(EventKind.FORGOTTEN, self._clock.now(), rule | {"configured": self._told} | dict(what))
        self._ledger.append(told).result()

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        with closing(open_for_writing(self._ledger.folder / FILE)) as connection:
            connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten in the file
            with transaction(connection):
                work(connection)


def _stand_at(connection: sqlite3.Connection, what: str, seq: int) -> None:
    row = connection.execute("SELECT place FROM cursor WHERE name = ?", (CURSOR,)).fetchone()
    place = (json.loads(row[0]) if row else {}) | {str(what): seq}
    connection.execute("REPLACE INTO cursor VALUES (?, ?)", (CURSOR, json.dumps(place).encode()))


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with os.fdopen(open_private(lock, os.O_RDWR | os.O_CREAT), "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            detail = "another one is forgetting what is old already"
            raise OwnFaultError(Component.STORE, "retention", detail) from error
        yield


@contextmanager
def _faults_are_ours() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise OwnFaultError(Component.STORE, NOT_WRITTEN, f"what is old could not be forgotten: {error}") from error


_EMPTY = f"UPDATE event SET body = x'' WHERE {SPAN}"  # noqa: S608  # words of ours
_WORDLESS = "UPDATE result SET reason = '' WHERE scheduled_seq BETWEEN :first AND :last"
_DROP = "DELETE FROM reference WHERE name = :name AND rule = :rule"
_NOTE = note_into("reference")
