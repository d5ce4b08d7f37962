"""The events that make the list of probes one that an auditor can rely on.

What was in force, when a probe that was due was not sent and why, when everything was stopped, how far the mail
servers' clocks were off, and who silenced an alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from canary.ledger.events import Event, EventKind, cut, parse_time, timestamp

EVERY_CHANNEL = "*"

CLOCK_STEP = 1.0
"""Seconds by which the offset of a mail server's clock must have changed to be told again within the hour."""
CLOCK_EVERY = timedelta(hours=1)


class Hold(StrEnum):
    """Why a probe that was due was not sent; a closed set."""

    PAUSED = "paused"
    BLACKOUT = "blackout"
    STOPPED = "stopped"
    CAP = "cap"
    STORE = "store"
    """It could not be recorded, so it was not sent: told once the ledger could be written again."""
    STALLED = "stalled"
    """The main loop stood still: told once it went on."""


ON_PURPOSE = frozenset({Hold.PAUSED, Hold.BLACKOUT, Hold.STOPPED})
"""Holds that somebody wanted: silence during them says nothing about a channel."""


def held(at: datetime, channel: str, reason: Hold, detail: str, since: datetime | None = None) -> Event:
    """A probe through ``channel`` (``*``: any) that was due is not sent; nor are those after it, until released.

    ``since`` is when the first one was not sent, where that could not be told at once.
    """
    body = {"channel": channel, "reason": reason.value, "detail": cut(detail), "since": timestamp(since or at)}
    return Event(EventKind.HELD, at, body)


def released(at: datetime, channel: str, reason: Hold, detail: str = "") -> Event:
    """A probe through ``channel`` is sent again, or the channel is no longer configured."""
    return Event(EventKind.RELEASED, at, {"channel": channel, "reason": reason.value, "detail": cut(detail)})


def stopped_all(at: datetime, reason: str, by: str | None = None) -> Event:
    """The kill switch was thrown by somebody, or (``by`` None) was seen thrown."""
    return Event(EventKind.STOPPED_ALL, at, {"reason": cut(reason), "by": by})


def cleared(at: datetime, by: str | None = None) -> Event:
    """The kill switch was reset by somebody, or (``by`` None) was seen to be."""
    return Event(EventKind.CLEARED, at, {"by": by})


def clock(at: datetime, queue: str, offset: float, uncertainty: float) -> Event:
    """How many seconds the clock at ``queue`` is ahead of ours (behind if negative), give or take ``uncertainty``."""
    return Event(EventKind.CLOCK, at, {"queue": queue, "offset": round(offset, 3), "uncertainty": uncertainty})


def silenced(at: datetime, alert: str, until: datetime, by: str, reason: str) -> Event:
    """An alert was silenced in Alertmanager, as somebody tells us."""
    return Event(EventKind.SILENCED, at, {"alert": alert, "until": timestamp(until), "by": by, "reason": cut(reason)})


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was in force from ``at`` on: every channel as it was configured, by its slug; blackouts and blind drills."""

    at: datetime
    seq: int
    """The number of its last event."""
    configuration: str
    version: str
    python: str
    platform: str
    channels: Mapping[str, Mapping[str, Any]]
    blackouts: tuple[Mapping[str, Any], ...]
    blind_drills: tuple[Mapping[str, Any], ...]


def inventories(told: Iterable[Event]) -> Iterator[Inventory]:
    """What ``configured`` events say, their parts put together; one whose parts are not all there is left out."""
    parts: list[Event] = []
    for event in told:
        if event.kind is not EventKind.CONFIGURED or not event.body:
            continue
        if event.body["part"] == 1:
            parts = []
        parts.append(event)
        if event.body["part"] == event.body["parts"] == len(parts):
            yield _joined(parts)


def _joined(parts: list[Event]) -> Inventory:
    last = parts[-1]
    return Inventory(
        at=last.at,
        seq=last.seq,
        **{name: last.body[name] for name in ("configuration", "version", "python", "platform")},
        channels={slug: channel for part in parts for slug, channel in part.body["channels"].items()},
        blackouts=tuple(item for part in parts for item in part.body["blackouts"]),
        blind_drills=tuple(item for part in parts for item in part.body["blind_drills"]),
    )


def began(event: Event) -> datetime:
    """When a hold that a ``held`` event tells of began."""
    return parse_time(event.body["since"]) if "since" in event.body else event.at
