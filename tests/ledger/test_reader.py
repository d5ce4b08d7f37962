"""A ledger read by who never writes: whatever stands beside the database, nothing is made there, and all is seen."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest
from builders import after
from ledger.test_results import NAME, life

from canary.ledger import Event, EventKind, Ledger
from canary.ledger.opening import _ALONE, _IMMUTABLE, _SHARED, _way
from canary.ledger.reader import LedgerReader, as_it_stands, reading
from canary.ledger.state import dump
from canary.ledger.version import FILE, VERSION
from canary.model import OwnFaultError

OTHER = "anotherprobe2222"
LAST = 11
"""The number of events of two probes."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "state")) as opened:
        opened.append(*life(), *life(OTHER, at=60, arrives=False)).result()
        yield opened


def trouble(at: float) -> Event:
    return Event(EventKind.TROUBLE, after(at), {"component": "imap", "reason": "login", "detail": "no"})


def copied(ledger: Ledger, folder: Path, *names: str) -> Path:
    """A copy of what a killed process leaves, or of a part of it."""
    folder.mkdir()
    for name in names:
        shutil.copy(ledger.folder / f"{FILE}{name}", folder)
    return folder


def numbers(ledger: LedgerReader) -> list[int]:
    return [event.seq for event in ledger.events()]


@pytest.mark.parametrize(
    ("beside", "way"), [(("", "-wal", "-shm"), _SHARED), (("", "-wal"), _ALONE)], ids=["killed", "copied"]
)
def test_what_is_only_in_the_log_of_the_database_is_read(
    ledger: Ledger, tmp_path: Path, beside: tuple[str, ...], way: str
) -> None:
    folder = copied(ledger, tmp_path / "copy", *beside)
    assert (folder / f"{FILE}-wal").stat().st_size > 0
    assert _way(folder / FILE) == way
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with reading(folder) as copy:
        assert list(copy.events()) == list(ledger.events())
        assert list(copy.results()) == list(ledger.results())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("empty", [False, True], ids=["closed", "with an empty log"])
def test_where_nobody_writes_the_database_alone_is_read(ledger: Ledger, empty: bool) -> None:
    ledger.close()
    if empty:
        (ledger.folder / f"{FILE}-wal").touch()
    assert _way(ledger.folder / FILE) == _IMMUTABLE
    before = sorted(path.name for path in ledger.folder.iterdir())
    with reading(ledger.folder) as closed:
        assert len(list(closed.events())) == closed.count_events() == LAST
    assert sorted(path.name for path in ledger.folder.iterdir()) == before


def test_beside_a_writer_it_is_read_as_it_grows_or_as_it_stands(ledger: Ledger) -> None:
    with reading(ledger.folder) as growing, growing.moment() as standing:
        before = numbers(standing)
        assert numbers(growing) == before
        ledger.append(trouble(700)).result()
        assert numbers(growing) == [*before, before[-1] + 1]
        assert numbers(standing) == before
        assert standing.state.seq == before[-1]
        assert growing.state.seq == before[-1] + 1


def test_whoever_locks_nothing_notices_that_somebody_wrote(ledger: Ledger) -> None:
    def read_while_somebody_writes() -> None:
        with reading(ledger.folder) as closed:
            numbers(closed)
            with closing(Ledger(ledger.folder)) as again:
                again.append(trouble(700)).result()

    ledger.close()
    with pytest.raises(OwnFaultError, match="was written to while it was read; do it again"):
        read_while_somebody_writes()


def test_the_state_is_that_of_the_writer(ledger: Ledger) -> None:
    with as_it_stands(ledger.folder) as standing:
        assert dump(standing.state) == dump(ledger.state)
        assert standing.find(NAME) == ledger.find(NAME)
    ledger.keep_snapshot()
    ledger.append(trouble(700), *life("openprobe2222222", at=900)[:3]).result()
    with as_it_stands(ledger.folder) as standing:
        assert dump(standing.state) == dump(ledger.state)


def test_as_of_a_size_later_events_are_not_there(ledger: Ledger) -> None:
    ended = next(event.seq for event in ledger.events(kind=EventKind.FINISHED))
    for size in range(LAST + 1):
        then = ledger.at(size)
        assert numbers(then) == list(range(1, size + 1))
        assert [seq for seq, _ in then.leaves()] == numbers(then)
        assert then.count_events() == size
        assert (then.head() is None) == (size == 0)
        assert [row.finished_seq for row in then.results()] == [n for n in (ended, LAST) if n <= size]
        assert then.count_results() == len(list(then.results()))
        assert (then.ended_probe(NAME) is None) == (size < ended)
        assert then.leaf(size + 1) is None
        assert [row.probe for row in then.listed(0)] == [NAME, OTHER][: (size >= 1) + (size > ended)]
        assert [row.finished for row in then.listed(0)][:1] in ([], [ended if size >= ended else None])


def test_a_part_of_the_log_lists_what_began_or_ended_in_it(ledger: Ledger) -> None:
    began, ended = [
        [event.seq for event in ledger.events(kind=kind)] for kind in (EventKind.SCHEDULED, EventKind.FINISHED)
    ]
    for start, end in combinations(range(LAST + 1), 2):
        inside = [
            probe
            for probe, *known in zip((NAME, OTHER), began, ended, strict=True)
            if any(start < seq <= end for seq in known)
        ]
        assert [row.probe for row in ledger.at(end).listed(start)] == inside, (start, end)


@pytest.mark.parametrize(
    ("version", "words"),
    [(0, "is of an earlier version: `cpr-canary run` brings it up to date"), (VERSION + 1, "by a newer canary")],
)
def test_another_format_is_said_to_be_one(ledger: Ledger, version: int, words: str) -> None:
    ledger.close()
    with closing(sqlite3.connect(ledger.folder / FILE)) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    with pytest.raises(OwnFaultError, match=words), reading(ledger.folder):
        pass


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 1000)
    with pytest.raises(OwnFaultError) as caught, reading(tmp_path):
        pass
    found = f"{tmp_path / FILE}: file is not a database"
    assert str(caught.value) == f"cannot read the ledger: {found}; see docs/recovery.md"


def test_a_name_with_signs_of_addresses_is_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "a?b#c%41 d"
    Ledger(folder).close()
    with reading(folder) as found:
        assert found.head() is None
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
