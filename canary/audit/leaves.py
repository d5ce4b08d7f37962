"""The ledger as a bundle is made of it: exact bytes, by number, as they stood when the newest checkpoint was signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from canary.ledger.events import EventKind, read, timestamp
from canary.ledger.schema import events, results
from canary.model import Component, OwnFaultError

_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Leaf:
    """An event as it is stored; ``body`` is empty where retention emptied it."""

    seq: int
    at: str
    kind: str
    probe: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A probe of the period; ``finished`` is None, result and outcome are empty, where it had not ended yet."""

    probe: str
    seq: int
    finished: int | None
    at: str
    channel: str
    result: str
    outcome: str


class Leaves:
    """The first ``size`` events of a ledger. Made by :func:`reading`."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection, self.size = connection, size

    def one(self, seq: int) -> Leaf | None:
        """The event with this number."""
        return next(self._found(events.c.seq == seq), None)

    def of_probe(self, probe: str) -> list[Leaf]:
        """The events of a probe, in order."""
        return list(self._found(events.c.probe == probe))

    def of_kind(self, kind: EventKind, after: int = 0) -> Iterator[Leaf]:
        """The events of a kind beyond ``after``, in order."""
        return self._found(events.c.kind == kind.value, events.c.seq > after)

    def _found(self, *wanted: ColumnElement[bool]) -> Iterator[Leaf]:
        query = select(events).where(events.c.seq <= self.size, *wanted).order_by(events.c.seq)
        for row in self._connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
            yield Leaf(row.seq, row.at, row.kind, row.probe, row.body)

    def population(self, since: datetime, until: datetime) -> Iterator[Scheduled]:
        """Every probe that was scheduled from ``since`` on and before ``until``, in the order of the log."""
        query = (
            select(
                events.c.probe,
                events.c.seq,
                events.c.at,
                events.c.body,
                results.c.finished_seq,
                results.c.channel,
                results.c.deadline,
                results.c.outcome,
            )
            .select_from(events.outerjoin(results, results.c.probe == events.c.probe))
            .where(
                events.c.kind == EventKind.SCHEDULED.value,
                events.c.at >= timestamp(since),
                events.c.at < timestamp(until),
                events.c.seq <= self.size,
            )
            .order_by(events.c.seq)
        )
        for row in self._connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
            ended = row.finished_seq is not None and row.finished_seq <= self.size
            yield Scheduled(
                row.probe,
                row.seq,
                row.finished_seq if ended else None,
                row.at,
                row.channel or _channel(row.body),
                (row.deadline or "") if ended else "",
                (row.outcome or "") if ended else "",
            )


def _channel(scheduled: bytes) -> str:
    """The channel of a probe that has no result yet."""
    return str(read(scheduled).body["channel"]) if scheduled else ""


@contextmanager
def reading(state: Path, size: int) -> Iterator[Leaves]:
    """The first ``size`` events of the ledger in the folder ``state``, never written.

    Raises :class:`canary.model.OwnFaultError` (component store) if it cannot be read.
    """
    file = state / "ledger.sqlite"
    engine = create_engine(f"sqlite:///file:{file.absolute()}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            yield Leaves(connection, size)
    except SQLAlchemyError as error:
        raise OwnFaultError(Component.STORE, "unusable", f"cannot read the ledger in {state}: {error}") from error
    finally:
        engine.dispose()
