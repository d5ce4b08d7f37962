"""The part of the log that a period is about: from which signed checkpoint to which, and that none lies between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .findings import Findings, require
from .log import Event, Log, read_time

PERIOD = "log covers the period"


@dataclass(frozen=True)
class Period:
    """The events beyond ``start``, up to ``end``: sizes of signed checkpoints. From ``since`` to before ``until``."""

    since: datetime
    until: datetime
    start: int
    end: int

    @classmethod
    def read(cls, stated: dict[str, Any]) -> Period:
        """As a manifest or a commitment has it. Raises RefusedError."""
        require(isinstance(stated, dict) and stated.keys() == {"from", "to", "start", "end"}, "there is no period")
        period = cls(read_time(stated["from"]), read_time(stated["to"]), stated["start"], stated["end"])
        right = type(period.start) is type(period.end) is int and 0 <= period.start <= period.end
        require(period.since < period.until and right, "there is no period")
        return period


def told(log: Log, size: int) -> Event | None:
    """The event that tells of the checkpoint of this size."""
    return next((event for event in log.kind("checkpoint") if event.body["size"] == size), None)


def check_period(log: Log, period: Period, tolerance: timedelta, findings: Findings) -> None:
    """That the part goes from the newest checkpoint before the period to its end, by the times that events tell."""
    with findings.one(PERIOD):
        require(period.end in log.heads, f"the checkpoint of {period.end} events, where it ends, is not in the bundle")
        last = log.events.get(period.end)
        if period.end in log.forgotten:
            last = told(log, period.end)
            findings.unchecked(PERIOD, "the last event of the period's part was emptied by retention: that the log "
                               "reaches the end of the period is told by the checkpoint behind it")  # fmt: skip
        require(last is not None, f"event {period.end}, the last of the period's part, is not in the bundle")
        assert last is not None
        require(last.at >= period.until, f"the log ends at {last.at:%F %T} UTC, before the period does")
        if period.start:
            _check_start(log, period, tolerance)
        _check_next(log, period, tolerance, findings)


def _check_start(log: Log, period: Period, tolerance: timedelta) -> None:
    head, event = log.heads.get(period.start), told(log, period.start)
    require(
        head is not None and event is not None, f"the checkpoint of {period.start} events is in no event of the log"
    )
    assert head is not None
    assert event is not None
    require(event.body["root"] == head.root.hex(), f"event {event.seq} tells another root")
    early = event.at - tolerance <= period.since
    require(early, f"the period's part of the log begins at {event.at:%F %T} UTC, after the period")


def _check_next(log: Log, period: Period, tolerance: timedelta, findings: Findings) -> None:
    """Whether no checkpoint lies between ``start`` and the period: the one that follows says which is before it."""
    follows = next((event for event in log.kind("checkpoint") if event.body["previous"] == period.start), None)
    if follows is None:
        alone = not any(event.body["size"] > period.start for event in log.kind("checkpoint"))
        require(alone and period.end == log.newest.size, f"no event tells which checkpoint follows {period.start}")
        findings.unchecked(PERIOD, "the log does not tell yet which checkpoint followed the beginning of the period")
        return
    require(
        follows.at + tolerance > period.since,
        f"it begins with the checkpoint of {period.start} events, and that of {follows.body['size']} was signed at "
        f"{follows.at:%F %T} UTC, which is before the period too",
    )
