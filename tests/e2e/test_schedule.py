"""The schedule at work: what is due is sent, a failure is confirmed, and every switch holds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, written
from servers.form_examples import STEPS
from servers.form_site import Fault, FormSite

from canary.config import ConfigError, load
from canary.ledger import EventKind, inventories
from canary.model import Outcome
from canary.prober.runtime import assembled

OFTEN = {"interval": "4s", "max_per_hour": 900}


@asynccontextmanager
async def scheduled(config: dict[str, Any], folder: Path) -> AsyncIterator[Run]:
    """A prober on its own schedule."""
    settings = load(written(config, folder))
    with assembled(settings, rng=random.Random(1)) as canary:
        task = asyncio.create_task(canary.prober.run())
        try:
            yield Run(canary.prober)
        finally:
            canary.stop()
            await task


async def test_every_channel_is_probed_again_and_again_by_every_sender(ca: CaSite, tmp_path: Path) -> None:
    ca.add_alias("other", ["desk"])
    channels = {"alias": OFTEN | {"senders": ["researcher", "freemail"]}, "other": OFTEN | {"to": "other@ca.test"}}
    async with scheduled(configuration(ca, tmp_path, **channels), tmp_path) as run:
        await run.until(lambda: len(run.events(EventKind.SIGHTING)) >= 4, "four arrivals")
        sent = [event.body for event in run.events(EventKind.SCHEDULED)]
    assert {body["channel"] for body in sent} == {"alias", "other"}
    assert {body["sender"] for body in sent if body["channel"] == "alias"} == {"researcher", "freemail"}


async def test_failure_is_confirmed_once_by_the_same_sender_and_variant(ca: CaSite, tmp_path: Path) -> None:
    ca.sieve('require "fileinto"; fileinto "General";', "desk")
    config = configuration(ca, tmp_path, alias=OFTEN | {"interval": "1h", "variants": ["plain", "V04", "V10"]})
    config["confirm_after"] = "1s"
    async with scheduled(config, tmp_path) as run:
        await run.watching()
        [sent, *_] = await run.until(lambda: run.events(EventKind.SCHEDULED), "the first probe")
        failed = sent.probe
        await run.until(lambda: any(e.body["confirms"] == failed for e in run.events(EventKind.SCHEDULED)), "it")
        [confirmation] = [e for e in run.events(EventKind.SCHEDULED) if e.body["confirms"] == failed]
        [first] = run.events(EventKind.SCHEDULED, failed)
        await run.outcome(confirmation.probe or "")
        await run.later(2)
        assert {e.body["confirms"] for e in run.events(EventKind.SCHEDULED)} <= {None, failed}
    assert [confirmation.body[key] for key in ("sender", "variant")] == [
        first.body[key] for key in ("sender", "variant")
    ]


async def test_report_that_was_only_on_its_way_is_not_confirmed(ca: CaSite, tmp_path: Path) -> None:
    ca.sieve('require "fileinto"; fileinto "General";', "desk")
    config = configuration(ca, tmp_path, alias={"interval": "1h"})
    config["confirm_after"] = "5s"
    async with scheduled(config, tmp_path) as run:
        await run.watching()
        probe = await run.probe()
        assert (await run.outcome(probe)).outcome is Outcome.WRONG_QUEUE
        with ca.session("desk") as desk:
            desk.select_folder("General")
            desk.move(desk.search(), "CPR")
        await run.until(lambda: run.verdict(probe).outcome is Outcome.ARRIVED, "the move")
        await run.later(6)
        assert {e.body["confirms"] for e in run.events(EventKind.SCHEDULED)} == {None}


async def test_blackout_pause_kill_switch_and_caps_keep_a_channel_silent(ca: CaSite, tmp_path: Path) -> None:
    for name in ("dark", "paused", "open"):
        ca.add_alias(name, ["desk"])
    channels = {name: OFTEN | {"to": f"{name}@ca.test"} for name in ("dark", "paused", "open")}
    config = configuration(ca, tmp_path, **channels)
    now = datetime.now(UTC)
    window = {"from": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    config["blackouts"] = [{**window, "channels": ["dark"], "reason": "migration", "approved_by": "the tests"}]
    async with scheduled(config, tmp_path) as run:
        body = {"channels": ["paused"], "reason": "test", "by": "the tests"}
        await run.prober._append(EventKind.PAUSED, body)
        await run.until(lambda: len(run.events(EventKind.SCHEDULED)) >= 2, "two probes")
        (tmp_path / "state" / "STOP").write_text("enough\n", encoding="utf-8")
        await run.until(lambda: run.events(EventKind.STOPPED_ALL), "the switch")
        await run.later(0)  # what had begun before it is recorded
        stopped_at = len(run.events(EventKind.SCHEDULED))
        await run.later(5)  # a period, and a tenth more
        sent = run.events(EventKind.SCHEDULED)
        assert {event.body["channel"] for event in sent} == {"open"}
        assert len(sent) == stopped_at
        holds = {"dark": {"blackout", "stopped"}, "paused": {"paused", "stopped"}, "open": {"stopped"}}
        assert held(run) == holds
        [thrown] = run.events(EventKind.STOPPED_ALL)
        assert thrown.body == {"reason": "enough", "by": None}
        (tmp_path / "state" / "STOP").unlink()
        await run.until(lambda: run.events(EventKind.CLEARED), "the switch being reset")
        await run.until(lambda: "open" not in run.ledger.state.totals.held, "the next probe")


def held(run: Run) -> dict[str, set[str]]:
    """By channel, why its probes were not sent; each hold was told once."""
    told = [(event.body["channel"], event.body["reason"]) for event in run.events(EventKind.HELD)]
    assert len(told) == len(set(told))
    return {channel: {why for held, why in told if held == channel} for channel, _ in told}


async def test_what_is_in_force_is_recorded_at_the_start_and_at_a_reload(ca: CaSite, tmp_path: Path) -> None:
    config = configuration(ca, tmp_path)
    async with scheduled(config, tmp_path) as run:
        await run.until(lambda: run.events(EventKind.CONFIGURED), "the start")
        config["channels"]["second"] = config["channels"]["alias"] | {"to": "second@ca.test"}
        await run.prober.reload(lambda: load(written(config, tmp_path)))
        path = written(config | {"surprise": 1}, tmp_path)
        with pytest.raises(ConfigError):
            await run.prober.reload(lambda: load(path))
        before, after = inventories(run.events(EventKind.CONFIGURED))
    assert (list(before.channels), list(after.channels)) == (["alias"], ["alias", "second"])
    [started] = run.events(EventKind.STARTED)
    assert (started.body["configuration"], started.body["scheduled"]) == (before.configuration, True)
    assert [event.body["accepted"] for event in run.events(EventKind.RELOADED)] == [True, False]


async def test_cap_on_open_probes(ca: CaSite, tmp_path: Path) -> None:
    ca.silently_drop("problem-report")
    config = configuration(ca, tmp_path, alias=OFTEN)
    config["limits"] = {"open_probes": 1}
    async with scheduled(config, tmp_path) as run:
        await run.until(lambda: run.events(EventKind.SUBMITTED), "the first probe")
        await run.later(5)  # a period, and a tenth more
        assert len(run.events(EventKind.SCHEDULED)) == 1
        assert held(run) == {"alias": {"cap"}}


async def test_channel_that_revokes_by_machine_is_looked_at_and_never_submitted(ca: CaSite, tmp_path: Path) -> None:
    with FormSite(tmp_path) as forms:
        channel = OFTEN | {
            "kind": "web_form",
            "url": f"{forms.url}/report",
            "steps": STEPS["report"],
            "confirm": {"text": "Thank you"},
            "serial": "00c0ffee00c0ffee",
            "reachability_only": True,
        }
        config = configuration(ca, tmp_path, portal=channel)
        del config["channels"]["portal"]["to"]
        config["operator"]["domains"].append("127.0.0.1")
        async with scheduled(config, tmp_path) as run:
            await run.until(lambda: run.events(EventKind.CHECKED), "the first look")
            assert run.events(EventKind.CHECKED)[0].body["outcome"] == "arrived"
            forms.fault = Fault.ERROR
            await run.until(lambda: run.events(EventKind.CHECKED)[-1].body["outcome"] == "form_error", "the fault")
            assert run.events(EventKind.SCHEDULED) == []
        assert forms.submissions == []
