"""Another configuration whose parts raise or hang: it is refused whole or taken whole, and nothing stops for it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from prober.simulated import Simulated

from canary.config import Config
from canary.config.sections import Gateway
from canary.ledger import EventKind, Ledger
from canary.mark import Keyring
from canary.model import Outcome, OwnFaultError
from canary.prober import endpoints, loop
from canary.prober.loop import Prober


def breaks(*_: Any) -> None:
    raise RuntimeError("can't start new thread")


async def breaks_later(*_: Any) -> None:
    raise RuntimeError("the driver is gone")


async def hangs(*_: Any) -> None:
    await asyncio.Event().wait()


async def outcome(canary: Simulated) -> Any:
    """What becomes of a probe that is sent now."""
    probe = await canary.prober.probe("channel-0")
    [event] = await canary.until(lambda: canary.events(EventKind.DEADLINE, probe=probe))
    return event.body["outcome"]


def test_one_whose_watch_cannot_be_opened_is_refused_whole(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.prober.last_tick)
        before = canary.prober.endpoints
        with monkeypatch.context() as patch:
            patch.setattr(canary.kinds.MemoryWatcher, "__init__", breaks)
            with pytest.raises(OwnFaultError, match="can't start new thread"):
                await canary.prober.reload(canary.config)
        assert (canary.prober.endpoints, canary.prober.reload_ok) == (before, False)
        assert [event.body["accepted"] for event in canary.events(EventKind.RELOADED)] == [False]
        assert await outcome(canary) == Outcome.ARRIVED

    simulated.live(story, scheduled=False)


def test_the_links_of_another_gateway_are_known_to_whoever_takes_in_mail(simulated: Simulated) -> None:
    links = ("https://go.gate.example/*",)

    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.prober.last_tick)
        assert canary.prober.intake._gateway().links == ()
        wrapping = canary.prober.config.model_copy(update={"gateway": Gateway(links=links)})
        await canary.prober.reload(lambda: wrapping)
        assert canary.prober.intake._gateway().links == links

    simulated.live(story, scheduled=False)


def test_a_watch_that_does_not_stop_as_it_must_does_not_keep_the_new_ones_from_watching(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(canary: Simulated) -> None:
        await canary.until(lambda: canary.prober.last_tick)
        with monkeypatch.context() as patch:
            patch.setattr(canary.kinds.MemoryWatcher, "stop", breaks)
            await canary.prober.reload(canary.config)
        assert [event.body["accepted"] for event in canary.events(EventKind.RELOADED)] == [True]
        assert await outcome(canary) == Outcome.ARRIVED

    simulated.live(story, scheduled=False)


def test_a_watch_that_cannot_begin_is_our_own_fault(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(canary: Simulated) -> None:
        sent = canary.clock.monotonic()
        assert await outcome(canary) == Outcome.INDETERMINATE
        assert canary.clock.monotonic() - sent >= 3600  # nothing is said of it before it is given up
        [finished] = await canary.until(lambda: canary.events(EventKind.FINISHED))
        assert finished.body["outcome"] == Outcome.INDETERMINATE
        assert not canary.ledger.state.open
        [told] = canary.events(EventKind.TROUBLE)
        assert told.body["detail"].startswith("the watcher of desk could not begin")

    monkeypatch.setattr(simulated.kinds.MemoryWatcher, "start", breaks)
    simulated.live(story, simulated.config(give_up="1h"), scheduled=False)


@pytest.mark.parametrize("close", [breaks_later, hangs])
def test_a_channel_that_does_not_let_go_keeps_nothing_from_its_end(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch, close: Any
) -> None:
    async def story(canary: Simulated) -> None:
        assert await outcome(canary) == Outcome.ARRIVED
        await canary.prober.reload(canary.config)
        assert await outcome(canary) == Outcome.ARRIVED
        canary.prober.stop()
        await canary.until(lambda: canary.events(EventKind.STOPPED))

    monkeypatch.setattr(simulated.kinds.MemoryChannel, "close", close)
    simulated.live(story, scheduled=False)


async def test_what_hangs_does_not_keep_the_canary_from_stopping(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, never = simulated.config(), threading.Event()

    def load() -> Config:
        never.wait()
        return config

    monkeypatch.setattr(simulated.kinds.MemoryWatcher, "stop", lambda _: never.wait())
    for module in (loop, endpoints):
        monkeypatch.setattr(module, "_STOP_WITHIN", 0.1)
    ledger = Ledger(config.state)
    prober = Prober(config, ledger, Keyring([b"k" * 32]))
    running = asyncio.create_task(prober.run(scheduled=False))
    reloading = asyncio.create_task(prober.reload(load))
    await asyncio.sleep(0)  # it has begun
    prober.stop()
    await running
    reloading.cancel()
    await asyncio.wait([reloading])
    assert [event.kind for event in ledger.events()][-1] is EventKind.STOPPED
    ledger.close()
    never.set()
