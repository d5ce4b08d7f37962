"""A configuration that is read again at an awkward moment: while the canary starts, or while it is read already."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from e2e.test_forms import form_channel
from e2e.test_schedule import scheduled
from servers.ca_site import CaSite
from servers.canary_run import configuration, running, written
from servers.form_site import FormSite, Submitted
from servers.polling import until

from canary.config import ConfigError, load
from canary.keyring import open_keyring
from canary.ledger import EventKind, Ledger
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


async def test_in_the_middle_of_a_form_submission(ca: CaSite, tmp_path: Path) -> None:
    taken, answered = threading.Event(), threading.Event()

    def hold(report: Submitted) -> None:
        taken.set()
        answered.wait(60)

    with FormSite(tmp_path, on_submission=hold) as forms:
        config = configuration(ca, tmp_path, form=form_channel(forms))
        del config["channels"]["form"]["to"]
        config["operator"]["domains"].append("127.0.0.1")
        async with running(config, tmp_path) as run:
            probe = await run.probe("form")
            await run.until(taken.is_set, "the submission")
            before = run.prober.endpoints
            await run.prober.reload(lambda: load(tmp_path / "canary.yaml"))
            assert run.prober.endpoints is not before
            answered.set()
            await run.until(lambda: run.events(EventKind.SUBMITTED, probe), "its end")
            [submitted] = run.events(EventKind.SUBMITTED, probe)
    assert (submitted.body["accepted"], submitted.body["component"]) == (True, None)
    assert forms.submissions[0].reference in submitted.body["reference"]


@pytest.mark.parametrize(("before", "after"), [("1h", "10s"), ("10s", "1h")])
async def test_another_interval_holds_at_once(ca: CaSite, tmp_path: Path, before: str, after: str) -> None:
    config = configuration(ca, tmp_path, alias={"interval": before, "max_per_hour": 360})
    async with scheduled(config, tmp_path) as run:
        await run.until(lambda: run.events(EventKind.SCHEDULED), "the first probe")
        config["channels"]["alias"]["interval"] = after
        await run.prober.reload(lambda: load(written(config, tmp_path)))
        known = len(run.events(EventKind.SCHEDULED))
        if after == "10s":
            await run.until(lambda: len(run.events(EventKind.SCHEDULED)) > known + 1, "two more probes")
        else:
            [last] = [event.at for event in run.events(EventKind.SCHEDULED)][-1:]
            old_turn = last + timedelta(seconds=12)
            await run.until(lambda: run.prober.last_tick > old_turn, "a round after the turn that it would have had")
            assert len(run.events(EventKind.SCHEDULED)) == known


async def test_one_that_is_refused_leaves_everything(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path)
    async with running(config, tmp_path) as run:
        before = run.prober.endpoints
        path = written(config | {"surprise": 1}, tmp_path)
        for _ in range(2):
            with pytest.raises(ConfigError):
                await run.prober.reload(lambda: load(path))
        assert run.prober.endpoints is before
        assert not run.prober.reload_ok
        assert [event.body["accepted"] for event in run.events(EventKind.RELOADED)] == [False, False]
