"""The events of the installation, which make the list of probes one that an auditor can rely on.

When a probe that was due was not sent and why, when everything was stopped, how far the mail servers' clocks were off,
and who silenced an alert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from canary.ledger.events.event import Event, parse_time, timestamp, truncate
from canary.ledger.events.kinds import EventKind
from canary.model import Component

EVERY_CHANNEL = "*"

CLOCK_STEP = 1.0
"""Seconds by which the offset of a mail server's clock must have changed to be recorded again within the hour."""
CLOCK_EVERY = timedelta(hours=1)


class Hold(StrEnum):
    """Why a probe that was due was not sent; a closed set."""

    PAUSED = "paused"
    BLACKOUT = "blackout"
    STOPPED = "stopped"
    CAP = "cap"
    STORE = "store"
    """It could not be recorded, so it was not sent: recorded once the ledger could be written again."""
    STALLED = "stalled"
    """The main loop stood still: recorded once it went on."""


_REASON = re.compile(r"[a-z][a-z0-9_]{0,39}")

ON_PURPOSE = frozenset({Hold.PAUSED, Hold.BLACKOUT, Hold.STOPPED})
"""Holds that somebody wanted: silence during them says nothing about a channel."""


def held(at: datetime, channel: str, reason: Hold, detail: str, since: datetime | None = None) -> Event:
    """A probe through ``channel`` (``*``: any) that was due is not sent; nor are those after it, until released.

    ``since`` is when the first one was not sent, where that could not be recorded at once.
    """
    body = {"channel": channel, "reason": reason.value, "detail": truncate(detail), "since": timestamp(since or at)}
    return Event(EventKind.HELD, at, body)


def released(at: datetime, channel: str, reason: Hold, detail: str = "") -> Event:
    """A probe through ``channel`` is sent again, or the channel is no longer configured."""
    return Event(EventKind.RELEASED, at, {"channel": channel, "reason": reason.value, "detail": truncate(detail)})


def began(event: Event) -> datetime:
    """When a hold that a ``held`` event tells of began."""
    return parse_time(event.body["since"]) if "since" in event.body else event.at


def paused(at: datetime, channels: Iterable[str], reason: str, by: str) -> Event:
    """Somebody had nothing sent through ``channels`` (``*``: all) until it is resumed."""
    return Event(EventKind.PAUSED, at, {"channels": list(channels), "reason": truncate(reason), "by": by})


def resumed(at: datetime, channels: Iterable[str], by: str) -> Event:
    """Somebody took the pauses of ``channels`` back."""
    return Event(EventKind.RESUMED, at, {"channels": list(channels), "by": by})


def stopped_all(at: datetime, reason: str, by: str | None = None) -> Event:
    """The kill switch was thrown by somebody, or (``by`` None) was seen thrown."""
    return Event(EventKind.STOPPED_ALL, at, {"reason": truncate(reason), "by": by})


def cleared(at: datetime, by: str | None = None) -> Event:
    """The kill switch was reset by somebody, or (``by`` None) was seen to be."""
    return Event(EventKind.CLEARED, at, {"by": by})


def trouble(at: datetime, component: Component, reason: str, detail: str) -> Event:
    """A fault of ours; ``reason`` is of the closed list of the component, since it becomes a metric label.

    What is no such word (of somebody else's kind, say) is ``unexpected``.
    """
    known = isinstance(reason, str) and _REASON.fullmatch(reason)
    body = {"component": component.value, "reason": reason if known else "unexpected", "detail": truncate(str(detail))}
    return Event(EventKind.TROUBLE, at, body)


def clock(at: datetime, queue: str, offset: float, uncertainty: float) -> Event:
    """How many seconds the clock at ``queue`` is ahead of ours (behind if negative), give or take ``uncertainty``."""
    return Event(EventKind.CLOCK, at, {"queue": queue, "offset": round(offset, 3), "uncertainty": uncertainty})


def silenced(at: datetime, alert: str, until: datetime, by: str, reason: str) -> Event:
    """An alert was silenced in Alertmanager, as somebody tells us."""
    return Event(
        EventKind.SILENCED, at, {"alert": alert, "until": timestamp(until), "by": by, "reason": truncate(reason)}
    )
