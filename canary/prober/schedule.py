"""When a channel is due, and with what, and when a probe is judged: pure functions of configuration, time, chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import product

from canary.model import Probe

JITTER = 0.1
"""Part of the interval by which it varies each way: nothing learns the rhythm, no two channels march in step."""

START_WITHIN = 60.0
"""Seconds over which the first probes after a start are spread."""


def first_due(now: datetime, last_attempt: float, interval: float, rng: random.Random) -> datetime:
    """When a channel is due after a start: when it would have been, or soon; ``last_attempt`` is POSIX, 0 for never."""
    soon = now + timedelta(seconds=rng.uniform(0, min(interval, START_WITHIN)))
    if not last_attempt:
        return soon
    usual = datetime.fromtimestamp(last_attempt, now.tzinfo) + timedelta(seconds=interval)
    return min(max(soon, usual), now + timedelta(seconds=interval))


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


def next_look(started: datetime, probe: Probe, decided: object, now: datetime) -> datetime:
    """When to judge a probe again: at the deadline, every second until its result is known, at last at give-up."""
    deadline = started + timedelta(seconds=probe.deadline)
    if now < deadline:
        return deadline
    if decided is None:
        return now + timedelta(seconds=1)
    return max(started + timedelta(seconds=probe.give_up), now + timedelta(seconds=1))
