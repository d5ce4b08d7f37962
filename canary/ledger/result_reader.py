"""The finished probes as they are read: one by one, channel by channel, and those of a period, however many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, cast

from sqlalchemy import case, except_, func

from canary.ledger.event_reader import EventReader
from canary.ledger.events import Event, EventKind, parse_time, read, timestamp
from canary.ledger.reading import between
from canary.ledger.results import SOURCES, Result, differences, from_row, recompute
from canary.ledger.schema import events, results
from canary.model import DeadlineResult, Outcome

_PROGRESS_EVERY = 1000
_FEW = 50
"""Rows that are fetched at once where the first few may be enough."""

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


_named = partial(tuple.__new__, Ended)
"""What ``Ended._make`` does, without a look at the length."""

_COMPUTED = {
    "arrived": _ROUNDED,
    "was_accepted": results.c.accepted.is_not(None),
    "was_acknowledged": results.c.acknowledged.is_not(None),
    "day": func.julianday(results.c.scheduled_at),
}
_COLUMNS = [(_COMPUTED[name] if name in _COMPUTED else results.c[name]).label(name) for name in Ended._fields]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A probe of a period; ``finished`` is None, result and outcome are empty, where it had not ended yet."""

    probe: str
    seq: int
    finished: int | None
    at: str
    channel: str
    result: str
    outcome: str


class ResultReader(EventReader):
    """Reads the table of results too, and what events say otherwise."""

    def results(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Result]:
        """The finished probes that were scheduled from ``since`` on and before ``until``, in that order, streamed."""
        query = between(self._results(results), results.c.scheduled_at, since, until)
        yield from map(from_row, self._stream(query.order_by(results.c.scheduled_at, results.c.scheduled_seq)))

    def newest_results(self, newest: int, channel: str | None = None, *, failed: bool = False) -> list[Result]:
        """The ``newest`` finished probes, last scheduled first; with ``failed`` only those that did not arrive."""
        query = self._results(results).limit(newest)
        if channel is not None:
            query = query.where(results.c.channel == channel)
        if failed:
            query = query.where(results.c.outcome.is_distinct_from(Outcome.ARRIVED.value))
        query = query.order_by(results.c.scheduled_at.desc(), results.c.scheduled_seq.desc())
        return list(map(from_row, self._stream(query)))

    def count_results(self) -> int:
        """How many finished probes there are."""
        return self._number(self._results(func.count()))

    def check_results(self, progress: Callable[[int], object] = lambda _: None) -> Iterator[str]:
        """What the table of results says otherwise than the events, a sentence each; none if it is right.

        Nothing is said of probes whose events retention emptied. ``progress`` is told now and then how many results
        were looked at.
        """
        gone = self.forgotten_upto()
        query = self._results(results).where(results.c.scheduled_seq > gone).order_by(results.c.finished_seq)
        kept = map(from_row, self._stream(query))
        wanted = (row for row in recompute(self.events(kind=SOURCES)) if row.scheduled_seq > gone)
        yield from differences(_counted(kept, progress), wanted)

    # For reports

    def ended(self, since: datetime, until: datetime) -> Iterator[Ended]:
        """The probes that were scheduled from ``since`` on and before ``until`` and have ended, channel by channel.

        There may be millions: the driver's rows, with names, cost 3.6 us each where SQLAlchemy's cost 4.3 us. Counting
        one takes 4 us more.
        """
        query = between(self._results(*_COLUMNS), results.c.scheduled_at, since, until)
        with self.connect() as connection:
            found = connection.execute(query.order_by(results.c.channel, results.c.scheduled_at))
            yield from map(_named, cast("Iterator[tuple[Any, ...]]", found.cursor))

    def ended_before(self, channel: str, until: datetime) -> Iterator[Ended]:
        """The ended probes of a channel before ``until``, newest first."""
        query = between(self._results(*_COLUMNS), results.c.scheduled_at, None, until)
        query = query.where(results.c.channel == channel).order_by(results.c.scheduled_at.desc())
        yield from map(Ended._make, self._stream(query, at_once=_FEW))

    def ended_from(self, channel: str, since: datetime) -> Iterator[Ended]:
        """The ended probes of a channel from ``since`` on, oldest first."""
        query = between(self._results(*_COLUMNS), results.c.scheduled_at, since, None)
        query = query.where(results.c.channel == channel).order_by(results.c.scheduled_at)
        yield from map(Ended._make, self._stream(query, at_once=_FEW))

    def ended_probe(self, probe: str) -> Ended | None:
        """The result of one ended probe, or None."""
        row = self._one(self._results(*_COLUMNS).where(results.c.probe == probe))
        return Ended._make(row) if row else None

    def ended_ids(self, since: datetime, until: datetime) -> Iterator[str]:
        """The id of every probe that was scheduled in that time and has ended, in the order of the ids."""
        query = between(self._results(results.c.probe), results.c.scheduled_at, since, until)
        for row in self._stream(query.order_by(results.c.probe)):
            yield row.probe

    def last_good(self, channel: str, before: datetime) -> datetime | None:
        """When the newest probe of a channel was scheduled that met its deadline, before ``before``."""
        query = self._results(results.c.scheduled_at).where(
            results.c.channel == channel,
            results.c.scheduled_at < timestamp(before),
            results.c.deadline == DeadlineResult.MET.value,
        )
        row = self._one(query.order_by(results.c.scheduled_at.desc()))
        return parse_time(row.scheduled_at) if row else None

    def unfinished(self, since: datetime, until: datetime) -> Iterator[Event]:
        """The ``scheduled`` events of that time whose probe has no end."""
        scheduled = events.c.kind == EventKind.SCHEDULED.value
        began = between(self._events(events.c.seq).where(scheduled), events.c.at, since, until)
        ended = between(self._results(results.c.scheduled_seq), results.c.scheduled_at, since, until)
        with self.connect() as connection:
            numbers = connection.execute(except_(began, ended)).scalars().all()
        for seq in numbers:
            for event in self.events(after=seq - 1, upto=seq, emptied=True):
                if self.ended_probe(event.probe or "") is None:
                    yield event

    def scheduled(self, since: datetime, until: datetime) -> Iterator[Scheduled]:
        """Every probe that was scheduled from ``since`` on and before ``until``, in the order of the log."""
        query = self._events(
            *(events.c.probe, events.c.seq, events.c.at, events.c.body),
            *(results.c.finished_seq, results.c.channel, results.c.deadline, results.c.outcome),
        ).select_from(events.outerjoin(results, results.c.probe == events.c.probe))
        query = between(query.where(events.c.kind == EventKind.SCHEDULED.value), events.c.at, since, until)
        for row in self._stream(query.order_by(events.c.seq)):
            ended = row.finished_seq is not None and (self.size is None or row.finished_seq <= self.size)
            yield Scheduled(
                probe=row.probe,
                seq=row.seq,
                finished=row.finished_seq if ended else None,
                at=row.at,
                channel=row.channel or _channel(row.body),
                result=(row.deadline or "") if ended else "",
                outcome=(row.outcome or "") if ended else "",
            )


def _channel(scheduled: bytes) -> str:
    """The channel of a probe that has no result yet."""
    return str(read(scheduled).body["channel"]) if scheduled else ""


def _counted(kept: Iterator[Result], progress: Callable[[int], object]) -> Iterator[Result]:
    for number, row in enumerate(kept, 1):
        if number % _PROGRESS_EVERY == 0:
            progress(number)
        yield row
