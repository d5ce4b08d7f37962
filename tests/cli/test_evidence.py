"""``cpr-canary evidence``: keys, state and check as an operator sees them; exit codes tell what was found."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from canary.clock import Clock
from canary.config import load
from canary.evidence.notes import VKey
from canary.evidence.service import Evidence
from canary.ledger import Event, EventKind, Ledger


def evidence(command: str, config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "canary", "evidence", command, str(config), *more],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "160", "TERM": "dumb"},
    )


@pytest.fixture
def signed(config: Path) -> Path:
    """The configuration of a state folder with something signed in it."""
    settings = load(config)
    ledger, clock = Ledger(settings.state, inline=True), Clock()
    event = Event(EventKind.PAUSED, clock.now(), {"channels": [], "reason": "maintenance", "by": "b"})
    ledger.append(*[event] * 300).result()
    Evidence(settings.evidence, settings.state, settings.origin, ledger, clock).advance()
    ledger.close()
    return config


def test_before_the_first_run_there_is_no_key(config: Path) -> None:
    Ledger(load(config).state).close()
    done = evidence("key", config)
    assert (done.returncode, done.stdout) == (1, "")
    assert "it is made when the canary first runs" in done.stderr
    assert evidence("check", config).returncode == 1
    assert json.loads(evidence("status", config, "--json").stdout)["signed_events"] == 0


def test_the_key_and_its_history(signed: Path) -> None:
    first = VKey.parse(evidence("key", signed).stdout.strip())
    assert first.name == "ca.test/cpr-canary"
    rotated = evidence("rotate-key", signed)
    assert rotated.returncode == 0
    assert "the old key signs too until" in rotated.stderr
    second = VKey.parse(rotated.stdout.strip())
    assert evidence("key", signed).stdout.strip() == str(second)
    told = json.loads(evidence("key", signed, "--json").stdout)
    assert [item["vkey"] for item in told["history"]] == [str(first), str(second)]
    assert evidence("check", signed).returncode == 0


def test_state_and_check(signed: Path) -> None:
    done = evidence("check", signed)
    assert (done.returncode, done.stdout.strip()) == (0, "301 events: every one as it was signed")
    done = evidence("status", signed, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["events"], told["signed_events"], told["checked_events"], told["problems"]) == (302, 301, 301, [])
    assert "ca.test/cpr-canary" in evidence("status", signed).stdout


def test_a_changed_event_is_found(signed: Path) -> None:
    with sqlite3.connect(load(signed).state / "ledger.sqlite") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        changed = "CAST(replace(body, 'maintenance', 'holidays!!!') AS BLOB)"
        connection.execute(f"UPDATE event SET body = {changed} WHERE seq = 42")
    done = evidence("check", signed)
    assert done.returncode == 1
    assert "event 42 is not the one that was signed" in done.stdout
    assert json.loads(evidence("check", signed, "--json").stdout)["problems"][0].startswith("event 42 is not")
    assert evidence("status", signed).returncode == 1


def test_a_key_that_others_can_read_is_our_own_fault(signed: Path) -> None:
    (load(signed).state / "evidence/key").chmod(0o644)
    done = evidence("rotate-key", signed)
    assert done.returncode == 3
    told = "".join(done.stderr.split())  # lines are broken anywhere in a long path
    assert "mode 0644 lets others read the evidence key".replace(" ", "") in told


def test_evidence_that_was_changed_is_our_own_fault_and_no_wrong_call(signed: Path) -> None:
    [published] = (load(signed).state / "evidence").rglob("checkpoint")
    published.write_bytes(b"nothing that was ever signed\n")
    done = evidence("status", signed)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"our own fault: {published} is not a signed checkpoint: ")
