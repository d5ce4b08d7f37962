"""Commands that only read, beside a prober at work and as another user: they answer, and touch nothing of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cli.test_only_reading import DAYS, allow, ran, words
from cli.test_only_reading import folder as folder  # a fixture
from servers.ca_site import CaSite
from servers.canary_run import configuration, running

from canary.model import Outcome


async def test_beside_a_prober_at_work(ca: CaSite, folder: Path) -> None:
    async with running(configuration(ca, folder), folder) as run:
        probe = await run.probe()
        assert (await run.outcome(probe)).outcome is Outcome.ARRIVED
        allow(folder / "state", 0o755, 0o644)
        commands = [
            words(folder / "canary.yaml", "status", "--json"),
            words(folder / "canary.yaml", "probes list", "--json"),
            words(folder / "canary.yaml", "probes show", probe),
            words(folder / "canary.yaml", "exceptions list", "--json"),
            words(folder / "canary.yaml", "evidence status", "--json"),
            words(folder / "canary.yaml", "audit sample", *DAYS, "--seed", "1", "--size", "1", "--json"),
            words(folder / "canary.yaml", "retention run", "--dry-run", "--json"),
        ]
        found = await asyncio.to_thread(ran, folder / "canary.yaml", *commands)
        assert (await run.outcome(await run.probe())).outcome is Outcome.ARRIVED
    for one in (*found["ourselves"], *found["nobody"]):
        assert (one["code"], one["writes"]) == (0, []), one
    assert all(probe in found["nobody"][number]["out"] for number in (1, 2, 5))
