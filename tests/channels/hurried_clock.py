"""A clock for tests of what takes long: its pauses are over at once, and it tells that they passed."""

from __future__ import annotations

from canary.clock import Clock

BEGIN = 1_772_366_400.0  # 2026-03-01T12:00:00Z


class HurriedClock(Clock):
    """Stands still but for its own pauses; begins at 2026-03-01T12:00:00Z."""

    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(wall=lambda: BEGIN + self.passed, monotonic=lambda: self.passed)

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self.passed += seconds
