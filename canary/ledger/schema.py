"""The tables of the ledger. Events are only ever added: the database itself refuses to change or remove one.

The one exception is retention, which may empty the body of an event once it has recorded that (see ``retention.py``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canary.ledger.events import EventKind
from canary.ledger.results import COLUMNS

EVENT = (
    """CREATE TABLE IF NOT EXISTS event (
        seq INTEGER NOT NULL PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, probe TEXT, body BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS event_probe ON event (probe)",
    "CREATE INDEX IF NOT EXISTS event_kind_at ON event (kind, at)",
)

CURSOR = "CREATE TABLE IF NOT EXISTS cursor (name TEXT NOT NULL PRIMARY KEY, place BLOB NOT NULL)"
"""Where each watcher stands; written in the same transaction as what it found."""

SNAPSHOT = "CREATE TABLE IF NOT EXISTS snapshot (seq INTEGER NOT NULL PRIMARY KEY, book BLOB NOT NULL)"
"""Derived: the totals as they were at an event, so that a start need not count from the beginning."""

RESULT = (
    """CREATE TABLE IF NOT EXISTS result (
        probe TEXT NOT NULL PRIMARY KEY, scheduled_seq INTEGER NOT NULL, finished_seq INTEGER NOT NULL,
        channel TEXT NOT NULL, kind TEXT NOT NULL, sender TEXT NOT NULL, variant TEXT NOT NULL,
        scheduled_at TEXT NOT NULL, outcome TEXT, deadline TEXT, place TEXT, reason TEXT NOT NULL,
        accepted REAL, arrived REAL, acknowledged REAL, picked_up REAL, answered REAL, answer_received REAL,
        closed REAL, owed TEXT NOT NULL, confirms TEXT, blind INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS result_scheduled_at ON result (scheduled_at)",
    "CREATE INDEX IF NOT EXISTS result_channel_scheduled_at ON result (channel, scheduled_at)",
)
"""Derived: one row a finished probe, written together with its last event. See :mod:`canary.ledger.results`."""

REFERENCE = (
    """CREATE TABLE IF NOT EXISTS reference (
        name TEXT NOT NULL, rule TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (name, rule))""",
    "CREATE INDEX IF NOT EXISTS reference_rule_seq ON reference (rule, seq)",
)
"""Derived: the newest event that names an artefact, by the rule that says how long it is kept. Made by retention."""

TABLES = (*EVENT, CURSOR, SNAPSHOT, *RESULT, *REFERENCE)

INSERT_EVENT = "INSERT INTO event (seq, at, kind, probe, body) VALUES (?, ?, ?, ?, ?)"
INSERT_RESULT = f"INSERT INTO result ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"  # noqa: S608  # words of ours

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

_PATIENCE = 30.0
"""Seconds that a transaction waits for another process' to end."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection to the SQLite file, made if it is not there, for one thread at a time: write-ahead log, every commit
    on disk before it returns. Who reads uses connections of its own. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing of what is written within. Takes the write lock as it begins: two processes may write."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some faults end it by themselves
            connection.execute("ROLLBACK")
        raise
