"""Whatever the umask is that it was started with: what a canary makes is for its owner alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from metrics.recorded import settings
from servers.polling import until


def modes_of(state: Path) -> dict[Path, int]:
    """The mode of everything that is there now; what is renamed meanwhile is left out."""
    modes = {}
    for path in [state, *state.rglob("*")]:
        with suppress(FileNotFoundError):
            modes[path] = path.stat().st_mode & 0o777
    return modes


@pytest.mark.parametrize("mask", [0o000, 0o027])
def test_all_that_a_running_canary_makes_is_for_its_owner_alone(tmp_path: Path, mask: int) -> None:
    path = settings(tmp_path)
    path.write_text(path.read_text() + yaml.safe_dump({"evidence": {"checkpoint_every": "10s"}}))
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "canary", "run", str(path)]
        process = subprocess.Popen(command, stderr=log, umask=mask)
    state = tmp_path / "state"
    try:
        until((state / "evidence/log/checkpoint").exists, "a checkpoint", 60)
        process.send_signal(signal.SIGUSR1)
        until((state / "STOP").exists, "the kill switch", 60)
        modes = modes_of(state)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    modes |= modes_of(state)
    assert {path.name for path in modes} >= {"ledger.sqlite-wal", "run.lock", "mark.key", "key", "lock", "head", "STOP"}
    assert {path: f"{mode:04o}" for path, mode in modes.items() if mode & 0o077} == {}
