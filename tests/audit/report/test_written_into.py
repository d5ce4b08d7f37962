"""A ledger that somebody wrote into, or that no prober with a schedule ever wrote: a report, or a sentence why not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from audit.story import NOW, PERIOD

from canary.audit.report.contents import build
from canary.config import Config
from canary.ledger import EventKind
from canary.ledger.reader import as_it_stands
from canary.ledger.reading import UnreadableLedgerError


@pytest.fixture(scope="module")
def database(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A copy of the story's ledger, in a transaction of a connection that may change everything in it."""
    file = tmp_path_factory.mktemp("written") / "ledger.sqlite"
    file.write_bytes((told / "ledger.sqlite").read_bytes())
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        yield connection


def reported(database: sqlite3.Connection, config: Config, *changes: str) -> bool:
    """Whether there is a report of the ledger with these changes, and not a sentence that it is unreadable."""
    (_, _, file) = database.execute("PRAGMA database_list").fetchone()
    database.execute("PRAGMA journal_mode=DELETE")
    before = Path(file).read_bytes()
    for change in changes:
        database.execute(change)
    try:
        with as_it_stands(Path(file).parent) as found:
            build(found, config, PERIOD, NOW, profile="tls")
    except UnreadableLedgerError:
        return False
    finally:
        Path(file).write_bytes(before)
    return True


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("of", [EventKind.TROUBLE, EventKind.CONFIGURED])
def test_an_event_that_the_table_calls_another_kind(
    database: sqlite3.Connection, config: Config, kind: EventKind, of: EventKind
) -> None:
    reported(database, config, f"UPDATE event SET kind = '{kind.value}' WHERE kind = '{of.value}'")


@pytest.mark.parametrize("kind", EventKind)
def test_events_whose_bodies_are_empty(database: sqlite3.Connection, config: Config, kind: EventKind) -> None:
    reported(database, config, f"UPDATE event SET body = x'' WHERE kind = '{kind.value}'")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET kind = 'nonsense' WHERE kind = 'trouble'",
        "UPDATE event SET body = CAST(json_set(CAST(body AS TEXT), '$.body', json('{}')) AS BLOB)",
        "UPDATE event SET body = CAST(json_set(CAST(body AS TEXT), '$.body', json('[]')) AS BLOB)",
        "UPDATE result SET scheduled_at = 'x'",
        "UPDATE result SET scheduled_at = scheduled_at || 'x' WHERE channel = 'form'",
        "UPDATE result SET arrived = 'soon', reason = x'00', outcome = 7",
        "UPDATE result SET deadline = 'perhaps'",
        "DELETE FROM event WHERE kind = 'configured'",
        "DELETE FROM event",
        "DELETE FROM result",
    ],
)
def test_whatever_was_changed(database: sqlite3.Connection, config: Config, change: str) -> None:
    reported(database, config, change)


def test_the_fixture_is_a_good_ledger_after_all_that(database: sqlite3.Connection, config: Config) -> None:
    assert reported(database, config)
