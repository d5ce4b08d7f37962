"""The injected time: whatever asks for the time, waits or times out does so by a :class:`Clock` that it was given.

It is a steady UTC clock: wall time at the start, monotonic seconds since. It does not jump when the wall clock is set.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STEP = 1.0
"""Seconds of disagreement between wall clock and monotonic clock from which the wall clock was stepped, not slewed."""


class Clock:
    """UTC for everything that is recorded; latencies are differences of it within one process (design rule 10).

    Time limits within asyncio (``asyncio.timeout``, ``asyncio.wait``) are by the clock of the event loop, which is the
    same one: a simulated clock brings an event loop of its own.

    ``wall`` gives POSIX seconds and ``monotonic`` seconds since any fixed moment.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._anchor = wall() - monotonic()

    def now(self) -> datetime:
        """The steady time, aware, UTC."""
        return datetime.fromtimestamp(self._anchor + self._monotonic(), UTC)

    def monotonic(self) -> float:
        """Seconds since any fixed moment: only differences mean something. For limits, pauses and what is due again."""
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass on the event loop; at once if there are none left."""
        from asyncio import sleep  # whoever sleeps so has it already; others are spared a fifth of their start

        await sleep(max(0.0, seconds))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let so many seconds pass in a thread, or fewer if the event is set; returns whether it is."""
        return event.wait(max(0.0, seconds))

    def step(self) -> timedelta | None:
        """How far the wall clock was set since the last call, or None; from then on the new setting is followed.

        The caller records it and moves the start of what is in flight by as much, so no latency is falsified.
        """
        offset = self._wall() - self._monotonic() - self._anchor
        if abs(offset) < STEP:
            return None
        self._anchor += offset
        return timedelta(seconds=offset)
