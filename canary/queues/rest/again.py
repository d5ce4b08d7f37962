"""When something that is sought is looked for once more by a search, which may be late: less and less often."""

from __future__ import annotations

from dataclasses import dataclass

from canary.budgets import Budget
from canary.clock import Clock
from canary.model import Place
from canary.queues import Intake

AGAIN_AT_MOST = 600.0
"""Seconds from one search for the same report to the next, at most; each one doubles them."""


@dataclass(slots=True)
class _NextLook:
    """When (monotonic) a report is looked for again, and after how many seconds the time after that."""

    at: float
    wait: float


class Again:
    """What is sought in some places, with when it is searched for; ``first`` are the seconds until that first is."""

    def __init__(self, places: tuple[Place, ...], first: float, clock: Clock, most: Budget) -> None:
        self._places, self._first, self._clock, self._most = places, first, clock, most
        self._due: dict[str, _NextLook] = {}

    def due(self, intake: Intake) -> list[str]:
        """The marks to be searched for now, the longest due first."""
        now = self._clock.monotonic()
        sought = dict.fromkeys(mark for place in self._places for mark in intake.sought(place))
        self._due = {mark: self._due.get(mark) or _NextLook(now + self._first, self._first) for mark in sought}
        due = sorted((mark for mark in sought if self._due[mark].at <= now), key=lambda mark: self._due[mark].at)
        return due[: self._most.number]

    def searched(self, mark: str) -> None:
        """A mark is searched for, whatever comes of it: it is due again later."""
        look = self._due[mark]
        look.at, look.wait = self._clock.monotonic() + look.wait, min(2 * look.wait, AGAIN_AT_MOST)
