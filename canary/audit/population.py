"""The period, counted: one pass over the ended probes, day by day, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from canary.audit.counts import Counts, Latencies
from canary.audit.exceptions import Fold, Run, before, failures, follow, own_faults
from canary.audit.period import Period
from canary.audit.source import Ended, Source
from canary.ledger.events import Event, EventKind, parse_time
from canary.model import DeadlineResult

Progress = Callable[[int, int], None]
"""Told how many days of how many are done."""

_MET, _MISSED = DeadlineResult.MET.value, DeadlineResult.MISSED.value


@dataclass(slots=True)
class Group:
    """Some of the probes: what they came to, and how long those that arrived took."""

    counts: Counts = field(default_factory=Counts)
    arrived: Latencies = field(default_factory=Latencies)


@dataclass(slots=True)
class Gap:
    """The longest time without a good probe, as far as it lies in the period."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Answered:
    """A probe of a blind drill, or one that a human answered; times are None where there is none."""

    probe: str
    channel: str
    variant: str
    blind: bool
    submitted_at: datetime
    received: float | None
    acknowledged: float | None
    answered: float | None


@dataclass(slots=True)
class ChannelTally:
    """One channel in the period."""

    kind: str
    days: defaultdict[date, Counts] = field(default_factory=lambda: defaultdict(Counts))
    months: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    variants: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    senders: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    outcomes: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    whole: Group = field(default_factory=Group)
    first_at: str = ""
    good_at: str = ""
    """When the newest good probe so far was scheduled, or where counting began."""
    gap: tuple[str, str] | None = None


@dataclass(slots=True)
class Tally:
    """The period."""

    period: Period
    channels: dict[str, ChannelTally] = field(default_factory=dict)
    exceptions: list[Run] = field(default_factory=list)
    own_faults: list[Run] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    unfinished: list[Event] = field(default_factory=list)
    scheduled: int = 0

    @property
    def ended(self) -> int:
        """How many of the period's probes have an end."""
        return sum(channel.whole.counts.total for channel in self.channels.values())


def tally(source: Source, period: Period, now: datetime, progress: Progress = lambda done, days: None) -> Tally:
    """Count the period; what lies after ``now`` is none of it."""
    count = _Counting(source, period)
    days = list(period.days())
    for number, day in enumerate(days):
        count.day(day)
        progress(number + 1, len(days))
    return count.finish(now)


class _Counting:
    def __init__(self, source: Source, period: Period) -> None:
        self._source, self._tally = source, Tally(period)
        self._failures, self._own = failures(), own_faults()
        self._judged: set[str] = set()

    def day(self, day: date) -> None:
        since = datetime.combine(day, time(), UTC)
        until = since + timedelta(days=1)
        month = f"{day:%Y-%m}"
        for row in self._source.ended(since, until):
            channel = self._tally.channels.get(row.channel)
            if channel is None:
                channel = self._new_channel(row)
            self._count(channel, row, day, month)
            self._watch(channel, row)
        self._tally.unfinished += self._source.unfinished(since, until)
        self._tally.scheduled += self._source.scheduled(since, until)

    def _new_channel(self, row: Ended) -> ChannelTally:
        channel = self._tally.channels[row.channel] = ChannelTally(row.kind)
        since = self._tally.period.since
        known = self._source.last_good(row.channel, since)
        channel.first_at = channel.good_at = row.scheduled_at if known is None else _written(since)
        return channel

    def _count(self, channel: ChannelTally, row: Ended, day: date, month: str) -> None:
        result, arrived = row.deadline, row.arrived
        channel.days[day].add(result, 1)
        channel.outcomes[row.outcome or "none"] += 1
        for group in (channel.whole, channel.months[month], channel.variants[row.variant], channel.senders[row.sender]):
            group.counts.add(result, 1)
            if arrived is not None:
                group.arrived.add(arrived)
        if row.accepted is not None:
            channel.stages["accepted"] += 1
        if row.acknowledged is not None:
            channel.stages["acknowledged"] += 1
        if row.blind or row.answered is not None:
            self._answer(row)

    def _answer(self, row: Ended) -> None:
        times = self._source.times(row.probe)
        submitted = times.get(EventKind.SUBMITTING, parse_time(row.scheduled_at))
        self._tally.answered.append(
            Answered(
                row.probe,
                row.channel,
                row.variant,
                bool(row.blind),
                submitted,
                row.arrived,
                row.acknowledged,
                row.answered,
            )
        )

    def _watch(self, channel: ChannelTally, row: Ended) -> None:
        """Gaps, exceptions, own faults: what depends on the order of a channel's probes."""
        good = row.deadline == _MET
        if good:
            _note_gap(channel, row.scheduled_at)
            channel.good_at = row.scheduled_at
        if row.channel not in self._judged and row.deadline in (_MET, _MISSED):
            self._judged.add(row.channel)
            for earlier in () if good else before(self._source, row):
                self._failures.feed(earlier)
        if not good or row.channel in self._failures.open:
            self._failures.feed(row)
        if row.deadline not in (_MET, _MISSED) or row.channel in self._own.open:
            self._own.feed(row)

    def finish(self, now: datetime) -> Tally:
        period = self._tally.period
        end = _written(min(period.until, now))
        for channel in self._tally.channels.values():
            _note_gap(channel, end)
        for fold in (self._failures, self._own):
            follow(self._source, fold, period.until)
        self._tally.exceptions, self._tally.own_faults = self._failures.runs(), self._own.runs()
        return self._tally


def longest_gap(channel: ChannelTally) -> Gap | None:
    """The longest time without a good probe; None where the channel was not probed."""
    return Gap(parse_time(channel.gap[0]), parse_time(channel.gap[1])) if channel.gap else None


def _note_gap(channel: ChannelTally, upto: str) -> None:
    start = channel.good_at
    if start < upto and (channel.gap is None or _length((start, upto)) > _length(channel.gap)):
        channel.gap = (start, upto)


def _length(gap: tuple[str, str]) -> timedelta:
    return datetime.fromisoformat(gap[1]) - datetime.fromisoformat(gap[0])


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
