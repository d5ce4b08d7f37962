"""The soak: a canary among real servers and hostile ones, to which everything happens at random by a seed.

Three minutes of it in ``make test``, with the same chances each time; ``make soak MINUTES=60`` before a release, with
others each time. SEED=n repeats those of a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers.ca_site import CaSite
from servers.canary_run import staff
from servers.polling import until
from soak import chaos, verdict
from soak.world import GIVE_UP, World, world

MINUTES = float(os.environ.get("MINUTES") or 3)
_CALM = 75.0
"""Seconds at the end in which nothing more happens, so that every probe can end."""
_SAMPLED = 2.0


def _happen(there: World, until_then: float) -> list[list[tuple[float, int]]]:
    """Let things happen until then; returns the samples of each life of the canary."""
    lives: dict[int, list[tuple[float, int]]] = {}
    began = time.monotonic()
    kinds, weights = list(chaos.ALL), list(chaos.ALL.values())
    while time.monotonic() < until_then:
        happening = there.rng.choices(kinds, weights)[0]
        if happening is chaos.killed and time.monotonic() - began > 0.6 * (until_then - began):
            continue  # so that one life is long enough to tell a leak
        happening(there)
        there.happened[happening.__name__] = there.happened.get(happening.__name__, 0) + 1
        assert there.running.poll() is None, f"it ended after {happening.__name__}: {there.log.read_text()[-3000:]}"
        pause = time.monotonic() + there.rng.uniform(0.3, 2.5)
        while time.monotonic() < pause:
            lives.setdefault(there.running.pid, []).append(there.resources())
            time.sleep(min(_SAMPLED, 0.5))
    return list(lives.values())


def _all_ended(folder: Path) -> None:
    def none_is_open() -> bool:
        return not verdict.still_open(verdict.events(folder))

    try:
        until(none_is_open, "every probe to end", GIVE_UP + 60.0, 1.0)
    except AssertionError as late:
        raise AssertionError("\n".join(verdict.still_open(verdict.events(folder)))) from late


@pytest.mark.timeout(MINUTES * 60 + 600)
def test_soak(site: CaSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("SEED") or 1)
    began, length = time.monotonic(), max(30.0, MINUTES * 60 - _CALM)
    with capsys.disabled():
        sys.stdout.write(f"\nSEED={seed} MINUTES={MINUTES:g}\n")
    fuzzing = subprocess.Popen(
        [sys.executable, "-m", "soak.fuzz_all", str(seed), str(length)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": "tests:."},
        cwd=Path(__file__).parents[2],
    )
    staff(site)
    with world(site, tmp_path, seed) as there:
        lives = _happen(there, began + length)
        (tmp_path / "state/STOP").write_text("the soak has seen enough\n")
        _all_ended(tmp_path)
        lives[-1].append(there.resources())
        stalls = there.stalls()
        code = there.end()
    recorded = verdict.events(tmp_path)
    outcomes = verdict.nothing_lost_or_sent_twice(site, recorded)
    verdict.log_verifies(there.path)
    told = [verdict.flat(life) for life in lives]
    verdict.no_tracebacks(there.log)
    longest = verdict.no_stall(stalls)
    fuzzed = fuzzing.communicate(timeout=300)[0]
    with capsys.disabled():
        sys.stdout.write(f"{there.happened}\n{dict(outcomes)}\n{told[-1]}\n{longest}\n{fuzzed}")
    assert (code, fuzzing.returncode) == (0, 0), fuzzed
