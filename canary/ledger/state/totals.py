"""What the ledger adds up to, channel by channel: the numbers behind the metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from canary.model import Stage

BUCKETS = (
    1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 14400.0, 28800.0, 43200.0, 86400.0,
)  # fmt: skip
"""Upper bounds of the latency histograms in seconds, as they are counted: 1 s to 24 h."""

SHOWN: Mapping[Stage, tuple[float, ...]] = {
    Stage.ACCEPTED: (1, 30, 300),
    Stage.ARRIVED: (1, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 28800, 86400),
    Stage.ACKNOWLEDGED: (60, 300, 900, 3600, 86400),
    Stage.ANSWERED: (3600, 14400, 28800, 43200, 86400),
}
"""Those of :data:`BUCKETS` that are exported of a stage, since each is a series a channel: one at each promise (arrival
within 5 and 15 min, 1, 8 and 24 h; an answer within 24 h), and what tells them apart."""


@dataclass
class Histogram:
    """Counts by bucket (not cumulative; the last is above every bound), and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    sum: float = 0.0
    exemplars: dict[int, tuple[str, float, float]] = field(default_factory=dict)
    """By bucket: the newest probe in it, its seconds, and when that was known (POSIX)."""

    def observe(self, seconds: float, probe: str, at: float) -> None:
        """Count what was known at ``at`` (POSIX) of a probe."""
        bucket = bisect_left(BUCKETS, seconds)
        self.counts[bucket] += 1
        self.sum += seconds
        self.exemplars[bucket] = (probe, seconds, at)


@dataclass
class Newest:
    """What the newest probe told that met or missed its deadline. Times are POSIX seconds, 0 where there is none."""

    probe: str = ""
    scheduled: float = 0.0
    met: bool = False
    away: bool = False
    """An out-of-office note answered it."""
    reached: int = 0
    """In how many of the queues where it was expected the newest one was seen that was not refused."""
    reached_at: float = 0.0


@dataclass
class ChannelTotals:
    """The totals of one channel. Times are POSIX seconds, 0 where there is none yet."""

    kind: str
    queue: str
    attempted: int = 0
    turns: int = 0
    """Probes whose sender and variant came in turn."""
    submitted: int = 0
    deadline_results: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    stages: dict[str, Histogram] = field(default_factory=dict)
    duplicates: int = 0
    forged: dict[str, int] = field(default_factory=dict)
    enabled: float = 0.0
    last_success: float = 0.0
    last_attempt: float = 0.0
    last_outcome: str | None = None
    """What the newest judged probe came to; the channel's state is read from it."""
    last_judged: float = 0.0
    resumed: float = 0.0
    """When it was probed again after a pause, a blackout or the kill switch."""
    newest: Newest = field(default_factory=Newest)
    variants_missed: dict[str, float] = field(default_factory=dict)
    """By variant: when one last missed its deadline."""
    senders_missed: dict[str, float] = field(default_factory=dict)
    """By sender, likewise."""


@dataclass
class Totals:
    """The totals of the whole ledger."""

    channels: dict[str, ChannelTotals] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    """By ``component/reason``."""
    by_variant: dict[str, int] = field(default_factory=dict)
    """Probes that met or missed their deadline, by ``kind/variant/result``."""
    by_sender: dict[str, int] = field(default_factory=dict)
    """Likewise, by ``kind/sender/result``."""
    unattributed: dict[str, int] = field(default_factory=dict)
    """Forged sightings that belong to no probe of ours, by reason."""
    paused: dict[str, str] = field(default_factory=dict)
    """The reason by paused channel; ``*`` stands for all of them."""
    stopped: str | None = None
    """Why the kill switch is thrown, or None."""
    held: dict[str, str] = field(default_factory=dict)
    """By channel whose due probes are not sent: the reason, of :class:`canary.ledger.events.Hold`."""
    clocks: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By queue: the offset of its clock in seconds as it was last told, and when that was."""
    confirmations: dict[str, tuple[str, float]] = field(default_factory=dict)
    """By channel: the failed probe that is to be confirmed, and when."""


def add(counts: dict[str, int], key: str, by: int = 1) -> None:
    """Count ``by`` more of ``key``."""
    counts[key] = counts.get(key, 0) + by
