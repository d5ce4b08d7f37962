"""The event loop, watched: each stall is measured and named, and what blocks in threads holds up nothing else."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from canary.clock import Clock
from canary.config import load
from canary.ledger import EventKind, Ledger
from canary.mark import Keyring
from canary.prober.loop import ASLEEP, Prober
from canary.simulated import SimulatedClock
from canary.watched_loop import BOUND, Stall, Stalls, WatchedLoop

THREADS = 80


@pytest.fixture
def loop() -> Iterator[WatchedLoop]:
    with closing(WatchedLoop()) as made:
        yield made


@given(
    st.lists(st.tuples(st.floats(0, 2).filter(lambda worked: abs(worked - BOUND) > 1e-5), st.floats(0, 2)), max_size=20)
)
def test_what_is_measured_is_what_the_loop_worked_at_a_stretch(turns: list[tuple[float, float]]) -> None:
    clock, told = SimulatedClock(START), list[Stall]()
    stalls = Stalls(clock)
    stalls.told = told.append
    stalls.rests()
    for worked, rested in turns:
        stalls.works()
        clock.advance(worked)
        stalls.rests()
        clock.advance(rested)
    beyond = [worked for worked, _ in turns if worked > BOUND]
    assert [stall.seconds for stall in told] == pytest.approx(beyond, abs=1e-5)
    assert (stalls.seconds, stalls.longest) == pytest.approx((sum(beyond), max(beyond, default=0)), abs=1e-4)


def test_many_stalls_flood_no_log() -> None:
    clock = SimulatedClock(START)
    stalls = Stalls(clock)
    with capture_logs() as logged:
        for number in range(400):
            stalls.works()
            clock.advance(1 if number == 200 else 0.4)
            stalls.rests()
    assert sorted(entry["seconds"] for entry in logged)[-1] == 1.0
    assert len(logged) <= 400 * 0.4 / 10 + 2


def test_what_holds_the_loop_is_named(loop: WatchedLoop) -> None:
    told: list[Stall] = []
    loop.stalls.told = told.append
    still = threading.Event()

    def parses() -> None:
        began = loop.time()
        while not loop.stalls._where or loop.time() - began <= 2 * BOUND:
            still.wait(0.01)  # a library's function, at work for it

    async def story() -> None:
        await asyncio.sleep(0)
        parses()
        await asyncio.sleep(0)

    loop.run_until_complete(story())
    [stall, *_] = [stall for stall in told if "parses" in stall.where]
    assert re.fullmatch(r"wait \(\S*threading.py:\d+\), for parses \(tests/test_watched_loop.py:\d+\)", stall.where)
    assert loop.stalls.longest >= stall.seconds > BOUND


def test_calls_that_hang_hold_up_no_other(loop: WatchedLoop) -> None:
    over = threading.Event()

    async def story() -> str:
        hanging = [asyncio.create_task(asyncio.to_thread(over.wait)) for _ in range(THREADS)]
        try:
            return await asyncio.to_thread(lambda: "answered")
        finally:
            over.set()
            await asyncio.gather(*hanging)

    assert loop.run_until_complete(story()) == "answered"


def test_a_long_stall_is_a_trouble(tmp_path: Path) -> None:
    from metrics.recorded import settings

    with closing(Ledger(tmp_path, inline=True)) as ledger:
        prober = Prober(load(settings(tmp_path, channels=1)), ledger, Keyring([b"k" * 32]), clock=Clock())
        prober._stood_still(Stall(ASLEEP.total_seconds() - 0.1, "page (canary/channels/forms/page.py:1)"))
        prober._stood_still(Stall(9.0, "page (canary/channels/forms/page.py:1)"))
        [trouble] = ledger.events(kind=EventKind.TROUBLE)
    told = trouble.body["component"], trouble.body["reason"], trouble.body["detail"]
    detail = "the main loop stood still for 9.0 s in page (canary/channels/forms/page.py:1)"
    assert told == ("clock", "stood_still", detail)
