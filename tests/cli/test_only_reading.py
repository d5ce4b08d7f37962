"""Commands that only read open nothing for writing: whoever asks, beside whoever writes, on a read-only copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from audit.verifier.office import Office
from bench.bench_audit import configuration
from bench.history import History
from cli.test_commands import cpr_canary
from cli.test_lazy import ALL
from e2e.test_locked import locked

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
DAYS = ("--from", TODAY, "--to", f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}")
BEFORE = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
COMMANDS = (
    ("status", "--json"),
    ("probes list", "--json"),
    ("exceptions list", *DAYS, "--json"),
    ("evidence status", "--json"),
    ("evidence key",),
    ("audit report", *DAYS, "--out", "{out}/report", "--json"),
    ("audit commit", "--from", BEFORE, "--to", BEFORE, "--out", "{out}/commitment.json", "--json"),
    ("audit sample", *DAYS, "--seed", "1", "--size", "2", "--json"),
    ("audit bundle", *DAYS, "--seed", "1", "--size", "2", "--out", "{out}/bundle.zip", "--json"),
    ("audit verify-log", "--json"),
    ("retention run", "--dry-run", "--json"),
)
OTHERS = {
    "run", "probe", "pause", "resume", "stop-all", "silence", "rotate-key", "evidence rotate-key",
    "exceptions annotate",
    "exceptions show",  # wants an exception, which nothing here has; it reads what the list reads
    "audit open",  # only for who may read the sealing key
    "evidence check",  # what it found is kept by who may write it, see below
    "probes show",  # of one probe, see below
    "check", "demo", "form inspect", "audit verify", "variants", "schema",  # ask no ledger that is there
}  # fmt: skip
"""Every other command: it writes, or it reads no ledger."""
TELL_THE_TIME = ("audit report", "audit bundle", "retention run")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody may look into, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="canary-", dir="/tmp") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def config(folder: Path) -> Path:
    """The configuration of a ledger with two probes, signed and closed; anybody may read it."""
    office = Office(folder / "state", "example-ca.test/cpr-canary")
    office.log.advance()
    office.probe()
    office.probe(arrives=None)
    office.stop()
    office.close()
    allow(folder / "state", 0o755, 0o644)
    file = folder / "canary.yaml"
    file.write_text(yaml.safe_dump(configuration(folder / "state", History(channels=1))), encoding="utf-8")
    return file


def allow(state: Path, folders: int, files: int) -> None:
    for path in (*state.rglob("*"), state):
        path.chmod(folders if path.is_dir() else files)


def as_it_is(state: Path) -> dict[Path, tuple[int, int]]:
    """Every file in it, with its size and when it was changed."""
    files = (path for path in state.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def words(config: Path, name: str, *options: str) -> list[str]:
    return [*name.split(), str(config), *options]


def ran(config: Path, *commands: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What came of the commands as ourselves and as nobody."""
    script = Path(__file__).with_name("only_reading.py")
    done = subprocess.run(
        [sys.executable, script, config.with_name("state")],
        input=json.dumps(commands),
        env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def watched(config: Path, *commands: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The same; every file in the state folder is as it was before, and there is no other."""
    before = as_it_is(config.with_name("state"))
    found = ran(config, *commands)
    assert as_it_is(config.with_name("state")) == before
    return found


def only_read(config: Path) -> None:
    """Assert that every command answers, alike for ourselves and for nobody, and writes nothing."""
    found = watched(config, *(words(config, *command) for command in COMMANDS))
    for (name, *_), ours, theirs in zip(COMMANDS, found["ourselves"], found["nobody"], strict=True):
        assert (name, ours["code"], ours["writes"]) == (name, 0, []), ours
        assert (name, theirs["code"], theirs["writes"]) == (name, 0, []), theirs
        assert ours["out"]
        assert name in TELL_THE_TIME or theirs["out"].replace("out-of-nobody", "out-of-ourselves") == ours["out"]


def test_no_command_is_left_out() -> None:
    assert {" ".join(command) for command in ALL} == {name for name, *_ in COMMANDS} | OTHERS


def test_on_a_folder_that_nobody_may_write_into(config: Path) -> None:
    allow(config.with_name("state"), 0o555, 0o444)
    only_read(config)
    allow(config.with_name("state"), 0o755, 0o644)


def test_beside_a_writer_while_another_process_holds_the_lock(config: Path) -> None:
    state = config.with_name("state")
    allow(state, 0o700, 0o600)
    office = Office(state, "example-ca.test/cpr-canary")
    allow(state, 0o755, 0o644)
    with locked(state / "ledger.sqlite"):
        only_read(config)
    office.close()


def test_a_probe_that_is_on_its_way_is_shown_to_whoever_may_only_read(config: Path) -> None:
    allow(config.with_name("state"), 0o700, 0o600)
    office = Office(config.with_name("state"), "example-ca.test/cpr-canary")
    probe = office.probe(ends=False)
    allow(config.with_name("state"), 0o755, 0o644)
    found = watched(config, words(config, "probes show", probe), words(config, "probes list", "--json"))["nobody"]
    office.close()
    assert [(one["code"], one["writes"]) for one in found] == [(0, []), (0, [])]
    assert probe in found[0]["out"]
    newest, *_ = json.loads(found[1]["out"])
    assert (newest["probe"], newest["final"]) == (probe, False)


def test_whoever_may_only_read_checks_the_whole_ledger(config: Path) -> None:
    """What was found is kept by who may write it."""
    before = as_it_is(config.with_name("state"))
    found = ran(config, words(config, "evidence check"), words(config, "evidence status", "--json"))
    kept = config.with_name("state") / "evidence" / "verified.json"
    assert as_it_is(config.with_name("state")).keys() - before.keys() == {kept}
    for check, _ in found.values():
        assert (check["code"], check["out"]) == (0, "16 events: every one as it was signed\n")
    assert json.loads(found["ourselves"][1]["out"])["checked_events"] == 16


@pytest.mark.parametrize("name", [name for name, *_ in COMMANDS] + ["evidence check", "probes show"])
def test_where_there_is_no_ledger_it_is_said_and_none_is_made(config: Path, name: str) -> None:
    nowhere = config.with_name("nowhere")
    config.write_text(config.read_text().replace(str(config.with_name("state")), str(nowhere)))
    options = next((options for known, *options in COMMANDS if known == name), [])
    more = ["aaaaaaaaaaaaaaaa"] if name == "probes show" else []
    done = cpr_canary(*words(config, name, *more, *(option.format(out=config.parent) for option in options)))
    assert (done.returncode, done.stdout) == (3, "")
    assert f"there is no ledger in {nowhere}: `cpr-canary run` makes it" in " ".join(done.stderr.split())
    assert not nowhere.exists()
    assert {path.name for path in config.parent.iterdir()} == {"canary.yaml", "state"}


def test_a_ledger_that_one_may_not_read_is_said_to_be_so(config: Path) -> None:
    config.with_name("state").chmod(0o000 if os.getuid() else 0o700)
    found = ran(config, words(config, "status"))["nobody"][0]
    config.with_name("state").chmod(0o700)
    assert (found["code"], found["out"]) == (3, "")
    assert f"cannot read the ledger in {config.with_name('state')}: Permission denied" in " ".join(found["err"].split())
