"""The simulated clock: it stands still until time is said to have passed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.simulated import SimulatedClock

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
