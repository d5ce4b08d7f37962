"""A configuration that is read again at an awkward moment: while the canary starts, or while it is read already."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from servers.ca_site import CaSite
from servers.canary_run import configuration, running, written
from servers.polling import until

from canary.config import load
from canary.keyring import open_keyring
from canary.ledger import Ledger
from canary.model import Outcome
from canary.prober.loop import Prober


def watchers() -> list[str]:
    """The mailboxes that are watched by this process, each as often as it is."""
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("watch "))


async def test_before_the_start(ca: CaSite, tmp_path: Path) -> None:
    path = written(configuration(ca, tmp_path), tmp_path)
    settings = load(path)
    ledger = Ledger(settings.state)
    prober = Prober(settings, ledger, open_keyring(settings.state / "mark.key"))
    reloads = [asyncio.create_task(prober.reload(lambda: load(path))) for _ in range(2)]
    await asyncio.sleep(0)  # they have begun
    assert watchers() == []
    task = asyncio.create_task(prober.run(scheduled=False))
    await asyncio.gather(*reloads)
    await asyncio.to_thread(until, lambda: prober.last_tick or task.done(), "the main loop")
    assert watchers() == ["watch desk", "watch freemail-replies", "watch researcher-replies"]
    prober.stop()
    await task
    ledger.close()
    assert watchers() == []


async def test_several_at_once(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path)
    async with running(config, tmp_path) as run:
        path = tmp_path / "canary.yaml"
        await run.watching()
        before = watchers()
        await asyncio.gather(*(run.prober.reload(lambda: load(path)) for _ in range(4)))
        assert watchers() == before
        verdict = await run.outcome(await run.probe())
    assert verdict.outcome is Outcome.ARRIVED
    assert watchers() == []
