"""How the ledger's tables are asked: each statement on a connection of its own, or all of them on one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, select

from canary.ledger.events import timestamp
from canary.ledger.schema import events, results

Connect = Callable[[], AbstractContextManager[Connection]]
"""Lends a connection that only reads."""

_AT_ONCE = 2000
"""Rows that are fetched at once where there may be many."""


class Reading:
    """Statements on the first ``size`` events and what follows from them; None: on all there are at that time."""

    def __init__(self, connect: Connect, size: int | None = None) -> None:
        self.connect, self.size = connect, size

    def _events(self, *columns: ColumnElement[Any]) -> Select[Any]:
        query = select(*(columns or (events,)))
        return query if self.size is None else query.where(events.c.seq <= self.size)

    def _results(self, *columns: ColumnElement[Any] | FromClause) -> Select[Any]:
        query = select(*columns).select_from(results)
        return query if self.size is None else query.where(results.c.finished_seq <= self.size)

    def _one(self, query: Select[Any]) -> Row[Any] | None:
        with self.connect() as connection:
            return connection.execute(query.limit(1)).first()

    def _number(self, query: Select[Any]) -> int:
        with self.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def _stream(self, query: Select[Any], at_once: int = _AT_ONCE) -> Iterator[Row[Any]]:
        with self.connect() as connection:
            yield from connection.execute(query, execution_options={"yield_per": at_once})


def between(
    query: Select[Any], column: ColumnElement[Any], since: datetime | None, until: datetime | None
) -> Select[Any]:
    """``query`` for times from ``since`` on and before ``until`` alone."""
    if since is not None:
        query = query.where(column >= timestamp(since))
    return query if until is None else query.where(column < timestamp(until))
