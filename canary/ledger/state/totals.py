"""What the ledger adds up to, channel by channel: the numbers behind the metrics. All of it frozen values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from immutables import Map

from canary.ledger.state.due import Due
from canary.ledger.state.replacing import replace
from canary.model import Stage

BUCKETS = (
    1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 14400.0, 28800.0, 43200.0, 86400.0,
)  # fmt: skip
"""Upper bounds of the latency histograms in seconds, as they are counted: 1 s to 24 h."""

SHOWN: Mapping[Stage, tuple[float, ...]] = {
    Stage.ACCEPTED: (30, 300),
    Stage.ARRIVED: (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 28800, 86400),
    Stage.ACKNOWLEDGED: (60, 300, 900, 86400),
    Stage.PICKED_UP: (3600, 14400, 86400),
    Stage.ANSWER_RECEIVED: (3600, 14400, 86400),
}
"""The stages that are exported, and those of :data:`BUCKETS` that are of each, since each is a series a channel: one at
each promise (arrival within 5 and 15 min, 1, 8 and 24 h; an answer within 24 h), and what tells them apart. Of what a
CA's queue shows only the first human hand; the rest is in the table of results."""

UNDECIDED = "undecided"
"""What is counted as the result of a probe that ended before its deadline was judged."""


AUTHENTICATED = ("pass", "fail", "none")
"""What results of authentication are counted as."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket (not cumulative; the last is above every bound), and the sum in seconds."""

    counts: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    sum: float = 0.0
    exemplars: Mapping[int, tuple[str, float, float]] = field(default_factory=dict)
    """By bucket: the newest probe in it, its seconds, and when that was known (POSIX)."""

    def observe(self, seconds: float, probe: str, at: float) -> Histogram:
        """This histogram with what was known at ``at`` (POSIX) of one probe more."""
        bucket = bisect_left(BUCKETS, seconds)
        counts = (*self.counts[:bucket], self.counts[bucket] + 1, *self.counts[bucket + 1 :])
        return Histogram(counts, self.sum + seconds, {**self.exemplars, bucket: (probe, seconds, at)})

    def __add__(self, other: Histogram) -> Histogram:
        """Both together; of each bucket the newer exemplar."""
        exemplars = dict(self.exemplars)
        for bucket, exemplar in other.exemplars.items():
            exemplars[bucket] = max(exemplars.get(bucket, exemplar), exemplar, key=lambda known: known[2])
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Histogram(counts, self.sum + other.sum, exemplars)


