"""A ledger that is not what was written is a fault of ours, said in a sentence, whoever reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from ledger.test_results import life

from canary.clock import Clock
from canary.evidence.service import Evidence
from canary.evidence.settings import EvidenceSettings
from canary.ledger import EventKind, Ledger
from canary.ledger.reader import LedgerReader, reading
from canary.ledger.reading import UnreadableLedgerError
from canary.ledger.retention import Retention, Rule
from canary.ledger.version import FILE
from canary.model import OwnFaultError

SET = "UPDATE event SET body = CAST(json_set(CAST(body AS TEXT),"
FOREVER = timedelta(days=36_500)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of some probes that have ended."""
    with closing(Ledger(tmp_path, inline=True)) as ledger:
        for number in range(20):
            ledger.append(*life(f"{number:016}".replace("0", "a").replace("1", "b"))).result()
    return tmp_path


def change(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as connection:
        for trigger in ("event_no_update", "event_no_delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.execute(sql)


def spoil(folder: Path) -> None:
    """Every page but the first is noise."""
    file = folder / FILE
    raw = file.read_bytes()
    file.write_bytes(raw[:4096] + b"\xa5" * (len(raw) - 4096))


READERS: dict[str, Callable[[LedgerReader], object]] = {
    "events": lambda ledger: list(ledger.events()),
    "of a kind": lambda ledger: list(ledger.events(kind=EventKind.SCHEDULED)),
    "leaves": lambda ledger: list(ledger.leaves()),
    "leaf": lambda ledger: ledger.leaf(3),
    "head": lambda ledger: ledger.head(),
    "state": lambda ledger: ledger.state,
    "count": lambda ledger: ledger.count_events(),
    "results": lambda ledger: list(ledger.results()),
    "newest": lambda ledger: ledger.newest_results(5),
    "checked": lambda ledger: list(ledger.check_results()),
    "cursor": lambda ledger: ledger.cursor("desk"),
    "find": lambda ledger: ledger.find("a" * 16),
}


@pytest.mark.parametrize("ask", READERS.values(), ids=READERS)
def test_noise_on_the_disk_is_told_by_every_reader(folder: Path, ask: Callable[[LedgerReader], object]) -> None:
    spoil(folder)
    with (
        pytest.raises(UnreadableLedgerError, match=r"cannot read the ledger: .*recovery.md"),
        reading(folder) as ledger,
    ):
        ask(ledger)


@pytest.mark.parametrize(
    ("sql", "ask", "where"),
    [
        ("UPDATE event SET body = x'7b' WHERE seq = 7", "events", "event 7"),
        ("UPDATE event SET body = CAST('[]' AS BLOB) WHERE seq = 7", "events", "event 7"),
        ("UPDATE event SET body = 42 WHERE seq = 7", "leaves", "event 7"),
        (f"{SET} '$.kind', 'x') AS BLOB) WHERE seq = 7", "events", "event 7"),
        (f"{SET} '$.body', json('{{}}')) AS BLOB)", "find", "probe aaaaaaaaaaaaaaaa"),
        ("UPDATE event SET at = 'x'", "head", "event"),
        ("UPDATE result SET owed = '{'", "results", "the row"),
        ("UPDATE snapshot SET book = x'00'", "state", "the snapshot"),
        ("INSERT INTO cursor VALUES ('desk', x'7b')", "cursor", "the row"),
    ],
)  # fmt: skip
def test_what_is_not_what_was_written_is_told_with_its_place(folder: Path, sql: str, ask: str, where: str) -> None:
    change(folder, sql)
    with reading(folder) as ledger, pytest.raises(UnreadableLedgerError, match=f"{where}.* is not as it was written"):
        READERS[ask](ledger)


@pytest.mark.parametrize(
    "column", ["at = '2020-01-01T00:00:00.000000Z'", "kind = 'checked'", "probe = 'zzzz'", "probe = NULL"]
)
def test_an_event_that_stands_under_another_name_is_found(folder: Path, column: str) -> None:
    with reading(folder) as ledger:
        assert ledger.misplaced(1, 1000) == []
    change(folder, f"UPDATE event SET {column} WHERE seq = 7")
    with reading(folder) as ledger:
        assert ledger.misplaced(1, 1000) == [7]
        assert ledger.misplaced(8, 1000) == []


@pytest.fixture
def running(folder: Path) -> Iterator[Ledger]:
    """The ledger of a canary that runs while its disk dies, with nothing of it in SQLite's memory."""
    with closing(Ledger(folder)) as ledger:
        yield ledger


def test_signing_and_retention_record_it_and_go_on(running: Ledger, folder: Path) -> None:
    evidence = Evidence(EvidenceSettings(), folder, "ca.test/log", running, Clock())
    assert evidence.advance() is not None
    assert evidence.troubles()["signing"] == ""
    change(folder, "UPDATE event SET body = x'7b' WHERE seq = 7")
    assert evidence.check().problems  # type: ignore[union-attr]  # something is signed
    change(folder, "ALTER TABLE event RENAME TO elsewhere")
    evidence.advance()
    assert "no such table: event" in evidence.troubles()["signing"]
    with pytest.raises(OwnFaultError):
        Retention(running, {Rule.EVENTS: FOREVER}, Clock()).run()
    change(folder, "ALTER TABLE elsewhere RENAME TO event")
    running.append(*life("c" * 16)).result()
    evidence.advance()  # event 7 is still not the one that was signed
    assert "event 7" in evidence.troubles()["signing"]
