"""A ledger whose process is killed, or whose disk is full: what was acknowledged is there, and nothing by half."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ledger.checking import is_whole, start

from canary.ledger import Ledger
from canary.ledger.events import digest
from canary.ledger.schema import open_for_writing
from canary.model import Component, OwnFaultError

ROUNDS = 6


def test_kill_9_at_any_instant_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(9)
    acknowledged: dict[int, tuple[str, str]] = {}
    for number in range(ROUNDS):
        writer = start("writing.py", tmp_path, "abcdef"[number], "0")
        assert writer.stdout is not None
        try:
            lines = [writer.stdout.readline() for _ in range(chance.randint(1, 80))]
        finally:
            writer.kill()
        lines += writer.stdout.readlines()
        writer.wait()
        for line in lines:
            seq, event, payload = line.split()
            assert int(seq) not in acknowledged
            acknowledged[int(seq)] = event, payload

        ledger = Ledger(tmp_path)
        is_whole(ledger)
        told = {event.seq: digest(event.canonical()) for event in ledger.events()}
        assert {seq: told.get(seq) for seq in acknowledged} == {seq: event for seq, (event, _) in acknowledged.items()}
        assert all(ledger.artefacts.get(payload) is not None for _, payload in acknowledged.values())
        if number % 2:  # the next one starts from a snapshot, or from none
            ledger.close()
    assert len(acknowledged) > ROUNDS


def test_a_full_disk_is_told_and_writes_nothing_by_half(tmp_path: Path) -> None:
    process = start("full_disk.py", tmp_path)
    found = json.loads(process.communicate(timeout=120)[0])
    assert found == {
        "before": "1 added",
        "full": ["store/not_written"] * 3,
        "not_written": 3,
        "open": [],
        "channels": 0,
        "known": False,
        "cursor": {"uid": 1},
        "seq": 1,
        "after": "2 added",
        "numbers": [1, 2, 3],
    }
    ledger = Ledger(tmp_path)
    is_whole(ledger)
    ledger.close()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that also those find who are not root."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_folder_that_turns_read_only_is_told_and_all_goes_on_when_it_is_not_any_more(public_folder: Path) -> None:
    process = start("read_only.py", public_folder)
    found = json.loads(process.communicate(timeout=120)[0])
    assert found == {
        "before": ["done", "done"],
        "read-only": ["store/not_written", "store/not_written"],
        "not_written": 2,
        "after": ["done", "done"],
        "numbers": [1, 2],
    }
    for path in (public_folder / "state", *(public_folder / "state").rglob("*")):
        os.chown(path, os.geteuid(), -1)  # root's process did it as nobody
    with closing(Ledger(public_folder / "state")) as ledger:
        is_whole(ledger)


def test_a_ledger_that_cannot_be_opened_is_our_own_fault(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    (tmp_path / "garbage").mkdir(0o700)
    (tmp_path / "garbage/ledger.sqlite").touch(0o600)
    (tmp_path / "garbage/ledger.sqlite").write_bytes(b"no database at all" * 1000)
    for name, why in {"a file": "File exists", "a file/below": "Not a directory", "garbage": "not a database"}.items():
        with pytest.raises(OwnFaultError, match=f"cannot use the ledger in .*{why}") as error:
            Ledger(tmp_path / name)
        assert (error.value.component, error.value.reason) == (Component.STORE, "unusable")


def test_the_database_survives_a_power_cut_by_its_settings(tmp_path: Path) -> None:
    """Every commit is synchronised to the disk before it returns: the log is WAL, and synchronous is FULL (2)."""
    with closing(open_for_writing(tmp_path / "ledger.sqlite")) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
