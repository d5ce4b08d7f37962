"""Simulated time: a clock that stands still until it is told how much time has passed."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from canary.clock import Clock


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
