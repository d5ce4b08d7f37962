"""Within what time each event was put into the log: between the newest time-stamp that stood there before it, and the
first over it. In between whoever has the keys could have written it at any moment, whatever it says.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from .findings import Findings, RefusedError, require
from .limits import LONGEST_OUTAGE, LONGEST_STAMPING
from .log import Event, Log

CLOSE = "times are proved closely enough"
_NO_TIMESTAMPS = {"timestamp", "evidence", "evidence_key", "unusable", "not_written"}
"""What a ``trouble`` event calls a fault by which no time-stamp is had: an authority, the key, or the disk."""


@dataclass(frozen=True)
class Proved:
    """A good time-stamp of the head of ``size`` events; ``seq`` is the event that tells it, if it is in the log.

    That event also tells within how many seconds the authority is to give the next one (``every``).
    """

    size: int
    at: datetime
    accuracy: timedelta
    by: str
    seq: int | None
    every: float = 0.0

    @property
    def not_before(self) -> datetime:
        """When it was made, at the earliest."""
        return self.at - self.accuracy

    @property
    def not_after(self) -> datetime:
        """When it was made, at the latest."""
        return self.at + self.accuracy


class Stamped:
    """The good time-stamps of a log, to be asked for those around an event."""

    def __init__(self, proved: Iterable[Proved]) -> None:
        told = sorted((p for p in proved if p.seq is not None), key=lambda p: p.seq or 0)
        over = sorted(proved, key=lambda p: p.size, reverse=True)
        self._told, self._newest = [p.seq or 0 for p in told], list(accumulate(told, _later))
        self._sizes, self._first = [-p.size for p in over], list(accumulate(over, _earlier))
        self.last = self._newest[-1] if self._newest else None
        """The newest one that the log tells."""

    def before(self, seq: int) -> Proved | None:
        """The newest one that the log tells before event ``seq``: that event was put there later."""
        place = bisect_left(self._told, seq)
        return self._newest[place - 1] if place else None

    def over(self, seq: int) -> Proved | None:
        """The first one that was made when event ``seq`` was there."""
        place = bisect_left(self._sizes, 1 - seq)
        return self._first[place - 1] if place else None


def _later(one: Proved, other: Proved) -> Proved:
    return max(one, other, key=lambda p: p.not_before)


def _earlier(one: Proved, other: Proved) -> Proved:
    return min(one, other, key=lambda p: p.not_after)


@dataclass(frozen=True)
class Window:
    """Event ``seq`` was put into the log between two time-stamps; ``lower`` is None if none stood before it."""

    seq: int
    lower: Proved | None
    upper: Proved
    begin: datetime
    """What the lower one proves, or else when the log says to have begun."""

    @property
    def width(self) -> timedelta:
        """How far apart the two are."""
        return self.upper.not_after - self.begin

    def __str__(self) -> str:
        begin = (
            f"from {self.begin:%F %T}"
            if self.lower
            else f"by no time-stamp from the log's beginning on ({self.begin:%F %T})"
        )
        return f"{begin} to {self.upper.not_after:%F %T} UTC ({shown(self.width)})"


class Closeness:
    """How closely times are proved, by all time-stamps of a bundle. ``within`` is the auditor's own limit, if any."""

    def __init__(self, log: Log, proved: list[Proved], within: timedelta | None, tolerance: timedelta) -> None:
        self._log, self._stamped, self._within, self._tolerance = log, Stamped(proved), within, tolerance
        self._begun = log.kind("started")
        self._faults = [event for event in log.kind("trouble") if event.body.get("reason") in _NO_TIMESTAMPS]

    def bounds(self, carried: int | None, last: int) -> tuple[datetime | None, datetime | None]:
        """When a probe can have been at the earliest and the latest, by time-stamps alone.

        ``carried`` is the size of the head whose root the report carried: whoever wrote it knew all time-stamps that
        are recorded in it. ``last`` is the number of its last event.
        """
        lower = self._stamped.before(carried + 1) if carried is not None else None
        upper = self._stamped.over(last)
        return lower.not_before if lower else None, upper.not_after if upper else None

    def covers(self, seq: int) -> bool:
        """Whether a time-stamp is over event ``seq``."""
        return self._stamped.over(seq) is not None

    def check(self, subject: str, events: list[Event], carried: int | None, findings: Findings) -> float | None:
        """Whether events are closely enough between time-stamps; returns seconds, of those that are the least.

        ``carried`` is the size of the head whose root the report carried: it was written when that was known. What is
        wider because an authority was down, or the canary, as the log tells, is a gap and no failure.
        """
        widest: Window | None = None
        with findings.one(CLOSE, subject):
            windows = [self._window(event, carried) for event in events]
            widest = max((window for window in windows if window), key=lambda window: window.width, default=None)
            for window in windows:
                gap = self._judge(window) if window else None
                if gap is not None:
                    findings.unchecked(CLOSE, gap)
        return widest.width.total_seconds() if widest else None

    def _window(self, event: Event, carried: int | None) -> Window | None:
        """None where no time-stamp is over the event, which is another question's failure."""
        upper, lower = self._stamped.over(event.seq), None
        if event.kind == "submitting" and carried is not None:
            lower = self._stamped.before(carried + 1)
        lower = lower or self._stamped.before(event.seq)
        if upper is None:
            return None
        if lower is not None:
            return Window(event.seq, lower, upper, lower.not_before)
        first = self._log.events.get(1)
        require(first is not None, f"event {event.seq}: no time-stamp stands before it, and the bundle does not show "
                "the beginning of the log")  # fmt: skip
        assert first is not None
        return Window(event.seq, None, upper, first.at)

    def _judge(self, window: Window) -> str | None:
        """What there is to tell of a window that is too wide by the log's own rule. Raises RefusedError."""
        limit = self._limit(window)
        if window.width <= limit + self._tolerance:
            return None
        why = self._told_in(window, limit)
        most = limit if self._within is not None else LONGEST_OUTAGE
        if why is None or window.width > most + self._tolerance:
            rule = (
                "--within"
                if self._within is not None
                else f"twice what its time-stamps tell; {shown(most)} at most, where the log tells of a reason"
            )
            raise RefusedError(
                f"event {window.seq}: its time is proved {window}, and {shown(limit)} is allowed ({rule})"
            )
        return f"nothing is proved more closely than {window}: {why}"

    def _limit(self, window: Window) -> timedelta:
        if self._within is not None:
            return self._within
        known = window.upper if window.upper.seq is not None else self._stamped.last
        told = max((stamp.every for stamp in (window.lower, known) if stamp), default=0.0)
        return min(2 * timedelta(seconds=told), LONGEST_STAMPING)

    def _told_in(self, window: Window, limit: timedelta) -> str | None:
        """What the log itself tells, in the window, of why it is so wide; a fault only where it was told in time."""
        if window.lower is None:
            return "nothing was time-stamped before"
        begun, fault = (_first_in(told, window) for told in (self._begun, self._faults))
        if fault is not None and fault.at <= window.begin + limit + self._tolerance:
            return f"event {fault.seq} tells of {fault.body['reason']}: {fault.body['detail']:.200}"
        return f"event {begun.seq} tells that the canary began again" if begun is not None else None


def _first_in(told: list[Event], window: Window) -> Event | None:
    place = bisect_right(told, window.lower.size if window.lower else 0, key=lambda event: event.seq)
    return told[place] if place < len(told) and told[place].seq <= window.upper.size else None


def shown(span: timedelta) -> str:
    """A span of time in words, of minutes where it is long."""
    seconds = round(span.total_seconds())
    days, rest = divmod(seconds, 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest % 60} s"
