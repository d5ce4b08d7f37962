"""How closely time-stamps bound the time of each event, and whether that is close enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .base import must
from .history import History

EXCUSES = {"timestamp", "evidence", "evidence_key", "unusable", "not_written"}
LONGEST, OUTAGE = timedelta(days=2), timedelta(days=7)


@dataclass(frozen=True)
class Token:
    """A time-stamp over ``size`` events, told by event ``seq``, with the seconds until the next one."""

    size: int
    at: datetime
    accuracy: timedelta
    seq: int | None
    every: float

    @property
    def least(self) -> datetime:
        return self.at - self.accuracy

    @property
    def most(self) -> datetime:
        return self.at + self.accuracy


@dataclass(frozen=True)
class Windows:
    """All time-stamps of a log, with how closely the auditor wants times proved."""

    log: History
    tokens: list[Token]
    within: float | None
    slack: timedelta

    def below(self, seq: int) -> Token | None:
        """The newest one that is told before an event."""
        return max((t for t in self.tokens if t.seq is not None and t.seq < seq), key=lambda t: t.least, default=None)

    def over(self, seq: int) -> Token | None:
        """The first one over an event."""
        return min((t for t in self.tokens if t.size >= seq), key=lambda t: t.most, default=None)

    def check(self, events: list[dict[str, Any]], carried: int | None) -> None:
        """Of a report the head that it carried was known, and all that was told in it."""
        for event in events:
            upper = self.over(event["seq"])
            lower = self.below(carried + 1) if carried is not None and event["kind"] == "submitting" else None
            lower = lower or self.below(event["seq"])
            if upper is not None:
                self._close(lower, upper)

    def _close(self, lower: Token | None, upper: Token) -> None:
        begin = lower.least if lower else self.log.events[1]["when"]
        told = [token for token in self.tokens if token.seq is not None]
        last = upper if upper.seq is not None else max(told, key=lambda t: t.least, default=None)
        promised = max([token.every for token in (lower, last) if token], default=0.0)
        limit, width = min(timedelta(seconds=2 * promised), LONGEST), upper.most - begin
        if self.within is not None:
            limit = timedelta(seconds=self.within)
        if width <= limit + self.slack:
            return
        must(width <= (limit if self.within is not None else OUTAGE) + self.slack, "a time that is too wide")
        if lower is None:
            return
        span = range(lower.size + 1, upper.size + 1)
        faults = [e for e in self.log.of("trouble") if e["seq"] in span and e["body"].get("reason") in EXCUSES]
        told_in_time = faults and faults[0]["when"] <= begin + limit + self.slack
        must(told_in_time or any(e["seq"] in span for e in self.log.of("started")), "a time that is too wide, untold")
