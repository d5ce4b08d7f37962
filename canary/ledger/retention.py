"""Retention: deletes evidence that is older than the configuration says, and records that before it does.

Artefacts are deleted, their hashes stay in the events. The bodies of events are emptied, their hashes stay in the
Merkle tree. Nothing that belongs to a probe without an end is touched, and no artefact that a younger event names too.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, TextClause, delete, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from canary.ledger.events import Event, EventKind, timestamp
from canary.ledger.schema import EPHEMERAL, cursors
from canary.ledger.store import NOT_WRITTEN, Ledger
from canary.model import Component, OwnFaultError

_CURSOR = "(retention)"
"""Where we stand, kept beside the cursors of watchers, whose names have no brackets."""

_STEP = 10_000
"""Events that are looked through, or emptied, while other writers wait."""

_NAMES = 800
"""Digests that fit into one event."""

_FRESH = 60.0
"""Seconds for which a file that was just written is left alone: the event that names it may still be on its way."""

_BELIEVED = timedelta(hours=1)
"""A clock that is further off from any mail server's is not believed: it would forget what is young."""


class Rule(StrEnum):
    """What is kept for how long: raw messages; screenshots, traces and transcripts; the bodies of events."""

    MESSAGES = "messages"
    TRACES = "traces"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Forgettable:
    """What a rule lets go: ``count`` artefacts or events older than ``before``, of ``size`` bytes."""

    rule: Rule
    kept: timedelta
    before: datetime
    count: int
    size: int


class Retention:
    """The rules at work on one ledger, from any thread; ``kept`` says how long, by rule."""

    def __init__(self, ledger: Ledger, kept: Mapping[Rule, timedelta]) -> None:
        self._ledger, self._kept = ledger, kept

    def plan(self, now: datetime) -> list[Forgettable]:
        """What :meth:`run` would forget. Raises OwnFaultError if the ledger cannot be used."""
        with _faults_are_ours():
            self._ledger.refresh()
            return [self._plan(rule, now)[0] for rule in self._kept]

    def run(self, now: datetime) -> list[Forgettable]:
        """Forget it, and return what was. Can be cut off at any instant, and goes on at the next run.

        Raises OwnFaultError if the ledger cannot be used, if our clock cannot be believed, or if another one runs.
        """
        self._believe(now)
        with _faults_are_ours(), _only_one(self._ledger.folder / "retention.lock"):
            self._ledger.refresh()
            return [self._forget(rule, now) for rule in self._kept]

    def _believe(self, now: datetime) -> None:
        for queue, (offset, _) in self._ledger.state.totals.clocks.items():
            if abs(offset) > _BELIEVED.total_seconds():
                why = f"the clock of queue {queue} is {offset:.0f} s off ours, which is {timestamp(now)}"
                raise OwnFaultError(Component.CLOCK, "not_believed", f"nothing is forgotten: {why}")

    def _plan(self, rule: Rule, now: datetime) -> tuple[Forgettable, int]:
        """What the rule lets go, and the last event that it is about."""
        before = now - self._kept[rule]
        upto = self._horizon(rule, before)
        if rule is Rule.EVENTS:
            filled = self._read(_FILLED, first=self._stand(rule) + 1, last=upto)[0]
            count, size = filled.bodies, filled.size
        else:
            self._look_through()
            files = [self._file(row.name) for page in self._pages(rule, upto) for row in page if not row.shared]
            sizes = [path.stat().st_size for path in files if path.exists()]
            count, size = len(sizes), sum(sizes)
        return Forgettable(rule, self._kept[rule], before, count, size), upto

    def _forget(self, rule: Rule, now: datetime) -> Forgettable:
        planned, upto = self._plan(rule, now)
        if rule is Rule.EVENTS:
            upto = min(upto, self._ledger.keep_snapshot())  # the state no longer follows from the events alone
            self._empty(planned, upto, now)
        else:
            for page in self._pages(rule, upto):
                self._delete(planned, page, now)
        self._write(lambda connection: _stand_at(connection, rule, upto))
        return planned

    # Artefacts

    def _look_through(self) -> None:
        """Note which artefacts new events name, so many at a time that no other writer waits for long."""
        newest = self._read(_NEWEST)[0].seq
        while (at := self._stand("noted")) < newest:
            upto = min(at + _STEP, newest)

            def note(connection: Connection, first: int = at + 1, last: int = upto) -> None:
                connection.execute(_NOTE, {"first": first, "last": last})
                _stand_at(connection, "noted", last)

            self._write(note)

    def _pages(self, rule: Rule, upto: int) -> Iterator[Sequence[Row[Any]]]:
        """The artefacts that no event beyond ``upto`` names under this rule."""
        seq, name = 0, ""
        while page := self._read(_NAMED, rule=rule.value, upto=upto, seq=seq, name=name, page=_NAMES):
            yield page
            seq, name = page[-1].seq, page[-1].name

    def _delete(self, planned: Forgettable, page: Sequence[Row[Any]], now: datetime) -> None:
        """Forget a page of artefacts; one that is kept under another rule too is left to that one."""
        settled = [row for row in page if row.shared or not self._is_fresh(row.name)]
        going = [row.name for row in settled if not row.shared and self._file(row.name).exists()]
        if going:
            digests = {"first": page[0].seq, "last": page[-1].seq, "count": len(going), "artefacts": going}
            self._tell(planned, digests, now)
        for name in going:
            if not self._is_fresh(name):
                self._file(name).unlink(missing_ok=True)
        gone = [{"name": row.name, "rule": planned.rule.value} for row in settled]
        if gone:
            self._write(lambda connection: connection.execute(_DROP, gone))

    def _is_fresh(self, name: str) -> bool:
        return self._ledger.artefacts.age(name) < _FRESH

    def _file(self, name: str) -> Path:
        return self._ledger.artefacts.path(name)

    # Events

    def _empty(self, planned: Forgettable, upto: int, now: datetime) -> None:
        """Empty the bodies of events up to number ``upto``, and the words of results that were made from them."""
        first = self._stand(planned.rule) + 1
        if not planned.count or upto < first:
            return
        self._tell(planned, {"first": first, "last": upto, "count": planned.count}, now)
        for begin in range(first, upto + 1, _STEP):
            span = {"first": begin, "last": min(begin + _STEP - 1, upto)}

            def empty(connection: Connection, span: Mapping[str, int] = span) -> None:
                connection.execute(_EMPTY, span)
                connection.execute(_WORDLESS, span)

            self._write(empty)

    def _horizon(self, rule: Rule, before: datetime) -> int:
        """The last event up to which all are older than ``before`` and none belongs to a probe without an end."""
        values = {"after": self._stand(rule), "before": timestamp(before)}
        young = self._read(_YOUNG, **values)
        last: int = young[0].seq - 1 if young else self._read(_NEWEST)[0].seq
        open_from = [known.scheduled[0] - 1 for known in self._ledger.state.open.values()]
        return max(self._stand(rule), min([last, *open_from]))

    # The database

    def _tell(self, planned: Forgettable, what: Mapping[str, Any], now: datetime) -> None:
        rule = {"rule": planned.rule.value, "kept": planned.kept.total_seconds(), "before": timestamp(planned.before)}
        self._ledger.append(Event(EventKind.FORGOTTEN, now, rule | dict(what))).result()

    def _stand(self, what: str) -> int:
        return int((self._ledger.cursor(_CURSOR) or {}).get(what, 0))

    def _read(self, query: TextClause, **values: Any) -> Sequence[Row[Any]]:
        with self._ledger.connect() as connection:
            return connection.execute(query, values).all()

    def _write(self, work: Callable[[Connection], object]) -> None:
        with self._ledger.engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=ON")  # what is forgotten is overwritten in the file
            work(connection)


