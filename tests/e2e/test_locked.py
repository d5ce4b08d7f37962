"""Another process holds SQLite's lock: the main loop goes round, and what was due is sent once the lock is free."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.test_schedule import OFTEN, scheduled
from servers.ca_site import CaSite
from servers.canary_run import configuration

from canary.ledger import EventKind
from canary.model import Outcome

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else can write into this database meanwhile."""
    command = [sys.executable, "-c", _HOLDER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate("\n", timeout=60)


async def test_the_loop_goes_round_and_what_was_due_is_sent_afterwards(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path, alias=OFTEN)
    async with scheduled(config, tmp_path) as run:
        await run.watching()
        await run.until(lambda: run.events(EventKind.SIGHTING), "the first arrival")
        with locked(tmp_path / "state" / "ledger.sqlite"):
            known = run.ledger.state.seq
            await run.until(lambda: run.prober.starting, "a probe that is due")
            await run.rounds(1)
            waiting = list(run.prober.starting)
            assert run.ledger.state.seq == known
        for probe in waiting:
            await run.until(lambda probe=probe: run.ledger.known(probe), "its record")  # type: ignore[misc]
            assert (await run.outcome(probe)).outcome is Outcome.ARRIVED
        assert run.events(EventKind.TROUBLE) == []
