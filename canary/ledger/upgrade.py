"""Brings a ledger up to date, a new one or that of an earlier version: triggers, and tables made from its events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, Engine, delete, insert, select

from canary.ledger.events import Event, read
from canary.ledger.results import SOURCES, recompute, to_row
from canary.ledger.schema import TRIGGERS, events, results
from canary.model import Component, OwnFaultError

VERSION = 1
"""What SQLite's ``user_version`` says once everything below was done.

Another number wherever tables change, or events say what a canary before cannot read (a new kind, outcome or stage).
"""

_ROWS = 1000


def upgrade(engine: Engine) -> None:
    """Do what was not done yet, in one transaction. Raises SQLAlchemyError, and what :func:`refuse_newer` raises."""
    with engine.begin() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        refuse_newer(version)
        if version == VERSION:
            return
        for name, trigger in TRIGGERS.items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(f"CREATE TRIGGER {name} {trigger}")
        rebuild_results(connection)
        connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")


def refuse_newer(version: int) -> None:
    """Raise :class:`canary.model.OwnFaultError` (component store) for the ``user_version`` of a newer canary."""
    if version > VERSION:
        detail = f"the ledger was written by a newer canary (format {version}, this one knows {VERSION}): run that one"
        raise OwnFaultError(Component.STORE, "unusable", detail)


def rebuild_results(connection: Connection) -> None:
    """Make the table of results anew from the events."""
    connection.execute(delete(results))
    rows = map(to_row, recompute(sources(connection)))
    while part := list(islice(rows, _ROWS)):
        connection.execute(insert(results), part)


def sources(connection: Connection) -> Iterator[Event]:
    """The events that results are made from, in order, a few in memory at a time; not the forgotten ones."""
    wanted = events.c.kind.in_([kind.value for kind in SOURCES])
    query = select(events.c.body).where(wanted, events.c.body != b"").order_by(events.c.seq)
    for row in connection.execute(query, execution_options={"yield_per": _ROWS}):
        yield read(row.body)
