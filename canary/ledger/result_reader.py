"""The finished probes as they are read: one by one, channel by channel, and those of a period, however many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from canary.ledger.event_reader import EventReader
from canary.ledger.events import Event, EventKind, parse_time, read
from canary.ledger.results import COLUMNS, SOURCES, Result, differences, from_row, recompute
from canary.model import DeadlineResult, Outcome

_PROGRESS_EVERY = 1000

_ROUNDED = """CASE WHEN arrived < 1 THEN round(arrived, 3) WHEN arrived < 10 THEN round(arrived, 2)
    WHEN arrived < 100 THEN round(arrived, 1) WHEN arrived < 1000 THEN round(arrived)
    ELSE round(arrived / 10) * 10 END"""
"""The latency to arrival with three digits: right to 0.5 %, and few enough values to count them."""


class Counted(NamedTuple):
    """A probe as it is counted; ``day`` is when it was scheduled, as a Julian day, ``arrived`` in rounded seconds."""

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


_named = partial(tuple.__new__, Counted)
"""What ``Counted._make`` does, without a look at the length."""

UNIX_EPOCH = 2440587.5
"""As a Julian day, which is how SQLite counts."""

_COMPUTED = {
    "arrived": _ROUNDED,
    "was_accepted": "accepted IS NOT NULL",
    "was_acknowledged": "acknowledged IS NOT NULL",
    "day": "julianday(scheduled_at)",
}
_ENDED = ", ".join(f"{_COMPUTED[name]} AS {name}" if name in _COMPUTED else name for name in Counted._fields)
_ALL = ", ".join(COLUMNS)
_OF_CHANNELS = """json_extract(CAST(sent.body AS TEXT), '$.body.channel') AS channel,
    json_extract(CAST(event.body AS TEXT), '$.body.result') AS result, count(*) AS number"""
_SCHEDULED_SO = f"""JOIN event AS sent INDEXED BY event_probe
    ON sent.probe = event.probe AND sent.kind = '{EventKind.SCHEDULED.value}'"""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A probe as a list has it; ``finished`` is None, result and outcome are empty, where it had not ended yet."""

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
        query = self._results(_ALL).between("scheduled_at", since, until)
        yield from self._made(from_row, query.then("ORDER BY scheduled_at, scheduled_seq"))

    def newest_results(self, newest: int, channel: str | None = None, *, failed: bool = False) -> list[Result]:
        """The ``newest`` finished probes, last scheduled first; with ``failed`` only those that did not arrive."""
        query = self._results(_ALL)
        if channel is not None:
            query = query.where("channel = :channel", channel=channel)
        if failed:
            query = query.where("outcome IS NULL OR outcome <> :arrived", arrived=Outcome.ARRIVED.value)
        query = query.then("ORDER BY scheduled_at DESC, scheduled_seq DESC LIMIT :newest", newest=newest)
        return list(self._made(from_row, query))

    def count_results(self) -> int:
        """How many finished probes there are."""
        return self._number(self._results("count(*)"))

    def count_emptied_results(self, since: datetime, until: datetime) -> int:
        """How many of the probes scheduled in that time have a result and no events any more to check it against."""
        query = self._results("count(*)").between("scheduled_at", since, until)
        return self._number(query.where("scheduled_seq <= :gone", gone=self.forgotten_upto()))

    def check_results(
        self, progress: Callable[[int], object] = lambda _: None, see: Callable[[Event], object] = lambda _: None
    ) -> Iterator[str]:
        """What the table of results says otherwise than the events, a sentence each; none if it is right.

        Nothing is said of probes whose events retention emptied. ``progress`` is told now and then how many results
        were looked at, ``see`` each event that was read for it: ``scheduled``, ``deadline`` and ``finished``, in order.
        """
        gone = self.forgotten_upto()
        query = self._results(_ALL).where("scheduled_seq > :gone", gone=gone).then("ORDER BY finished_seq")
        kept = self._made(from_row, query)
        wanted = (row for row in recompute(_seen(self.events(kind=SOURCES), see)) if row.scheduled_seq > gone)
        yield from differences(_counted(kept, progress), wanted)

    # For reports

    def ended(self, since: datetime, until: datetime) -> Iterator[Counted]:
        """The probes that were scheduled from ``since`` on and before ``until`` and have ended, channel by channel.

        There may be millions: each costs 3.6 us, and counting it takes 4 us more.
        """
        query = self._results(_ENDED).between("scheduled_at", since, until).then("ORDER BY channel, scheduled_at")
        with self.connect() as connection:
            yield from map(_named, connection.execute(str(query), query.values))

    def ended_before(self, channel: str, until: datetime) -> Iterator[Counted]:
        """The ended probes of a channel before ``until``, newest first."""
        query = self._results(_ENDED).between("scheduled_at", None, until).where("channel = :channel", channel=channel)
        yield from map(Counted._make, self._rows(query.then("ORDER BY scheduled_at DESC")))

    def ended_from(self, channel: str, since: datetime) -> Iterator[Counted]:
        """The ended probes of a channel from ``since`` on, oldest first."""
        query = self._results(_ENDED).between("scheduled_at", since, None).where("channel = :channel", channel=channel)
        yield from map(Counted._make, self._rows(query.then("ORDER BY scheduled_at")))

    def ended_probe(self, probe: str) -> Counted | None:
        """The result of one ended probe, or None."""
        row = self._one(self._results(_ENDED).where("probe = :probe", probe=probe))
        return Counted._make(row) if row else None

    def ended_ids(self, since: datetime, until: datetime) -> Iterator[str]:
        """The id of every probe that was scheduled in that time and has ended, in the order of the ids."""
        query = self._results("probe").between("scheduled_at", since, until)
        for row in self._rows(query.then("ORDER BY probe")):
            yield row.probe

    def last_good(self, channel: str, before: datetime) -> datetime | None:
        """When the newest probe of a channel was scheduled that met its deadline, before ``before``."""
        query = self._results("scheduled_at").between("scheduled_at", None, before)
        query = query.where("channel = :channel", channel=channel)
        query = query.where("deadline = :met", met=DeadlineResult.MET.value)
        return self._first(lambda row: parse_time(row.scheduled_at), query.then("ORDER BY scheduled_at DESC"))

    def decided_since(self, since: datetime) -> Iterator[tuple[str, str, int]]:
        """Channel, result and number of the probes whose deadline was decided from ``since`` on, whenever sent."""
        query = self._events(_OF_CHANNELS, _SCHEDULED_SO).where(
            "event.kind = :deadline", deadline=EventKind.DEADLINE.value
        )
        query = query.where("event.body <> x'' AND sent.body <> x''").between("event.at", since, None)
        for row in self._rows(query.then("GROUP BY 1, 2")):
            yield row.channel, row.result, row.number

    def unfinished(self, since: datetime, until: datetime) -> Iterator[Event]:
        """The ``scheduled`` events of that time whose probe has no end."""
        began = self._events("seq").where("kind = :scheduled", scheduled=EventKind.SCHEDULED.value)
        ended = self._results("scheduled_seq").between("scheduled_at", since, until)
        query = began.between("at", since, until).then(f"EXCEPT {ended}", **ended.values)
        for (seq,) in list(self._rows(query)):
            for event in self.events(after=seq - 1, upto=seq, emptied=True):
                if self.ended_probe(event.probe or "") is None:
                    yield event

    def listed(self, start: int) -> Iterator[Scheduled]:
        """Every probe that was scheduled or ended in an event beyond ``start``, in the order of the log."""
        columns = "event.probe, event.seq, event.at, event.body, finished_seq, channel, deadline, outcome"
        before = self._events(columns, "JOIN result ON scheduled_seq = event.seq")
        before = before.where("scheduled_seq <= :start AND finished_seq > :start", start=start)
        if self.size is not None:
            before = before.where("finished_seq <= :size", size=self.size)
        since = self._events(columns, "LEFT JOIN result ON result.probe = event.probe")
        since = since.where("event.kind = :scheduled", scheduled=EventKind.SCHEDULED.value)
        since = since.where("event.seq > :start", start=start)
        for query in (before, since) if start else (since,):
            yield from map(self._listed, self._rows(query.then("ORDER BY event.seq")))

    def _listed(self, row: Any) -> Scheduled:
        ended = row.finished_seq is not None and (self.size is None or row.finished_seq <= self.size)
        return Scheduled(
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


def _seen(events: Iterator[Event], see: Callable[[Event], object]) -> Iterator[Event]:
    for event in events:
        see(event)
        yield event


def _counted(kept: Iterator[Result], progress: Callable[[int], object]) -> Iterator[Result]:
    for number, row in enumerate(kept, 1):
        if number % _PROGRESS_EVERY == 0:
            progress(number)
        yield row
