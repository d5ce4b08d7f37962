"""How the ledger's tables are asked: each statement on a connection of its own, or all of them on one."""

from __future__ import annotations

import sqlite3
from collections import deque, namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar, cast

from canary.ledger.events import timestamp
from canary.model import CanaryError, Component, OwnFaultError

Connect = Callable[[], AbstractContextManager[sqlite3.Connection]]
"""Lends a connection that only reads."""

T = TypeVar("T")

NOT_WRITTEN_SO = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What is raised by whoever reads bytes that are no longer what was written."""


class UnreadableLedgerError(OwnFaultError):
    """The ledger cannot be read: the database says so, or what stands in it is not what was written."""

    def __init__(self, what: str) -> None:
        super().__init__(Component.STORE, "unreadable", f"cannot read the ledger: {what}; see docs/recovery.md")


@contextmanager
def asking(connect: Connect) -> Iterator[sqlite3.Connection]:
    """A connection, for a statement; a fault of the database is one of ours. Raises :class:`UnreadableLedgerError`."""
    try:
        with connect() as connection:
            yield connection
    except sqlite3.Error as error:
        raise UnreadableLedgerError(str(error)) from error


@contextmanager
def understood(what: str) -> Iterator[None]:
    """While what was read is made sense of: it may not be what was written. Raises :class:`UnreadableLedgerError`."""
    try:
        yield
    except CanaryError:
        raise
    except NOT_WRITTEN_SO as error:
        raise UnreadableLedgerError(f"{what} is not as it was written ({error!r:.200})") from error


@dataclass(frozen=True, slots=True)
class Query:
    """A statement that is put together: its beginning, conditions that all hold, its end, and the values in it."""

    begin: str
    conditions: tuple[str, ...] = ()
    end: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def where(self, condition: str, **values: Any) -> Query:
        """With a condition more; its ``:names`` are given."""
        return replace(self, conditions=(*self.conditions, condition), values={**self.values, **values})

    def between(self, column: str, since: datetime | None, until: datetime | None) -> Query:
        """For times from ``since`` on and before ``until`` alone."""
        query = self if since is None else self.where(f"{column} >= :since", since=timestamp(since))
        return query if until is None else query.where(f"{column} < :until", until=timestamp(until))

    def then(self, end: str, **values: Any) -> Query:
        """With what comes after the conditions: order, groups, limits."""
        return replace(self, end=f"{self.end} {end}", values={**self.values, **values})

    def __str__(self) -> str:
        conditions = " AND ".join(f"({condition})" for condition in self.conditions)
        return f"{self.begin} {'WHERE' if conditions else ''} {conditions} {self.end}"


class Reading:
    """Statements on the first ``size`` events and what follows from them; None: on all there are at that time."""

    def __init__(self, connect: Connect, size: int | None = None) -> None:
        self.connect: Connect = partial(asking, connect)
        self.size = size

    def _events(self, columns: str = "seq, at, kind, probe, body", joined: str = "") -> Query:
        query = Query(f"SELECT {columns} FROM event {joined}")  # noqa: S608  # words of ours
        return query if self.size is None else query.where("event.seq <= :size", size=self.size)

    def _results(self, columns: str) -> Query:
        query = Query(f"SELECT {columns} FROM result")  # noqa: S608  # words of ours
        return query if self.size is None else query.where("finished_seq <= :size", size=self.size)

    def _rows(self, query: Query) -> Iterator[Any]:
        """The rows as they come, each with its columns' names."""
        with self.connect() as connection:
            cursor = connection.execute(str(query), query.values)
            try:
                yield from map(_row(tuple(column[0] for column in cursor.description)), cursor)
            finally:
                with suppress(sqlite3.ProgrammingError):  # the ledger was closed before whoever read was done
                    cursor.close()

    def ask(self, sql: str, **values: Any) -> Iterator[Any]:
        """The rows of a statement of one's own, each with its columns' names."""
        return self._rows(Query(sql, values=values))

    def _made(self, make: Callable[[Any], T], query: Query) -> Iterator[T]:
        """What is made of each row. Raises :class:`UnreadableLedgerError` where nothing can be."""
        row: Any = None
        try:
            for row in self._rows(query):
                yield make(row)
        except NOT_WRITTEN_SO as error:
            where = f"event {row.seq}" if hasattr(row, "seq") else f"the row {tuple(row or ())!r:.80}"
            raise UnreadableLedgerError(f"{where} is not as it was written ({error!r:.200})") from error

    def _first(self, make: Callable[[Any], T], query: Query) -> T | None:
        """What is made of the first row; None if there is no row."""
        return next(self._made(make, query.then("LIMIT 1")), None)

    def _one(self, query: Query) -> Any:
        """The first row, or None."""
        return next(self._rows(query.then("LIMIT 1")), None)

    def _number(self, query: Query) -> int:
        with self.connect() as connection:
            return int(connection.execute(str(query), query.values).fetchone()[0])


@cache
def _row(names: tuple[str, ...]) -> Callable[[tuple[Any, ...]], Any]:
    make: Callable[[tuple[Any, ...]], Any] = cast("Any", namedtuple)("Row", names)._make
    return make


class LentConnections:
    """Connections that are lent to one user at a time, and kept for the next one; to be closed in the end."""

    def __init__(self, open_: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_
        self._free: deque[sqlite3.Connection] = deque()

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """A connection for as long as the context lasts; what it has begun is undone then. Raises sqlite3.Error."""
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._free.append(connection)

    def close(self) -> None:
        """Close those that are not lent."""
        while self._free:
            self._free.pop().close()
