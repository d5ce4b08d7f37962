"""The period, counted: one pass over what was decided, day by day, in memory that does not grow with its number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, groupby
from operator import attrgetter

from canary.audit.period import Period
from canary.audit.report.counts import Counts, Group, Latencies, Percentiles
from canary.audit.report.exceptions import Run, before, failures, follow, looked, own_faults
from canary.ledger import Event, EventKind
from canary.ledger.decided_reader import DecidedReader
from canary.ledger.reader import LedgerReader
from canary.ledger.result_reader import UNIX_EPOCH, Counted
from canary.model import DeadlineResult

Progress = Callable[[int, int], None]
"""Told how many days of how many are done."""

_Alike = tuple[str, str, str | None, str | None, int, int]
"""What is counted alike: sender, variant, outcome, deadline result, whether accepted, whether acknowledged."""

_MET, _MISSED = DeadlineResult.MET.value, DeadlineResult.MISSED.value


@dataclass(frozen=True, slots=True)
class Silence:
    """A time without a good probe."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it was, from good probe to good probe."""
        return self.end - self.start


@dataclass(slots=True)
class ChannelTally:
    """One channel in the period."""

    kind: str
    days: dict[date, Counts] = field(default_factory=dict)
    variants: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    senders: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    outcomes: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    acknowledged: int = 0
    arrived: Latencies = field(default_factory=Latencies)
    months: dict[str, Percentiles | None] = field(default_factory=dict)
    month: Latencies = field(default_factory=Latencies)
    """Of the month that is being counted."""
    good: float = 0.0
    """When the newest good probe so far was scheduled, or where counting began, as a Julian day."""
    gap: tuple[float, float] = (0.0, 0.0)

    @property
    def counts(self) -> Counts:
        """Deadline results of the whole period."""
        return joined(self.days.values())

    def longest_gap(self) -> Silence:
        """The longest time without a good probe, as far as it lies in the period."""
        start, end = (datetime.fromtimestamp((day - UNIX_EPOCH) * 86_400, UTC) for day in self.gap)
        return Silence(start, end)

    def note_good(self, day: float) -> None:
        """A good probe was scheduled, or counting ends."""
        if day - self.good > self.gap[1] - self.gap[0]:
            self.gap = (self.good, day)
        self.good = day


_Groups = defaultdict[str, Group]


def _groups() -> _Groups:
    return defaultdict(Group)


@dataclass(slots=True)
class Tally:
    """The period. ``variants`` and ``senders`` are over all channels of a kind, by kind and name."""

    period: Period
    channels: dict[str, ChannelTally] = field(default_factory=dict)
    variants: defaultdict[str, _Groups] = field(default_factory=lambda: defaultdict(_groups))
    senders: defaultdict[str, _Groups] = field(default_factory=lambda: defaultdict(_groups))
    months: dict[str, Percentiles] = field(default_factory=dict)
    exceptions: list[Run] = field(default_factory=list)
    own_faults: list[Run] = field(default_factory=list)
    confirmations: Counts = field(default_factory=Counts)
    """Of all these: the probes that were sent to confirm the failure of another."""
    blind: list[str] = field(default_factory=list)
    """The probes of blind drills."""
    undecided: list[Event] = field(default_factory=list)
    """The ``scheduled`` events of probes that have no result."""
    scheduled: int = 0

    @property
    def counts(self) -> Counts:
        """Deadline results, all channels together."""
        return joined(channel.counts for channel in self.channels.values())

    @property
    def arrived(self) -> Latencies:
        """Latencies of what arrived, all channels together."""
        whole = Latencies()
        for channel in self.channels.values():
            whole.update(channel.arrived)
        return whole

    def month(self, month: str) -> Counts:
        """All channels in a month such as ``2026-03``."""
        return joined(channel_month(channel, month) for channel in self.channels.values())


def joined(several: Iterable[Counts]) -> Counts:
    """Both counted together, as one group."""
    whole = Counts()
    for counts in several:
        whole.join(counts)
    return whole


def channel_month(channel: ChannelTally, month: str) -> Counts:
    """One channel in one month such as ``2026-03``."""
    return joined(counts for day, counts in channel.days.items() if f"{day:%Y-%m}" == month)


def tally(ledger: LedgerReader, period: Period, now: datetime, progress: Progress | None = None) -> Tally:
    """Count the period; what lies after ``now`` is none of it."""
    counting = _Counting(ledger, period)
    days = list(period.days())
    for number, day in enumerate(days):
        counting.day(day)
        if progress:
            progress(number + 1, len(days))
    return counting.finish(now)


