"""Simulated time: a clock that stands still until it is told how much time has passed, and an event loop that tells it.

On this loop weeks pass in seconds, and the same way each time: instead of waiting it moves the clock to the next timer,
as trio's ``MockClock(autojump_threshold=0)`` does, and what would be done in a thread is done at once. So nothing may
wait there for anything but the loop: not for a thread, and not for an answer from a network.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from selectors import DefaultSelector, SelectorKey
from typing import Any, TypeVar

from canary.clock import Clock
from canary.model import CanaryError

T = TypeVar("T")


class SimulatedClock(Clock):
    """Time that passes only by :meth:`advance`; whoever waits in a thread makes it pass."""

    def __init__(self, start: datetime) -> None:
        """``start``: aware; what :meth:`now` tells first."""
        self._start, self._passed = start, timedelta(0)
        self._set_by = timedelta(0)
        super().__init__(wall=self._wall_seconds, monotonic=self._passed_seconds)

    def _passed_seconds(self) -> float:
        return self._passed.total_seconds()

    def _wall_seconds(self) -> float:
        return (self._start + self._passed + self._set_by).timestamp()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, to the microsecond. Raises ValueError for negative ones: time does not go back."""
        if seconds < 0:
            raise ValueError(f"time does not go back by {-seconds} s")
        self._passed += timedelta(seconds=seconds)

    def set_wall(self, by: timedelta) -> None:
        """Set the wall clock forward, or back, as an operator or NTP does; :meth:`step` tells it."""
        self._set_by += by

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let so many seconds pass at once, unless the event is set: nobody else could set it meanwhile."""
        if not event.is_set():
            self.advance(max(0.0, seconds))
        return event.is_set()


class StandstillError(CanaryError, RuntimeError):
    """Everybody waits for something that no timer will bring about: a real loop would wait for ever."""


class _JumpingSelector(DefaultSelector):
    """Waits for nothing: where nothing is ready, it makes the time pass that it was given to wait."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise StandstillError("nothing is due any more, and somebody still waits")
        if not ready and timeout:
            self._clock.advance(max(1, round(timeout * 1e6)) / 1e6)  # rounded to nothing, it would never get there
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the simulated clock's."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(_JumpingSelector(clock))
        self._clock = clock

    def time(self) -> float:
        return self._clock.monotonic()

    def run_in_executor(self, _: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # typeshed takes its own TypeVarTuple alone
        """Call it now: a thread would run by the time of the machine."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # whoever waits for it is told
            future.set_exception(error)
        return future


def simulate(main: Coroutine[Any, Any, T], clock: SimulatedClock) -> T:
    """Run ``main`` to its end on simulated time, and return what it returns.

    Raises :class:`StandstillError` if it waits for something that can no longer happen.
    """
    with asyncio.Runner(loop_factory=lambda: _JumpingLoop(clock)) as runner:
        return runner.run(main)
