"""A running canary forgets what is old by itself, beside its work."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from servers.ca_site import CaSite
from servers.canary_run import configuration, running

from canary.clock import Clock
from canary.ledger import EventKind
from canary.model import Outcome
from canary.prober.retention import forget_daily


async def test_it_forgets_what_is_old_and_goes_on(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path, alias={"deadline": "2s", "give_up": "2s"})
    config["retention"] = {"messages": "2s", "traces": "2s"}
    async with running(config, tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        await run.until(lambda: run.events(EventKind.FINISHED), "the end")
        for path in (tmp_path / "state/artefacts").glob("*/*"):
            os.utime(path, (0, 0))
        caretaker = asyncio.create_task(forget_daily(run.prober, Clock(), first=0, every=1))
        [sent] = run.events(EventKind.SUBMITTING, probe)
        await run.until(lambda: run.ledger.artefacts.get(sent.body["payload"]) is None, "the forgetting")
        caretaker.cancel()
        assert sent.body["payload"] in run.events(EventKind.FORGOTTEN)[0].body["artefacts"]
        assert (await run.outcome(await run.probe())).outcome in (Outcome.ARRIVED, Outcome.LATE)


async def test_a_fault_of_it_is_recorded_as_ours(ca: CaSite, tmp_path: Path) -> None:
    async with running(configuration(ca, tmp_path), tmp_path) as run:
        (tmp_path / "state/retention.lock").mkdir()  # where a file should be
        caretaker = asyncio.create_task(forget_daily(run.prober, Clock(), first=0, every=0.5))
        await run.until(lambda: run.events(EventKind.TROUBLE), "the fault")
        (tmp_path / "state/retention.lock").rmdir()
        await run.until((tmp_path / "state/retention.lock").is_file, "the next time")
        caretaker.cancel()
    assert "store/not_written" in run.ledger.state.totals.errors
