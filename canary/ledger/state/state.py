"""The state: what follows from the ledger up to an event. A value that never changes; the writer publishes the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from immutables import Map

from canary.ledger.events import CLOCK_EVERY, CLOCK_STEP
from canary.ledger.state.totals import Totals
from canary.model import Case, DeadlineResult


@dataclass(frozen=True, slots=True)
class OpenProbe:
    """A case without an end, with what was already decided about it."""

    case: Case
    mark: str
    scheduled: tuple[int, datetime]
    """Number and time of its first event."""
    payload: str | None = None
    """The SHA-256 of exactly what was sent."""
    deadline: DeadlineResult | None = None
    confirming: bool = False
    events: tuple[int, ...] = ()
    """The numbers of all its events, and of the steps of our clock while it was under way."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that follows from the events up to number ``seq``, all of which are on disk."""

    seq: int = 0
    open: Mapping[str, OpenProbe] = field(default_factory=Map)
    """By id: the probes without an end, in no order."""
    totals: Totals = field(default_factory=Totals)
    recent: Mapping[str, tuple[datetime, ...]] = field(default_factory=Map)
    """By channel: when the probes of the last hour were scheduled, oldest first."""

    def scheduled_since(self, channel: str, since: datetime) -> int:
        """How many probes a channel was sent since then, at most an hour back."""
        return sum(at > since for at in self.recent.get(channel, ()))

    def clock_is_news(self, queue: str, offset: float, at: datetime) -> bool:
        """Whether the offset of a queue's clock is to be recorded: it is once an hour, and when it has changed."""
        return clock_is_news(self.totals.clocks.get(queue), offset, at)


def clock_is_news(known: tuple[float, float] | None, offset: float, at: datetime) -> bool:
    """Whether an offset is to be recorded beside the ``known`` one and when that was (POSIX), if there is one."""
    before, recorded_at = known or (0.0, 0.0)
    return abs(offset - before) > CLOCK_STEP or abs(at.timestamp() - recorded_at) >= CLOCK_EVERY.total_seconds()


RECENT = timedelta(hours=1)
"""How far back :attr:`State.recent` reaches."""
