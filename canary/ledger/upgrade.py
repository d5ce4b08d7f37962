"""Brings a ledger up to date, a new one or that of an earlier version: triggers, and tables made from its events."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import islice

from sqlalchemy import Connection, Engine, insert

from canary.ledger.event_reader import EventReader
from canary.ledger.results import SOURCES, recompute, to_row
from canary.ledger.schema import TRIGGERS, driver, results
from canary.ledger.version import VERSION, refuse_newer

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


def rebuild_results(connection: Connection) -> None:
    """Make the table of results anew from the events, with the columns that it has now."""
    results.drop(connection)
    results.create(connection)
    sources = EventReader(lambda: nullcontext(driver(connection))).events(kind=SOURCES)
    rows = map(to_row, recompute(sources))
    while part := list(islice(rows, _ROWS)):
        connection.execute(insert(results), part)
