"""Simulated time: it stands still until it is said to have passed, and on its loop it jumps to what is next."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.simulated import SimulatedClock, StandstillError, simulate
from canary.threads import in_thread

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(st.lists(st.integers(0, 10**12)))
def test_time_passes_as_it_is_told_to_the_microsecond(passed: list[int]) -> None:
    clock = SimulatedClock(START)
    before = clock.monotonic()
    for microseconds in passed:
        clock.advance(microseconds / 1e6)
    assert clock.now() == START + timedelta(microseconds=sum(passed))
    assert clock.monotonic() - before == timedelta(microseconds=sum(passed)).total_seconds()
    assert clock.step() is None


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match=r"time does not go back by 0.5 s"):
        SimulatedClock(START).advance(-0.5)


def test_a_wall_clock_that_is_set_is_a_step_as_on_a_machine() -> None:
    clock = SimulatedClock(START)
    clock.set_wall(timedelta(hours=-2))
    assert clock.now() == START
    assert clock.step() == timedelta(hours=-2)
    assert clock.now() == START - timedelta(hours=2)
    assert clock.step() is None


def test_whoever_waits_in_a_thread_makes_time_pass() -> None:
    clock, event = SimulatedClock(START), threading.Event()
    assert clock.wait(event, 90) is False
    assert clock.wait(event, -1) is False
    assert clock.now() == START + timedelta(seconds=90)
    event.set()
    assert clock.wait(event, 3600) is True
    assert clock.now() == START + timedelta(seconds=90)


def test_on_the_loop_weeks_pass_at_once_and_in_order() -> None:
    clock, told = SimulatedClock(START), list[tuple[str, datetime]]()

    async def tell(name: str, every: float) -> None:
        for _ in range(3):
            await clock.sleep(every)
            told.append((name, clock.now()))

    async def main() -> str:
        await asyncio.gather(tell("weekly", 7 * 86400), tell("often", 0.1))
        return "over"

    assert simulate(main(), clock) == "over"
    often = [("often", START + timedelta(seconds=0.1 * n)) for n in (1, 2, 3)]
    assert told == [*often, *(("weekly", START + timedelta(days=7 * n)) for n in (1, 2, 3))]


def test_the_limits_of_asyncio_are_by_the_simulated_time() -> None:
    clock = SimulatedClock(START)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        assert clock.now() == START + timedelta(hours=1)
        await asyncio.wait([asyncio.ensure_future(clock.sleep(7200))], timeout=60)
        assert clock.now() == START + timedelta(hours=1, minutes=1)

    simulate(main(), clock)


@given(st.floats(1e-9, 1e-3))
def test_it_gets_on_however_short_the_wait(seconds: float) -> None:
    clock = SimulatedClock(START)
    simulate(clock.sleep(seconds), clock)
    assert seconds - 1e-9 <= clock.monotonic() < seconds + 2e-6


def test_what_goes_into_a_thread_is_done_at_once_and_told() -> None:
    clock = SimulatedClock(START)

    async def main() -> None:
        assert await asyncio.to_thread(threading.get_ident) == threading.get_ident()
        assert await in_thread(threading.get_ident) == threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)

    simulate(main(), clock)
    assert clock.now() == START


def test_who_waits_for_what_cannot_happen_is_told() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StandstillError, match="nothing is due any more"):
        simulate(main(), SimulatedClock(START))
