"""Every recipe of the recovery page, run word by word on a store that is damaged as it says."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from audit.conftest import written
from audit.story import CHANNELS, START, Teller, at, in_force

from canary.config import load
from canary.ledger import Event, EventKind
from canary.ledger.events import silenced
from canary.model import OwnFaultError
from canary.prober.runtime import assembled

PAGE = Path(__file__).parents[2] / "docs" / "recovery.md"
DAYS = ("--from", "2026-03-02", "--to", "2026-03-02")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipes() -> dict[str, list[str]]:
    """The shell blocks of each section of the page; what comes before the first one is under no name."""
    before, *rest = SECTION.split(PAGE.read_text(encoding="utf-8"))
    sections = {"": before, **dict(zip(rest[::2], rest[1::2], strict=True))}
    return {name: BLOCK.findall(text) for name, text in sections.items()}


class Store:
    """A store that a canary used, with a back-up of it as the page makes one, and what was recorded since."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state, self.backup = folder, folder / "state", folder / "backup"
        self.config = written(folder, self.state)
        self.tried: set[str] = set()
        self.use(1)
        self.follow("Making a back-up")
        self.use(2)

    def use(self, day: int) -> None:
        """Some probes of a day, and everything signed."""
        with assembled(load(self.config)) as canary:
            teller = Teller(canary.ledger)
            teller.tell(Event(EventKind.STARTED, at(day), START), in_force(at(day)))
            for hour in range(4):
                for channel in CHANNELS:
                    teller.probe(channel, at(day, hour))
            name = canary.ledger.keep(f"a message of day {day}".encode())
            assert canary.ledger.artefacts.path(name).is_file()
            self.sign(canary.evidence)

    @staticmethod
    def sign(evidence: object) -> None:
        evidence.advance()  # type: ignore[attr-defined]  # of Evidence
        assert evidence.troubles()["signing"] == "", evidence.troubles()  # type: ignore[attr-defined]

    def start(self) -> str:
        """Start the canary, and stop it; why it could not sign, or could not even start, in words."""
        try:
            with assembled(load(self.config)) as canary:
                canary.ledger.append(silenced(at(5), "an alert", at(6), "anna", "something to sign")).result()
                canary.evidence.advance()
                return canary.evidence.troubles()["signing"]
        except OwnFaultError as error:
            return error.detail

    def follow(self, title: str, number: int | None = None) -> None:
        """Run the blocks of a section, or one of them."""
        blocks = recipes()[title]
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "STATE": str(self.state), "CONFIG": str(self.config), "BACKUP": str(self.backup),
            "NEW_ORIGIN": "ca.test/cpr-canary-2",
        }  # fmt: skip
        for block in blocks if number is None else [blocks[number]]:
            done = subprocess.run(
                ["sh", "-eu"], input=block, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (block, done.stderr)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        group = 2 if words[0] in ("audit", "probes", "evidence") else 1
        command = [sys.executable, "-m", "canary", *words[:group], str(self.config), *words[group:]]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def is_whole(self) -> None:
        """The canary starts and signs, and finds everything as it was signed."""
        assert self.start() == ""
        found = self.command("audit", "verify-log")
        assert found.returncode == 0, found.stdout + found.stderr
        assert "as they were signed" in found.stdout

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.state / "ledger.sqlite", isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def spoil(self, *tables: str) -> None:
        """Every page of these tables and indexes is noise."""
        with closing(sqlite3.connect(self.state / "ledger.sqlite")) as connection:
            roots = [row[0] for name in tables for row in connection.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,))]  # fmt: skip
        file = self.state / "ledger.sqlite"
        raw = bytearray(file.read_bytes())
        for root in roots:
            raw[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
        file.write_bytes(raw)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def store(used: Store, tmp_path: Path) -> Store:
    """A copy of it, for one test."""
    copy = object.__new__(Store)
    copy.folder, copy.state, copy.backup = tmp_path, tmp_path / "state", tmp_path / "backup"
    shutil.copytree(used.state, copy.state)
    shutil.copytree(used.backup, copy.backup)
    copy.config = written(tmp_path, copy.state)
    return copy


def test_every_recipe_is_tried_below() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    for title, blocks in recipes().items():
        assert not blocks or f'follow("{title}"' in tests, title


def test_a_store_is_copied_and_looked_at_first(store: Store) -> None:
    store.follow("")
    assert (store.folder / "state.damaged" / "ledger.sqlite").is_file()


def test_a_back_up_is_whole_in_itself(store: Store) -> None:
    shutil.rmtree(store.state)
    store.backup.rename(store.state)
    store.is_whole()


def test_derived_tables(store: Store) -> None:
    store.spoil("result", "event_probe", "result_channel_scheduled_at")
    assert store.command("probes", "list").returncode == 3
    store.follow("A damaged page in what is derived")
    store.is_whole()
    assert store.command("probes", "list").returncode == 0


def test_events_that_are_damaged_are_no_matter_of_that_recipe(store: Store) -> None:
    store.spoil("event")
    with pytest.raises(AssertionError, match="malformed"):
        store.follow("A damaged page in what is derived")


def test_snapshot(store: Store) -> None:
    store.sql("UPDATE snapshot SET book = x'00'")
    assert "the snapshot of the state is not as it was written" in store.start()
    store.follow("A damaged snapshot")
    store.is_whole()


@pytest.mark.parametrize("name", ["head", "log/checkpoint", "log/tile/0/000.p/*", "log/tile/entries/000.p/*"])
def test_files_of_the_evidence(store: Store, name: str) -> None:
    files = [file for file in (store.state / "evidence").glob(name) if file.is_file()]
    assert files
    for file in files:
        file.write_bytes(b"\xa5" * 100)
    assert store.command("audit", "verify-log").returncode in (0, 1, 3)
    store.follow("Damaged or lost files of the evidence")
    store.is_whole()


def test_back_up_put_back(store: Store) -> None:
    store.spoil("event")
    assert "cannot" in store.start()
    store.follow("A back-up that was put back", 0)
    assert "fork" in store.start()
    store.follow("A back-up that was put back", 1)
    store.is_whole()
    assert "ca.test/cpr-canary-2" in store.command("evidence", "key").stdout


def test_lost_log_of_the_database(store: Store) -> None:
    """As at a kill: what is in the log alone goes with it."""
    folder = store.folder / "killed"
    with assembled(load(store.config)) as canary:
        for hour in range(3):
            Teller(canary.ledger).probe("alias", at(3, hour))
        canary.ledger.refresh()
        shutil.copytree(store.state, folder)  # what a kill leaves
        canary.evidence.advance()
        shutil.copytree(store.state / "evidence", store.folder / "signed")
    assert (folder / "ledger.sqlite-wal").stat().st_size
    shutil.rmtree(store.state)
    folder.rename(store.state)
    for what in ("wal", "shm"):
        (store.state / f"ledger.sqlite-{what}").unlink()
    store.is_whole()  # nothing of it was signed
    shutil.rmtree(store.state / "evidence")
    (store.folder / "signed").rename(store.state / "evidence")
    assert "fork" in store.start()
    store.follow("A back-up that was put back", 1)
    store.is_whole()


def test_lost_artefacts(store: Store) -> None:
    kept = {path.relative_to(store.backup) for path in (store.backup / "artefacts").rglob("*") if path.is_file()}
    assert kept
    shutil.rmtree(store.state / "artefacts")
    store.follow("Lost artefacts")
    assert {path.relative_to(store.state) for path in (store.state / "artefacts").rglob("*") if path.is_file()} == kept
    store.is_whole()


@pytest.mark.parametrize("number", [0, 1])
def test_lost_mark_key(store: Store, number: int) -> None:
    (store.state / "mark.key").unlink()
    assert "mark.key" in store.start()
    store.follow("A lost mark key", number)
    store.is_whole()


@pytest.mark.parametrize("number", [0, 1])
def test_lost_evidence_key(store: Store, number: int) -> None:
    (store.state / "evidence" / "key").unlink()
    assert "is not where the configuration says" in store.start()
    store.follow("A lost evidence key", number)
    store.is_whole()