class _Counting:
    def __init__(self, ledger: LedgerReader, period: Period) -> None:
        self._ledger, self._tally = ledger, Tally(period)
        self._decided = DecidedReader(ledger)
        self._failures, self._own = failures(), own_faults()
        self._judged: set[str] = set()

    def day(self, day: date) -> None:
        since = datetime.combine(day, time(), UTC)
        until = since + timedelta(days=1)
        for slug, rows in groupby(self._decided.between(since, until), key=attrgetter("channel")):
            self._channel_day(slug, rows, day)
        self._tally.undecided += self._decided.undecided(since, until)
        self._tally.scheduled += self._ledger.count(EventKind.SCHEDULED, since, until)
        if until.day == 1:
            self._month_ends(f"{day:%Y-%m}")

    def _channel_day(self, slug: str, rows: Iterator[Counted], day: date) -> None:
        """Millions of rows come through here: one dictionary a row and purpose, and calls only for what is rare."""
        cube: defaultdict[_Alike, int] = defaultdict(int)
        wrong = slug in self._failures.open or slug in self._own.open or slug not in self._judged
        first = next(rows)
        channel = self._tally.channels.get(slug) or self._new_channel(first)
        variants, senders = self._tally.variants[channel.kind], self._tally.senders[channel.kind]
        for row in chain((first,), rows):
            arrived, deadline = row.arrived, row.deadline
            if arrived is not None:
                channel.month[arrived] += 1
                variants[row.variant].arrived[arrived] += 1
                senders[row.sender].arrived[arrived] += 1
            cube[row.sender, row.variant, row.outcome, deadline, row.was_accepted, row.was_acknowledged] += 1
            if deadline == _MET:
                channel.note_good(row.day)
            if row.confirms is not None:
                self._tally.confirmations.add(deadline)
            if row.blind:
                self._tally.blind.append(row.probe)
            if wrong or deadline != _MET:
                wrong = self._watch(row)
        self._add(channel, day, cube)

    def _new_channel(self, row: Counted) -> ChannelTally:
        channel = self._tally.channels[row.channel] = ChannelTally(row.kind)
        since = self._tally.period.since
        known = self._decided.last_good(row.channel, since)
        channel.good = row.day if known is None else _julian(since)
        channel.gap = (channel.good, channel.good)
        return channel

    def _add(self, channel: ChannelTally, day: date, cube: Mapping[_Alike, int]) -> None:
        of_day = channel.days[day] = Counts()
        for (sender, variant, outcome, deadline, accepted, acknowledged), number in cube.items():
            groups = self._tally.variants[channel.kind][variant], self._tally.senders[channel.kind][sender]
            for counts in (of_day, channel.variants[variant], channel.senders[sender], *(g.counts for g in groups)):
                counts.add(deadline, number)
            for group in groups if deadline == _MISSED else ():
                group.causes[outcome or "none"] += number
            channel.outcomes[outcome or "none"] += number
            channel.accepted += number if accepted else 0
            channel.acknowledged += number if acknowledged else 0

    def _watch(self, row: Counted) -> bool:
        """Exceptions and own faults; whether one of them is open."""
        if row.channel not in self._judged and row.deadline in (_MET, _MISSED):
            self._judged.add(row.channel)
            for earlier in () if row.deadline == _MET else before(self._decided, row):
                self._failures.feed(earlier)
        self._failures.feed(row)
        self._own.feed(row)
        return row.channel in self._failures.open or row.channel in self._own.open

    def _month_ends(self, month: str) -> None:
        whole = Latencies()
        for channel in self._tally.channels.values():
            if channel.month:
                channel.months[month] = channel.month.percentiles()
                channel.arrived.update(channel.month)
                whole.update(channel.month)
                channel.month = Latencies()
        if found := whole.percentiles():
            self._tally.months[month] = found

    def finish(self, now: datetime) -> Tally:
        period = self._tally.period
        self._month_ends(f"{period.last:%Y-%m}")
        for channel in self._tally.channels.values():
            channel.note_good(_julian(min(period.until, now)))
        for fold in (self._failures, self._own):
            follow(self._decided, fold, period.until)
        by_looks = looked(self._ledger, period.since, min(period.until, now))
        both = [*self._failures.runs(), *by_looks]
        self._tally.exceptions = sorted(both, key=lambda run: (run.first_at, run.channel))
        self._tally.own_faults = self._own.runs()
        return self._tally


def _julian(at: datetime) -> float:
    return at.timestamp() / 86_400 + UNIX_EPOCH
