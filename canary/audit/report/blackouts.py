"""The blackouts of a period as they were put on record: when each first was, and how much of it was over by then.

Nobody can have been told of a blackout before the log tells of the configuration that has it. So each version of one (a
begin that was moved, an end that was put off, another approval) is a row with the time of its own record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from canary.audit.period import Period
from canary.audit.report.changes import Span
from canary.audit.report.differences import EVERYWHERE
from canary.ledger import Inventory
from canary.ledger.events import parse_time
from canary.wording import moment


@dataclass(frozen=True, slots=True)
class _BlackoutVersion:
    """A blackout as one configuration after the other has it: from ``recorded`` until ``gone``."""

    channels: tuple[str, ...]
    start: datetime
    end: datetime
    reason: str
    approved_by: str
    recorded: datetime
    gone: datetime | None = None

    def rests(self, channel: str) -> bool:
        """Whether it is of a channel; the empty name stands for every channel."""
        return not self.channels or channel in self.channels

    def in_force(self) -> tuple[datetime, datetime]:
        """From when until when nothing was sent for it: as far as it was in the configuration by then."""
        return max(self.start, self.recorded), min(self.end, self.gone or self.end)

    def is_another(self, other: _BlackoutVersion) -> bool:
        """Whether ``other`` gave way to it: at one moment, of a channel that both have.

        The time is in part the same, or the reason is, and the other one was not over.
        """
        if other.gone != self.recorded:
            return False
        together = any(map(other.rests, self.channels)) if self.channels else True
        overlap = other.start < self.end and self.start < other.end
        return together and (overlap or (other.reason == self.reason and other.end > self.recorded))


def blackouts(known: Iterable[Inventory], period: Period) -> list[Span]:
    """Every version of each that was for a time in the period, from all configurations that were ever in force."""
    told = _told(known)
    inside = [one for one in told if one.start < period.until and one.end > period.since]
    return sorted((_span(one, told) for one in inside), key=lambda span: (span.start, span.recorded or span.start))


def untold(one: _BlackoutVersion, told: Sequence[_BlackoutVersion]) -> timedelta:
    """How much of a blackout was over before a configuration had it; of several channels, of the one with the most."""
    until = min(one.end, one.recorded)
    most = timedelta()
    for channel in one.channels or ("",):
        left, at = timedelta(), one.start
        for start, end in sorted(other.in_force() for other in told if other.rests(channel)):
            if start < end and end > at:
                left += max(timedelta(), min(start, until) - at)
                at = end
        most = max(most, left + max(timedelta(), until - at))
    return most


def _told(known: Iterable[Inventory]) -> list[_BlackoutVersion]:
    """Every version, in the order in which they were recorded."""
    open_: dict[str, _BlackoutVersion] = {}
    done: list[_BlackoutVersion] = []
    for inventory in known:
        now = {_what(item): _read(item, inventory.at) for item in inventory.blackouts}
        done += [replace(one, gone=inventory.at) for what, one in open_.items() if what not in now]
        open_ = {what: open_.get(what, one) for what, one in now.items()}
    return sorted([*done, *open_.values()], key=lambda one: (one.recorded, one.start, one.end))


def _what(item: Mapping[str, Any]) -> str:
    return repr(sorted(item.items()))


def _read(item: Mapping[str, Any], at: datetime) -> _BlackoutVersion:
    channels, start, end = tuple(sorted(item["channels"])), parse_time(item["from"]), parse_time(item["until"])
    return _BlackoutVersion(channels, start, end, item["reason"], item["approved_by"], at)


def _span(one: _BlackoutVersion, told: Sequence[_BlackoutVersion]) -> Span:
    where = ", ".join(one.channels) or EVERYWHERE
    remarks = [
        f"instead of {moment(other.start)} to {moment(other.end)}, approved by {other.approved_by}"
        for other in told
        if one.is_another(other)
    ]
    if one.gone and one.gone < one.end:
        remarks.append(f"taken out {moment(one.gone)}" + (", before it began" if one.gone <= one.start else ""))
    return Span(
        "blackout configured", where, one.reason, one.approved_by, one.start, one.end,
        recorded=one.recorded, untold=untold(one, told), remark="; ".join(remarks),
    )  # fmt: skip
