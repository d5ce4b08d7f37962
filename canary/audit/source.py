"""The ledger as an auditor reads it: never written, and as it stood at one moment throughout."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, case, create_engine, except_, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from canary.ledger.events import Event, EventKind, digest, parse_time, read, timestamp
from canary.ledger.schema import events, results
from canary.model import Component, DeadlineResult, OwnFaultError

_AT_ONCE = 2000

_ARRIVED = results.c.arrived
_ROUNDED = case(
    (_ARRIVED < 1, func.round(_ARRIVED, 3)),
    (_ARRIVED < 10, func.round(_ARRIVED, 2)),
    (_ARRIVED < 100, func.round(_ARRIVED, 1)),
    (_ARRIVED < 1000, func.round(_ARRIVED)),
    else_=func.round(_ARRIVED / 10) * 10,
)
"""The latency to arrival with three digits: right to 0.5 %, and few enough values to count them."""


class Ended(NamedTuple):
    """A finished probe. ``day`` is when it was scheduled, as a Julian day; ``arrived`` is rounded, in seconds."""

    probe: str
    channel: str
    sender: str
    variant: str
    outcome: str | None
    deadline: str | None
    arrived: float | None
    was_accepted: int
    was_acknowledged: int
    blind: int
    day: float
    scheduled_at: str
    kind: str
    place: str | None
    reason: str
    confirms: str | None


_COMPUTED = {
    "arrived": _ROUNDED,
    "was_accepted": results.c.accepted.is_not(None),
    "was_acknowledged": results.c.acknowledged.is_not(None),
    "day": func.julianday(results.c.scheduled_at),
}
_COLUMNS = [(_COMPUTED[name] if name in _COMPUTED else results.c[name]).label(name) for name in Ended._fields]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of the ledger: its number, its time, and the SHA-256 of its canonical form."""

    seq: int
    at: datetime
    sha256: str


