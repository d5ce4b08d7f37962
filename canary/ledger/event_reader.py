"""The events as they are read: in order, by kind, by probe, by number, and byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from canary.ledger.events import Event, EventKind, digest, parse_time, read, timestamp
from canary.ledger.reading import Query, Reading, understood

_PAGE = 1000
"""Events that are read on one connection; then others get on."""

Kinds = EventKind | tuple[EventKind, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of the ledger: its number, its time, and the SHA-256 of its canonical form."""

    seq: int
    at: datetime
    sha256: str


class Leaf(NamedTuple):
    """An event as it is stored; ``body``, its canonical form, is empty where retention emptied it."""

    seq: int
    at: str
    kind: str
    probe: str | None
    body: bytes


class EventReader(Reading):
    """Reads events, and where watchers stand."""

    def events(
        self,
        *,
        probe: str | None = None,
        kind: Kinds | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        upto: int | None = None,
        newest: int | None = None,
        emptied: bool = False,
    ) -> Iterator[Event]:
        """Events in order, of a probe together with the steps of our clock; with ``newest`` that many, newest first.

        ``kind`` is one or several; ``since`` and ``until`` (not with it) are times, ``after`` and ``upto`` numbers.
        Those that retention emptied are left out, or come with an empty body if ``emptied``.
        """
        query = self._events().where("seq > :after", after=after).between("at", since, until)
        if not emptied:
            query = query.where("body <> x''")
        if probe is not None:
            query = query.where("probe = :probe OR kind = :step", probe=probe, step=EventKind.CLOCK_STEPPED.value)
        if kind is not None:
            query = query.where(_is(kind))
        if upto is not None:
            query = query.where("seq <= :upto", upto=upto)
        query = query.then("ORDER BY seq DESC LIMIT :newest", newest=newest) if newest else query.then("ORDER BY seq")
        yield from self._made(_event, query)

    def has(self, probe: str) -> bool:
        """Whether there is an event of this probe."""
        return self._one(self._events("seq").where("probe = :probe", probe=probe)) is not None

    def times(self, probe: str) -> dict[EventKind, datetime]:
        """When the first event of each kind was recorded of a probe; known also where retention emptied them."""
        query = self._events("kind, min(at) AS at").where("probe = :probe", probe=probe).then("GROUP BY kind")
        return dict(self._made(lambda row: (EventKind(row.kind), parse_time(row.at)), query))

    def newest(self, kind: EventKind, upto: datetime) -> Event | None:
        """The newest event of a kind at ``upto``."""
        query = self._events().where(_is(kind)).where("at <= :upto", upto=timestamp(upto))
        return self._first(_event, query.then("ORDER BY at DESC, seq DESC"))

    def in_force(self) -> Event | None:
        """The newest event that says what is in force for a schedule; where there is none, for probes by hand."""
        query = self._events().where(_is(EventKind.CONFIGURED)).where("body <> x''")
        scheduled = "json_extract(CAST(body AS TEXT), '$.body.scheduled')"
        return self._first(_event, query.then(f"ORDER BY {scheduled} DESC, seq DESC"))

    def oldest(self, kind: EventKind, since: datetime) -> Event | None:
        """The oldest event of a kind from ``since`` on."""
        query = self._events().where(_is(kind)).between("at", since, None)
        return self._first(_event, query.then("ORDER BY at, seq"))

    def sent(self) -> Iterator[tuple[int, str]]:
        """Number and probe of each ``submitted`` event of what was sent, or may have been: not what failed by us."""
        query = self._events("seq, probe").where("kind = :submitted", submitted=EventKind.SUBMITTED.value)
        for row in self._rows(query.where(_WAS_SENT).then("ORDER BY seq")):
            yield row.seq, row.probe or ""

    def last_before(self, seq: int | None, *, other_than: tuple[EventKind, ...]) -> tuple[int, datetime] | None:
        """Number and time of the last event before number ``seq`` (None: of all) that is of no kind of these."""
        query = self._events("seq, at").where(f"NOT {_is(other_than)}")
        query = query if seq is None else query.where("seq < :before", before=seq)
        return self._first(lambda row: (row.seq, parse_time(row.at)), query.then("ORDER BY seq DESC"))

    def count(self, kind: EventKind, since: datetime, until: datetime) -> int:
        """How many events of a kind there are from ``since`` on and before ``until``."""
        return self._number(self._events("count(*)").where(_is(kind)).between("at", since, until))

    def count_events(self) -> int:
        """How many events there are; as many as the newest one's number if none was ever taken out."""
        return self._number(self._events("count(*)"))

    def head(self) -> Head | None:
        """The newest event, or None in an empty ledger."""
        newest = self._events("seq, at, body").then("ORDER BY seq DESC")
        return self._first(lambda row: Head(row.seq, parse_time(row.at), digest(row.body)), newest)

    def leaves(self, after: int = 0, upto: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Number and exact bytes of every event beyond ``after`` (up to ``upto``), in order, a few in memory at a time.

        The bytes are empty where retention emptied the event.
        """
        query = self._events("seq, body").then("ORDER BY seq LIMIT :page", page=_PAGE)
        if upto is not None:
            query = query.where("seq <= :upto", upto=upto)
        while True:  # no longer than a page on one connection: the log of the database must not grow
            page = list(self._made(_stored, query.where("seq > :after", after=after)))
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def misplaced(self, first: int, last: int) -> list[int]:
        """Numbers of those from ``first`` to ``last`` that stand in the table under another time, kind or probe than
        they say themselves: a search would not find them, or find them wrongly. What is signed is what they say."""
        query = self._events("seq").where("seq BETWEEN :first AND :last", first=first, last=last)
        return [row.seq for row in self._rows(query.where(_MISPLACED).then("ORDER BY seq"))]

    def leaf(self, seq: int) -> Leaf | None:
        """The event with this number."""
        return next(self._leaves(self._events().where("seq = :seq", seq=seq)), None)

    def leaves_of_probe(self, probe: str) -> list[Leaf]:
        """The events of a probe, in order."""
        return list(self._leaves(self._events().where("probe = :probe", probe=probe)))

    def leaves_of_kind(self, kind: EventKind, after: int = 0) -> Iterator[Leaf]:
        """The events of a kind beyond ``after``, in order."""
        return self._leaves(self._events().where(_is(kind)).where("seq > :after", after=after))

    def _leaves(self, query: Query) -> Iterator[Leaf]:
        return map(Leaf._make, self._rows(query.then("ORDER BY seq")))

    def forgotten_upto(self) -> int:
        """The number of the last event that retention has emptied, or is about to; 0 for none."""
        tombstones = (event.body for event in self.events(kind=EventKind.FORGOTTEN))
        with understood("what was forgotten"):
            return max((body["last"] for body in tombstones if body["rule"] == "events"), default=0)

    def cursor(self, name: str) -> dict[str, str | int | float] | None:
        """Where the watcher ``name`` stood when it last handed something in."""
        place = Query("SELECT place FROM cursor").where("name = :name", name=name)
        return self._first(lambda row: dict(json.loads(row.place)), place)


_WAS_SENT = """CASE WHEN NOT instr(body, CAST('"failure":"ours"' AS BLOB)) THEN 1  -- most, without a look at all of it
    WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.body.failure') IS NOT 'ours'
    OR json_extract(CAST(body AS TEXT), '$.body.uncertain') END"""

_MISPLACED = """body <> x'' AND CASE WHEN json_valid(CAST(body AS TEXT)) THEN
    (seq, at, kind, probe) IS NOT (
        json_extract(CAST(body AS TEXT), '$.seq'), json_extract(CAST(body AS TEXT), '$.at'),
        json_extract(CAST(body AS TEXT), '$.kind'), json_extract(CAST(body AS TEXT), '$.probe'))
    ELSE 1 END"""


def _stored(row: Any) -> tuple[int, bytes]:
    if not isinstance(row.body, bytes):
        raise TypeError(f"a body is {type(row.body).__name__}")
    return row.seq, row.body


def _is(kind: Kinds) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return f"kind IN ({', '.join(repr(one.value) for one in kinds)})"


def _event(row: Any) -> Event:
    return read(row.body) if row.body else Event(EventKind(row.kind), parse_time(row.at), {}, row.probe, row.seq)
