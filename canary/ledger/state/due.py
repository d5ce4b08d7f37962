"""What was due of a channel, and what became of it: counted by turns, from the interval in force. Pure.

A channel has a turn each interval, give or take what the schedule varies by itself. A turn is taken (a probe is sent,
or a channel is looked at), or held for a reason that the log tells, or unaccounted for: so what was due is always the
sum of the three, and a hole is in it. Lateness adds up from turn to turn, so that probing half as often as is
configured shows after the second probe, however regular it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import floor

from canary.ledger.state.replacing import replace

ALLOWANCE = 0.05
"""Part of the interval by which each turn may be late without an account of it. The schedule varies each wait by a
tenth either way, around the interval: over many turns that is nothing, while a rhythm that is slower adds up."""

ROUND = 1.0
"""Seconds by which a turn may be late besides: the prober looks once a second at what is due."""

_SURE = 0.75
"""Of a turn, how much must be missing for it to be a missed one. Beyond that the nearest number is taken."""

_EDGE = 1.2
"""Turns that fall due at the edges of what kept them back: one varied before it, and one after, since what waited is
spread over an interval when it goes on."""


class Absence(StrEnum):
    """Why a turn was not taken though nothing held its channel: reasons beside those of a hold."""

    NOT_RUNNING = "not_running"
    """Between a stop and the next start, both of them told; nothing accounts for the time after a crash."""
    CLOCK_SET = "clock_set"
    """Our clock was set forward over it, or the machine slept."""


@dataclass(frozen=True, slots=True)
class Due:
    """The turns of one channel. Times are POSIX seconds; ``interval`` is 0 where the channel is not in force."""

    interval: float = 0.0
    since: int = 0
    """The number of the event that put it in force; of a configuration that is told in parts, of the first."""
    at: float = 0.0
    """When the newest turn was that is accounted for."""
    behind: float = 0.0
    """By how many turns those since were late, together."""
    skipped: float = 0.0
    """Turns, and parts of one, over which our clock was set forward, and which are not counted yet."""
    hold: str = ""
    """Why turns are held now; empty if they are not."""
    held_since: float = 0.0
    excused: Mapping[str, float] = field(default_factory=dict)
    """By reason: seconds since the newest turn in which turns were held."""
    lately: int = 0
    """Turns unaccounted for just before the newest one: the reason may be told after it."""
    held: Mapping[str, int] = field(default_factory=dict)
    """Turns that were not taken, by reason: of :class:`canary.ledger.events.Hold`, or of :class:`Absence`."""
    unaccounted: int = 0

    def until(self, at: float, down_since: float = 0.0) -> Due:
        """With every turn accounted for that was missed by ``at``; ``down_since`` is since when no prober runs."""
        late = self._late(at) if self.interval else 0.0
        if late < _SURE:
            return self
        left = missed = floor(late + ALLOWANCE + 0.5)
        held, excused = self.held, self._excuses(at, down_since)
        for reason, seconds in excused.items():
            number = min(left, floor(seconds / self.interval + _EDGE))
            held = _more(held, reason, number)
            excused[reason] = max(0.0, seconds - number * self.interval)
            left -= number
        return replace(
            self,
            at=self.at + missed * self.interval,
            held=held,
            held_since=at if self.hold else 0.0,
            excused=excused,
            unaccounted=self.unaccounted + left,
            lately=self.lately + left,
        )

    def taken(self, at: float) -> Due:
        """With a turn that was taken."""
        if not self.interval:
            return self
        settled = self.until(at)
        behind, lately = max(0.0, settled._late(at)), settled.lately - self.lately
        return replace(settled, at=at, behind=behind, excused={}, lately=lately)

    def in_force(self, interval: float, since: int, at: float) -> Due:
        """With another interval from ``at`` on (0: not in force any more), told by event number ``since``."""
        if interval == self.interval:
            return replace(self, since=since)
        settled = self.until(at)
        part = min(1.0, (at - settled.at) / settled.interval) if settled.interval else 0.0
        behind = max(0.0, settled.behind + part - 1 + _SURE) if interval else 0.0
        return replace(settled, interval=interval, since=since, at=at, behind=behind)

    def begin_hold(self, reason: str, since: float, at: float) -> Due:
        """With turns held from ``since`` on, as is told at ``at``.

        One that began before the newest turn could not be told earlier: turns that were unaccounted for become held.
        """
        if not self.interval:
            return self
        if since < self.at:
            number = min(self.lately, floor((at - since) / self.interval + _EDGE))
            held = _more(self.held, reason, number)
            return replace(self, held=held, unaccounted=self.unaccounted - number, lately=self.lately - number)
        turn = self.taken(since)
        return replace(turn, held=_more(turn.held, reason, 1), hold=reason, held_since=since)

    def end_hold(self, at: float) -> Due:
        """With turns taken again from ``at`` on."""
        return replace(self, excused=self._excuses(at, 0.0), hold="", held_since=0.0).until(at)

    def excuse(self, reason: str, since: float, at: float) -> Due:
        """With a time in which nothing was sent through any channel, and why."""
        if not self.interval:
            return self
        settled = self.until(since)
        seconds = settled.excused.get(reason, 0.0) + max(0.0, at - since)
        return replace(settled, excused={**settled.excused, reason: seconds})

    def moved(self, by: float) -> Due:
        """The same by a clock that was set by so many seconds. Turns over which it was set forward were not taken."""
        if not self.interval:
            return self
        skipped = self.skipped + max(0.0, by) / self.interval
        whole = floor(skipped)
        held = _more(self.held, Absence.CLOCK_SET, whole)
        since = self.held_since + by if self.hold else 0.0
        return replace(self, at=self.at + by, held_since=since, skipped=skipped - whole, held=held)

    def _late(self, at: float) -> float:
        """By how many turns the next one would be late at ``at``, with what has added up."""
        return self.behind + (at - self.at - ROUND) / self.interval - 1 - ALLOWANCE

    def _excuses(self, at: float, down_since: float) -> dict[str, float]:
        """By reason: the seconds until ``at`` in which turns were held."""
        excuses = dict(self.excused)
        if self.hold:
            excuses[self.hold] = excuses.get(self.hold, 0.0) + max(0.0, at - self.held_since)
        if down_since:
            excuses[Absence.NOT_RUNNING] = excuses.get(Absence.NOT_RUNNING, 0.0) + max(0.0, at - down_since)
        return excuses


def _more(held: Mapping[str, int], reason: str, number: int) -> Mapping[str, int]:
    return {**held, str(reason): held.get(reason, 0) + number} if number else held