class Source:
    """One moment of a ledger. Made by :func:`reading`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.reader: Engine = connection.engine

    def head(self) -> Head | None:
        """The newest event, or None in an empty ledger."""
        row = self._one(select(events.c.seq, events.c.at, events.c.body).order_by(events.c.seq.desc()).limit(1))
        return Head(row.seq, parse_time(row.at), digest(row.body)) if row else None

    def events_kept(self) -> int:
        """How many events there are; as many as the newest one's number if none was ever taken out."""
        return int(self._connection.execute(select(func.count()).select_from(events)).scalar_one())

    def ended(self, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
        """The probes that were scheduled from ``since`` on and before ``until`` and have ended, channel by channel.

        Plain tuples in the order of :class:`Ended`, straight from the driver: there may be millions of them.
        """
        query = select(*_COLUMNS).where(*_between(results.c.scheduled_at, since, until))
        query = query.order_by(results.c.channel, results.c.scheduled_at)
        text = str(query.compile(self.reader, compile_kwargs={"literal_binds": True}))
        rows: Iterator[tuple[Any, ...]] = self._connection.connection.cursor().execute(text)
        return rows

    def ended_before(self, channel: str, until: datetime) -> Iterator[Ended]:
        """The ended probes of a channel before ``until``, newest first."""
        query = select(*_COLUMNS).where(results.c.channel == channel, results.c.scheduled_at < timestamp(until))
        yield from map(Ended._make, self._stream(query.order_by(results.c.scheduled_at.desc()), at_once=50))

    def ended_from(self, channel: str, since: datetime) -> Iterator[Ended]:
        """The ended probes of a channel from ``since`` on, oldest first."""
        query = select(*_COLUMNS).where(results.c.channel == channel, results.c.scheduled_at >= timestamp(since))
        yield from map(Ended._make, self._stream(query.order_by(results.c.scheduled_at), at_once=50))

    def ended_probe(self, probe: str) -> Ended | None:
        """One ended probe."""
        row = self._one(select(*_COLUMNS).where(results.c.probe == probe))
        return Ended._make(row) if row else None

    def last_good(self, channel: str, before: datetime) -> datetime | None:
        """When the newest probe of a channel was scheduled that met its deadline, before ``before``."""
        query = select(results.c.scheduled_at).where(
            results.c.channel == channel,
            results.c.scheduled_at < timestamp(before),
            results.c.deadline == DeadlineResult.MET.value,
        )
        row = self._one(query.order_by(results.c.scheduled_at.desc()).limit(1))
        return parse_time(row.scheduled_at) if row else None

    def count(self, kind: EventKind, since: datetime, until: datetime) -> int:
        """How many events of a kind there are in that time."""
        query = select(func.count()).where(events.c.kind == kind.value, *_between(events.c.at, since, until))
        return int(self._connection.execute(query).scalar_one())

    def unfinished(self, since: datetime, until: datetime) -> Iterator[Event]:
        """The ``scheduled`` events of that time whose probe has no end."""
        began = select(events.c.seq).where(
            events.c.kind == EventKind.SCHEDULED.value, *_between(events.c.at, since, until)
        )
        ended = select(results.c.scheduled_seq).where(*_between(results.c.scheduled_at, since, until))
        for (seq,) in self._connection.execute(except_(began, ended)).all():
            row = self._one(select(events).where(events.c.seq == seq))
            if row is not None and self.ended_probe(row.probe) is None:
                yield _event(row)

    def population(self, since: datetime, until: datetime) -> Iterator[str]:
        """The id of every probe that was scheduled in that time and has ended, in the order of the ids."""
        query = select(results.c.probe).where(*_between(results.c.scheduled_at, since, until))
        for row in self._stream(query.order_by(results.c.probe)):
            yield row.probe

    def told(self, *kinds: EventKind, since: datetime | None = None, until: datetime | None = None) -> Iterator[Event]:
        """Events of these kinds in order; the body of one that retention has emptied is empty."""
        query = select(events).where(events.c.kind.in_([kind.value for kind in kinds]))
        if since is not None:
            query = query.where(events.c.at >= timestamp(since))
        if until is not None:
            query = query.where(events.c.at < timestamp(until))
        for row in self._stream(query.order_by(events.c.seq)):
            yield _event(row)

    def newest(self, kind: EventKind, upto: datetime) -> Event | None:
        """The newest event of a kind at ``upto``."""
        query = select(events).where(events.c.kind == kind.value, events.c.at <= timestamp(upto))
        row = self._one(query.order_by(events.c.at.desc(), events.c.seq.desc()).limit(1))
        return _event(row) if row else None

    def oldest(self, kind: EventKind, since: datetime) -> Event | None:
        """The oldest event of a kind from ``since`` on."""
        query = select(events).where(events.c.kind == kind.value, events.c.at >= timestamp(since))
        row = self._one(query.order_by(events.c.at, events.c.seq).limit(1))
        return _event(row) if row else None

    def of(self, probe: str) -> Iterator[Event]:
        """The events of a probe, and the steps of our clock, in order."""
        concerns = (events.c.probe == probe) | (events.c.kind == EventKind.CLOCK_STEPPED.value)
        for row in self._stream(select(events).where(concerns).order_by(events.c.seq), at_once=50):
            yield _event(row)

    def times(self, probe: str) -> dict[EventKind, datetime]:
        """When the first event of each kind was recorded of a probe; known also where retention emptied them."""
        query = select(events.c.kind, func.min(events.c.at).label("at")).where(events.c.probe == probe)
        rows = self._connection.execute(query.group_by(events.c.kind))
        return {EventKind(row.kind): parse_time(row.at) for row in rows}

    def _one(self, query: Select[Any]) -> Row[Any] | None:
        return self._connection.execute(query).first()

    def _stream(self, query: Select[Any], at_once: int = _AT_ONCE) -> Iterator[Row[Any]]:
        for rows in self._connection.execute(query).partitions(at_once):
            yield from rows


@contextmanager
def reading(state: Path) -> Iterator[Source]:
    """The ledger in the folder ``state`` as it stands now.

    Raises :class:`canary.model.OwnFaultError` (component store) if there is none, or it cannot be read.
    """
    address = f"{(state / 'ledger.sqlite').absolute().as_uri()}?mode=ro"
    engine = create_engine("sqlite://", creator=lambda: _open(address), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")  # deferred: one snapshot for everything that follows
            yield Source(connection)
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise OwnFaultError(Component.STORE, "unusable", f"cannot read the ledger in {state}: {error}") from error
    finally:
        engine.dispose()


def _open(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, isolation_level=None)


def _between(column: Any, since: datetime, until: datetime) -> tuple[Any, Any]:
    return column >= timestamp(since), column < timestamp(until)


def _event(row: Row[Any]) -> Event:
    if row.body:
        return read(row.body)
    return Event(EventKind(row.kind), parse_time(row.at), {}, row.probe, row.seq)
