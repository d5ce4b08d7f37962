"""The steady clock, on a wall and a monotonic clock that the test turns by hand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.clock import STEP, Clock

BEGIN = 1_772_366_400.0  # 2026-03-01T12:00:00Z


class Hands:
    """Two clocks that go on together, and a wall clock that can be set."""

    def __init__(self) -> None:
        self.at_wall, self.at_monotonic = BEGIN, 12_345.0

    def go_on(self, seconds: float) -> None:
        self.at_wall += seconds
        self.at_monotonic += seconds

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.at_wall, monotonic=lambda: self.at_monotonic)


def close(one: datetime, other: float) -> bool:
    return abs(one.timestamp() - other) < 1e-3


def test_it_tells_utc_and_goes_on() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.now() == datetime(2026, 3, 1, 12, tzinfo=UTC)
    hands.go_on(90.5)
    assert close(clock.now(), BEGIN + 90.5)
    assert clock.now().utcoffset() == timedelta(0)


steps = st.floats(-1e7, 1e7).filter(lambda seconds: abs(seconds) > STEP + 0.01)


@given(steps, st.floats(0, 1e5), st.floats(0, 1e5))
def test_it_does_not_jump_when_the_wall_clock_is_set(step: float, before: float, later: float) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.go_on(before)
    noted = clock.now()
    hands.at_wall += step
    assert clock.now() == noted
    hands.go_on(later)
    assert abs((clock.now() - noted).total_seconds() - later) < 1e-3


@given(st.lists(st.tuples(steps, st.floats(0, 1e5)), min_size=1, max_size=5))
def test_a_step_is_told_once_and_then_followed(changes: list[tuple[float, float]]) -> None:
    hands = Hands()
    clock = hands.clock()
    for step, later in changes:
        hands.at_wall += step
        told = clock.step()
        assert told is not None
        assert told.total_seconds() == pytest.approx(step, abs=1e-3)
        assert clock.step() is None
        assert close(clock.now(), hands.at_wall)
        hands.go_on(later)
        assert clock.step() is None
        assert close(clock.now(), hands.at_wall)


@given(st.floats(-0.99 * STEP, 0.99 * STEP))
def test_what_is_slewed_is_no_step(drift: float) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.at_wall += drift
    assert clock.step() is None
    assert close(clock.now(), BEGIN)


def test_two_steps_between_two_looks_are_told_as_their_sum() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.at_wall += 3600
    hands.go_on(10)
    hands.at_wall -= 3000
    told = clock.step()
    assert told is not None
    assert told.total_seconds() == pytest.approx(600, abs=1e-3)


def test_it_runs_on_the_clocks_of_the_machine() -> None:
    clock = Clock()
    first = clock.now()
    assert clock.step() is None
    assert first <= clock.now()
    assert abs((first - datetime.now(UTC)).total_seconds()) < 60


async def test_a_wait_is_as_long_as_it_says() -> None:
    clock = Clock()
    begun = clock.monotonic()
    await clock.sleep(0.05)
    await clock.sleep(-5)
    assert clock.monotonic() - begun >= 0.05


def test_a_thread_waits_no_longer_than_until_it_is_called() -> None:
    clock, called = Clock(), threading.Event()
    begun = clock.monotonic()
    assert clock.wait(called, 0.05) is False
    assert clock.monotonic() - begun >= 0.05
    assert clock.wait(called, -5) is False
    threading.Timer(0.01, called.set).start()
    assert clock.wait(called, 3600) is True
