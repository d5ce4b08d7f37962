"""A configuration of which anything cannot be used is refused, and all of the running one stays."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prober.conftest import memory_ca_installed
from prober.spoilt import CASES, NEVER, Live
from servers.polling import until

from canary.budgets import Budget
from canary.config import Config
from canary.config.sections import Web
from canary.ledger import EventKind
from canary.model import CanaryError, Component, OwnFaultError
from canary.prober import reloading
from canary.prober.gate import stop_all, stop_reason
from canary.prober.runtime import Runtime, assembled


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    with memory_ca_installed(monkeypatch) as kinds:
        kinds.CAS["one"] = kinds.MemoryCa(now=lambda: datetime.now(UTC))
        yield Live(tmp_path, monkeypatch, kinds)
        NEVER.set()
        until(lambda: not hanging_threads(), "the end of what hung")
        NEVER.clear()


def hanging_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "canary-made"]


@asynccontextmanager
async def at_work(live: Live) -> AsyncIterator[Runtime]:
    """The canary, until the block ends; it has signed once."""
    with assembled(live.load()) as live.canary:
        running = asyncio.create_task(live.canary.run())
        try:
            await asyncio.to_thread(until, lambda: live.log.exists() and live.canary.prober.last_tick, "the start")
            yield live.canary
        finally:
            live.canary.stop()
            await running


async def refused(live: Live, words: str, name: str = "") -> None:
    """Reload, and assert that it is refused in these words, and that nothing of the running one has changed."""
    prober, evidence = live.canary.prober, live.canary.evidence
    before = (prober.endpoints, prober.config, evidence.generation, prober.reloaded_at)
    with pytest.raises(CanaryError, match=words):
        await prober.reload(live.load)
    assert (prober.endpoints, prober.config, evidence.generation, prober.reloaded_at) == before, name
    assert (prober.reload_ok, live.metric()) == (False, "cpr_canary_config_last_reload_successful 0.0"), name
    assert live.reloads()[-1]["accepted"] is False, name
    if "key" in live.tree["evidence"]:
        old, new = live.log.read_bytes(), await asyncio.to_thread(evidence.log.advance, force=True)
        assert new is not None, name
        assert live.log.read_bytes() != old, name


async def test_what_cannot_be_used_is_refused_and_all_of_the_running_one_stays(live: Live) -> None:
    """One after another, on one canary: none leaves anything for the next one, nor for a good one in between."""
    good, patch = yaml.safe_dump(live.tree), live.patch
    async with at_work(live) as canary:
        for number, (name, (words, spoil)) in enumerate(CASES.items(), 1):
            with patch.context() as live.patch:
                if "hang" in name:
                    live.patch.setattr(reloading, "RELOAD", Budget("all of it", seconds=0.3))
                spoil(live)
                await refused(live, words, name)
            live.restore(good, confirm_after=f"{number}s")
            await canary.prober.reload(live.load)
            assert (canary.prober.config.confirm_after, canary.prober.reload_ok) == (number, True), name
    assert [body["accepted"] for body in live.reloads()] == [False, True] * len(CASES)


def test_it_is_known_of_every_key_how_it_changes() -> None:
    """Whoever adds a section finds out here that a reload must take it over, or refuse it by its name in FIXED."""
    by_whom = {
        "operator": "what is composed; but for the log's name",
        "state": "fixed",
        "web": "canary.web.access; but for listen",
        "browser": "the new endpoints",
        "limits": "the gate",
        "retention": "whoever forgets daily",
        "evidence": "the new generation; but for origin",
        "audit": "commands, which read the file themselves",
        "confirm_after": "judging",
        "gateway": "whoever takes in mail",
        "watch": "the new endpoints",
        "senders": "the new endpoints",
        "channels": "the new endpoints",
        "blackouts": "the gate",
        "blind_drills": "whoever composes",
    }
    assert set(Config.model_fields) == set(by_whom)
    assert set(Web.model_fields) == {"listen", "hosts", "token", "config_file", "histograms"}
    assert list(reloading.FIXED) == ["state", "web.listen", "evidence.origin"]


async def test_one_that_cannot_be_recorded_is_refused(live: Live) -> None:
    async with at_work(live) as canary:
        recorder, record = canary.prober._recorder, canary.prober._recorder.record

        async def full(*events: Any, **more: Any) -> Any:
            if any(event.kind is EventKind.CONFIGURED for event in events):
                raise OwnFaultError(Component.STORE, "not_written", "the disk is full")
            return await record(*events, **more)

        with live.patch.context() as patch:
            patch.setattr(recorder, "record", full)
            live.tree["confirm_after"] = "7s"
            await refused(live, "the disk is full")
        await canary.prober.reload(live.load)
        assert canary.prober.reload_ok


async def test_the_kill_switch_is_looked_for_where_it_always_was(live: Live) -> None:
    async with at_work(live) as canary:
        live.tree["state"] = "other"
        await refused(live, "^state: got ")
        stop_all(live.folder / "state", "enough")
        assert stop_reason(canary.prober.config.state) == "enough"
        assert await canary.prober._asked.now() == "enough"
    assert not (live.folder / "other").exists()


async def test_a_caller_that_goes_away_leaves_no_half_of_it(live: Live) -> None:
    async with at_work(live) as canary:
        before, live.tree["confirm_after"] = canary.prober.endpoints, "7s"
        asking = asyncio.create_task(canary.prober.reload(live.load))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.to_thread(until, lambda: canary.prober.endpoints is not before, "the new one")
        await canary.prober.reload(live.load)
    assert [body["accepted"] for body in live.reloads()] == [True, True]
