"""The tables of the ledger. Events are only ever added: the database itself refuses to change or remove one.

The one exception is retention, which may empty the body of an event once it has recorded that (see ``retention.py``).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)

from canary.ledger.events import EventKind

metadata = MetaData()

events = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("probe", String(16)),
    Column("body", LargeBinary, nullable=False),
    Index("event_probe", "probe"),
    Index("event_kind_at", "kind", "at"),
)

cursors = Table(
    "cursor", metadata, Column("name", String(200), primary_key=True), Column("place", LargeBinary, nullable=False)
)
"""Where each watcher stands; written in the same transaction as what it found."""

snapshots = Table(
    "snapshot", metadata, Column("seq", Integer, primary_key=True), Column("book", LargeBinary, nullable=False)
)
"""Derived: the totals as they were at an event, so that a start need not count from the beginning."""

results = Table(
    "result",
    metadata,
    Column("probe", String(16), primary_key=True),
    Column("scheduled_seq", Integer, nullable=False),
    Column("finished_seq", Integer, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("sender", String(64), nullable=False),
    Column("variant", String(32), nullable=False),
    Column("scheduled_at", String(27), nullable=False),
    Column("outcome", String(16)),
    Column("deadline", String(16)),
    Column("place", String(64)),
    Column("reason", Text, nullable=False),
    Column("accepted", Float),
    Column("arrived", Float),
    Column("acknowledged", Float),
    Column("picked_up", Float),
    Column("answered", Float),
    Column("answer_received", Float),
    Column("closed", Float),
    Column("owed", Text, nullable=False),
    Column("confirms", String(16)),
    Column("blind", Integer, nullable=False),
    Index("result_scheduled_at", "scheduled_at"),
    Index("result_channel_scheduled_at", "channel", "scheduled_at"),
)
"""Derived: one row a finished probe, written together with its last event. See :mod:`canary.ledger.results`."""

references = Table(
    "reference",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("rule", String(8), primary_key=True),
    Column("seq", Integer, nullable=False),
    Index("reference_rule_seq", "rule", "seq"),
)
"""Derived: the newest event that names an artefact, by the rule that says how long it is kept. Made by retention."""

EPHEMERAL = ", ".join(f"'{kind.value}'" for kind in EventKind if not kind.lasting)
"""The kinds of event that may be emptied, as a list in SQL: a kind that a newer version adds is kept."""

_NEVER = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
TRIGGERS = {
    "event_no_delete": f"BEFORE DELETE ON event {_NEVER}",
    "event_no_update": f"""BEFORE UPDATE ON event WHEN NOT (
        NEW.body = x'' AND NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.kind = OLD.kind AND NEW.probe IS OLD.probe
        AND OLD.kind IN ({EPHEMERAL})
        AND OLD.seq <= coalesce((
            SELECT json_extract(CAST(body AS TEXT), '$.body.last') FROM event
            WHERE kind = 'forgotten' AND json_extract(CAST(body AS TEXT), '$.body.rule') = 'events'
            ORDER BY at DESC, seq DESC LIMIT 1
        ), 0)
    ) {_NEVER}""",  # noqa: S608  # words of ours
}
"""No event is changed or removed, but that its body may be emptied once the newest tombstone of events covers it."""


def open_engine(path: Path) -> Engine:
    """An engine on the SQLite file, made if it is not there: write-ahead log, every commit on disk before it returns.

    Transactions take the write lock as they begin: two processes may write. Who reads uses connections of its own.
    """
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # else the driver begins transactions of its own, without the lock
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _lock(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    metadata.create_all(engine)
    return engine


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, in the same transaction: to read there as everybody reads."""
    own = connection.connection.dbapi_connection
    assert isinstance(own, sqlite3.Connection)
    return own
