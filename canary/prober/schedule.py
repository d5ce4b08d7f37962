"""When a channel is due, and with what, and when a probe is judged: pure functions of configuration, time, chance."""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import product, takewhile
from math import ceil

from canary.model import Probe, Verdict

JITTER = 0.1
"""Part of the interval by which it varies each way: nothing learns the rhythm, no two channels march in step."""

APART = 1.0
"""Seconds between the first probes of channels that would all be due at once, unless their intervals ask for more."""

AT_ONCE = 3
"""Probes that one round may send of those that waited, beyond twice what the intervals ask for in a second."""


def usually_due(now: datetime, last_attempt: float, interval: float) -> datetime | None:
    """When a channel is due by its last attempt (POSIX, 0 for never); None if it is due at once."""
    if not last_attempt:
        return None
    usual = datetime.fromtimestamp(last_attempt, now.tzinfo) + timedelta(seconds=interval)
    return min(usual, now + timedelta(seconds=interval)) if usual > now else None


def spread(intervals: Mapping[str, float], now: datetime) -> dict[str, datetime]:
    """When each of these channels is due that are all due at once: one after the other, in an order of their own.

    Each has its place by its name, and waits an interval at most: so many channels are as far apart as they stay then.
    """
    known = sorted((sha256(slug.encode()).digest(), slug) for slug in intervals)
    due = {}
    for number, (chance, slug) in enumerate(known):
        window = min(intervals[slug], APART * len(known))
        place = (number + int.from_bytes(chance[:6]) / 2**48) / len(known)
        due[slug] = now + timedelta(seconds=window * place)
    return due


def next_due(due: datetime, now: datetime, interval: float, rng: random.Random) -> datetime:
    """When a channel that was due at ``due`` is due again; what was missed is not made up for."""
    wait = timedelta(seconds=interval * rng.uniform(1 - JITTER, 1 + JITTER))
    return due + wait if due + wait > now else now + wait


def turn(channel: str, count: int, senders: Sequence[str], variants: Sequence[str]) -> tuple[str, str]:
    """Sender and variant of the probe number ``count`` of a channel: every pair once before any comes again.

    The order is mixed anew each round, from the channel's name and the round alone, so a restart goes on where it was.
    """
    number, place = divmod(count, len(senders) * len(variants))
    return _round(channel, number, tuple(senders), tuple(variants))[place]


@lru_cache(maxsize=1000)
def _round(channel: str, number: int, senders: tuple[str, ...], variants: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = sorted(product(senders, variants))
    seed = sha256(f"{channel}/{number}".encode()).digest()
    random.Random(seed).shuffle(pairs)  # noqa: S311  # an order, not a secret
    return pairs


def next_look(started: datetime, probe: Probe, verdict: Verdict, now: datetime) -> datetime:
    """When to judge a probe again: at each limit, every second until the result of one that is over is known.

    When all of them are known, at last at give-up.
    """
    results = [
        (probe.deadline, verdict.deadline),
        *((probe.owed[stage], known) for stage, known in verdict.owed.items()),
    ]
    due = [started + timedelta(seconds=limit) for limit, result in results if result is None]
    if any(at <= now for at in due):
        return now + timedelta(seconds=1)
    return min(due, default=max(started + timedelta(seconds=probe.give_up), now + timedelta(seconds=1)))


class Timetable:
    """When each channel is due. A channel whose interval changes is due as if it had been so since its last probe."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._due: dict[str, datetime] = {}
        self._agenda: list[tuple[datetime, str]] = []
        """The same, sorted: it is asked for what is due many times a second, of thousands of channels."""
        self._intervals: dict[str, float] = {}
        self.at_once = AT_ONCE
        """How many probes a round may send: what has waited, for whatever reason, is not sent in a burst."""

    def plan(self, intervals: Mapping[str, float], last_attempts: Mapping[str, float], now: datetime) -> None:
        """Go by these channels and their intervals (seconds); the last attempts are POSIX, 0 or none for never."""
        changed = {slug: interval for slug, interval in intervals.items() if self._intervals.get(slug) != interval}
        usual = {slug: usually_due(now, last_attempts.get(slug, 0.0), interval) for slug, interval in changed.items()}
        at_once = {slug: interval for slug, interval in changed.items() if usual[slug] is None}
        self._set(
            {slug: due for slug, due in self._due.items() if slug in intervals}
            | {slug: due for slug, due in usual.items() if due is not None}
            | spread(at_once, now)
        )
        self._intervals = dict(intervals)
        self.at_once = AT_ONCE + ceil(2 * sum(1 / interval for interval in intervals.values()))

    def due(self, now: datetime) -> list[str]:
        """The channels that are due at ``now``, the longest first."""
        return [slug for _, slug in takewhile(lambda entry: entry[0] <= now, self._agenda)]

    def next(self) -> datetime | None:
        """When the next channel is due; None if there is none."""
        return self._agenda[0][0] if self._agenda else None

    def passed(self, channel: str, now: datetime) -> datetime:
        """It is the turn of ``channel``, whatever becomes of it; returns when it was due."""
        due = self._due[channel]
        again = next_due(due, now, self._intervals[channel], self._rng)
        del self._agenda[bisect_left(self._agenda, (due, channel))]
        insort(self._agenda, (again, channel))
        self._due[channel] = again
        return due

    def sooner(self, channel: str, at: datetime) -> None:
        """It is the turn of ``channel`` at ``at``, if it was to be later; one that is not planned any more is left."""
        due = self._due.get(channel)
        if due is not None and at < due:
            self._set({**self._due, channel: at})

    def move(self, by: timedelta) -> None:
        """Our clock was set: what is due is due as much later."""
        self._set({slug: due + by for slug, due in self._due.items()})

    def _set(self, due: Mapping[str, datetime]) -> None:
        self._due = dict(due)
        self._agenda = sorted((at, slug) for slug, at in due.items())