@dataclass(frozen=True, slots=True)
class Newest:
    """What the newest probe showed that met or missed its deadline. Times are POSIX seconds, 0 where there is none."""

    probe: str = ""
    scheduled: float = 0.0
    met: bool = False
    away: int = 0
    """How many out-of-office notes answered it: one each of those who are away."""
    seen_in: frozenset[str] = frozenset()
    """The queues where the newest one that was not refused was expected and seen: the members whom an alias reaches."""
    seen_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ChannelTotals:
    """The totals of one channel. Times are POSIX seconds, 0 where there is none yet."""

    kind: str
    queue: str
    attempted: int = 0
    turns: int = 0
    """Probes whose sender and variant came in turn."""
    looks: int = 0
    """How often a channel was looked at to which nothing may be submitted."""
    due: Due = field(default_factory=Due)
    """The turns that were due, and what became of each."""
    sent: int = 0
    """Probes that left us, or may have, whatever the other side said."""
    submitted: int = 0
    failing: Mapping[str, float] = field(default_factory=dict)
    """By probe: when it was scheduled, of the newest that failed since one that arrived was scheduled."""
    bounced: int = 0
    """Probes that came back, counted as soon as it is known: they may still arrive, and end a day later."""
    deadline_results: Mapping[str, int] = field(default_factory=dict)
    finished: Mapping[str, int] = field(default_factory=dict)
    results: Mapping[str, int] = field(default_factory=dict)
    """Probes that have ended, by what their deadline had found; ``undecided`` where it was not judged."""
    stages: Mapping[str, Histogram] = field(default_factory=dict)
    duplicates: int = 0
    forged: Mapping[str, int] = field(default_factory=dict)
    authenticated: Mapping[str, int] = field(default_factory=dict)
    """Reports that arrived, by ``method/result`` of what servers that are believed found, of :data:`AUTHENTICATED`."""
    slowest_hop: float = 0.0
    """Seconds that the newest of them spent before the server that it took longest to."""
    enabled: float = 0.0
    last_success: float = 0.0
    last_attempt: float = 0.0
    last_outcome: str | None = None
    """What the newest judged probe came to; the channel's state is read from it."""
    last_judged: float = 0.0
    resumed: float = 0.0
    """When it was probed again after a pause, a blackout or the kill switch."""
    newest: Newest = Newest()
    form: Mapping[str, str] = field(default_factory=dict)
    """How its form looked when that was last told: names and texts."""
    forms: tuple[str, ...] = ()
    """The SHA-256 of how it looked the last few times that it changed, this one last."""
    variants_missed: Mapping[str, float] = field(default_factory=dict)
    """By variant: when one last missed its deadline."""
    senders_missed: Mapping[str, float] = field(default_factory=dict)
    """By sender, likewise."""

    def __add__(self, other: ChannelTotals) -> ChannelTotals:
        """The counts of both together; times, newest and what is missed are left as they are here."""
        stages = dict(self.stages)
        for stage, histogram in other.stages.items():
            stages[stage] = stages.get(stage, Histogram()) + histogram
        return replace(
            self,
            attempted=self.attempted + other.attempted,
            looks=self.looks + other.looks,
            sent=self.sent + other.sent,
            submitted=self.submitted + other.submitted,
            duplicates=self.duplicates + other.duplicates,
            finished=_sum(self.finished, other.finished),
            results=_sum(self.results, other.results),
            bounced=self.bounced + other.bounced,
            forged=_sum(self.forged, other.forged),
            authenticated=_sum(self.authenticated, other.authenticated),
            stages=stages,
        )

    def moved(self, by: float) -> ChannelTotals:
        """The same by a clock that was set by so many seconds since."""
        return replace(
            self,
            failing={probe: _moved(at, by) for probe, at in self.failing.items()},
            due=self.due.moved(by),
            enabled=_moved(self.enabled, by),
            last_success=_moved(self.last_success, by),
            last_attempt=_moved(self.last_attempt, by),
            last_judged=_moved(self.last_judged, by),
            resumed=_moved(self.resumed, by),
            newest=replace(
                self.newest, scheduled=_moved(self.newest.scheduled, by), seen_at=_moved(self.newest.seen_at, by)
            ),
            variants_missed={variant: _moved(at, by) for variant, at in self.variants_missed.items()},
            senders_missed={sender: _moved(at, by) for sender, at in self.senders_missed.items()},
        )

    def due_by(self, at: float, down_since: float) -> tuple[int, Due]:
        """How many turns were due by ``at`` (POSIX), and what became of those that were not taken.

        ``down_since`` is since when no prober runs, 0 while one does.
        """
        due = self.due.until(at, down_since)
        return self.turns + self.looks + sum(due.held.values()) + due.unaccounted, due

    def with_outcome(self, scheduled: float, outcome: str) -> ChannelTotals:
        """With what a probe came to that was scheduled at ``scheduled`` (POSIX); an older one changes nothing."""
        return self if scheduled < self.last_judged else replace(self, last_outcome=outcome, last_judged=scheduled)


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of the whole ledger."""

    channels: Mapping[str, ChannelTotals] = field(default_factory=Map)
    """By slug, in no order."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """By ``component/reason``."""
    by_variant: Mapping[str, int] = field(default_factory=dict)
    """Probes that met or missed their deadline, by ``kind/variant/result``."""
    by_sender: Mapping[str, int] = field(default_factory=dict)
    """Likewise, by ``kind/sender/result``."""
    unattributed: Mapping[str, int] = field(default_factory=dict)
    """Forged sightings that belong to no probe of ours, by reason."""
    paused: Mapping[str, str] = field(default_factory=dict)
    """The reason by paused channel; ``*`` stands for all of them."""
    stopped: str | None = None
    """Why the kill switch is thrown, or None."""
    down_since: float = 0.0
    """Since when no prober with a schedule runs, as was told (POSIX); 0 while one does, and before the first."""
    held: Mapping[str, str] = field(default_factory=dict)
    """By channel whose due probes are not sent: the reason, of :class:`canary.ledger.events.Hold`."""
    clocks: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By queue: the offset of its clock in seconds as it was last recorded, and when that was."""
    confirmations: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """By channel: the failed probe that is to be confirmed, and when."""

    @property
    def configured(self) -> int:
        """The number of the first event that tells what is in force by the schedule; 0 before there is one."""
        return max((channel.due.since for channel in self.channels.values()), default=0)


def _moved(at: float, by: float) -> float:
    return at + by if at else 0.0


def _sum(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {key: some.get(key, 0) + more.get(key, 0) for key in (*some, *more)}


def counted(counts: Mapping[str, int], key: str, by: int = 1) -> dict[str, int]:
    """``counts`` with ``by`` more of ``key``."""
    return {**counts, key: counts.get(key, 0) + by}
