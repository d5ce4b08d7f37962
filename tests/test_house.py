"""The rooms of the house: who may import whom, as pyproject.toml has it, and how long a file may be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LONGEST = 400
"""Lines of a file that one still reads as a whole."""
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the package ``canary`` in ``folder``."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_room_imports_only_what_it_may() -> None:
    checked = lint(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("room", "upstairs", "contract"),
    [
        ("model/words", "canary.mark", "The ground floor stands on nothing"),
        ("judge", "canary.ledger", "One way, no way back up"),
        ("weighing", "canary.judge", "One way, no way back up"),
        ("ledger/state/fold", "canary.queues", "One way, no way back up"),
        ("metrics", "canary.web", "One way, no way back up"),
        ("queues/__init__", "canary.channels", "One way, no way back up"),
        ("metrics/exporter", "canary.channels", "Who shows asks no channel and no queue"),
        ("audit/report/contents", "canary.queues", "Who shows asks no channel and no queue"),
        ("evidence/log", "canary.ledger.schema", "Only the ledger knows its database"),
        ("cli/status", "sqlite3", "Only the ledger knows its database"),
        ("audit/report/contents", "sqlite3", "Only the ledger knows its database"),
        ("audit/verifier/verify", "canary.ledger", "The verifier stands alone"),
        ("audit/bundle/sample", "canary.audit.verifier.sample", "Who makes a bundle shares nothing with who checks it"),
        ("audit/verifier/sample", "canary.audit.bundle", "Who makes a bundle shares nothing with who checks it"),
    ],
)
def test_a_way_back_up_is_found(tmp_path: Path, room: str, upstairs: str, contract: str) -> None:
    shutil.copytree(ROOT / "canary", tmp_path / "canary", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / f"canary/{room}.py").open("a") as file:
        file.write(f"\nimport {upstairs}\n")
    checked = lint(tmp_path)
    assert checked.returncode == 1
    assert f"{contract} BROKEN" in checked.stdout


def test_every_room_has_its_floor() -> None:
    rooms = {name for layer in LAYERS for name in layer.split(" | ")}
    built = {
        f"canary.{path.stem}"
        for path in (ROOT / "canary").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert built - rooms == {"canary.__init__", "canary.__main__"}


@pytest.mark.parametrize("folder", ["canary", "tests", "dashboards"])
def test_no_file_is_too_long_to_be_read(folder: str) -> None:
    lengths = {
        file.relative_to(ROOT): len(file.read_text(encoding="utf-8").splitlines())
        for file in (ROOT / folder).rglob("*.py")
    }
    assert lengths
    too_long = [f"{file} has {lines} lines" for file, lines in sorted(lengths.items()) if lines > LONGEST]
    assert not too_long, f"wanted at most {LONGEST} lines: {', '.join(too_long)}"
