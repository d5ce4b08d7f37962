"""Brings a ledger up to date, a new one or that of an earlier version: triggers, and tables made from its events."""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext

from canary.ledger.event_reader import EventReader
from canary.ledger.results import SOURCES, recompute, to_row
from canary.ledger.schema import INSERT_RESULT, RESULT, TABLES, TRIGGERS, transaction
from canary.ledger.version import VERSION, refuse_newer


def upgrade(connection: sqlite3.Connection) -> None:
    """Do what was not done yet, in one transaction. Raises sqlite3.Error, and what :func:`refuse_newer` raises."""
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        refuse_newer(version)
        if version == VERSION:
            return
        for table in TABLES:
            connection.execute(table)
        for name, trigger in TRIGGERS.items():
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            connection.execute(f"CREATE TRIGGER {name} {trigger}")
        rebuild_results(connection)
        connection.execute(f"PRAGMA user_version={VERSION}")


def rebuild_results(connection: sqlite3.Connection) -> None:
    """Make the table of results anew from the events, with the columns that it has now."""
    connection.execute("DROP TABLE IF EXISTS result")
    for statement in RESULT:
        connection.execute(statement)
    sources = EventReader(lambda: nullcontext(connection)).events(kind=SOURCES)
    connection.executemany(INSERT_RESULT, map(to_row, recompute(sources)))