def _stand_at(connection: Connection, what: str, seq: int) -> None:
    row = connection.execute(select(cursors.c.place).where(cursors.c.name == _CURSOR)).first()
    place = (json.loads(row.place) if row else {}) | {str(what): seq}
    connection.execute(delete(cursors).where(cursors.c.name == _CURSOR))
    connection.execute(insert(cursors), {"name": _CURSOR, "place": json.dumps(place).encode()})


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w", encoding="ascii") as file:
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
    except (OSError, SQLAlchemyError) as error:
        raise OwnFaultError(Component.STORE, NOT_WRITTEN, f"what is old could not be forgotten: {error}") from error


_NEWEST = text("SELECT coalesce(max(seq), 0) AS seq FROM event")
_YOUNG = text("SELECT seq FROM event WHERE seq > :after AND +at >= :before ORDER BY seq LIMIT 1")
_SPAN = f"seq BETWEEN :first AND :last AND body <> x'' AND +kind IN ({EPHEMERAL})"
_FILLED = text(f"SELECT count(*) AS bodies, coalesce(sum(length(body)), 0) AS size FROM event WHERE {_SPAN}")  # noqa: S608  # words of ours
_EMPTY = text(f"UPDATE event SET body = x'' WHERE {_SPAN}")  # noqa: S608
_WORDLESS = text("UPDATE result SET reason = '' WHERE scheduled_seq BETWEEN :first AND :last")
_NAMED = text("""
    SELECT name, seq,
        EXISTS (SELECT 1 FROM reference other WHERE other.name = r.name AND other.rule <> r.rule) AS shared
    FROM reference r WHERE rule = :rule AND seq <= :upto AND (seq, name) > (:seq, :name)
    ORDER BY seq, name LIMIT :page
""")
_DROP = text("DELETE FROM reference WHERE name = :name AND rule = :rule")
_NOTE = text("""
    WITH told AS (
        SELECT seq, kind, CAST(body AS TEXT) AS body FROM event WHERE seq BETWEEN :first AND :last AND body <> x''
        AND +kind IN ('submitting', 'submitted', 'sighting')
    )
    INSERT INTO reference (name, rule, seq)
    SELECT json_extract(body, '$.body.payload'), 'messages', seq FROM told WHERE kind = 'submitting'
    UNION ALL
    SELECT json_extract(body, '$.body.message'), 'messages', seq FROM told WHERE kind = 'sighting'
    UNION ALL
    SELECT trace.value, 'traces', seq FROM told, json_each(told.body, '$.body.artefacts') trace WHERE kind = 'submitted'
    ON CONFLICT (name, rule) DO UPDATE SET seq = max(seq, excluded.seq)
""")
