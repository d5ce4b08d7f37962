"""The collector: what the ledger adds up to and what the prober is at, as the families of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from canary import __version__, status
from canary.config import Config
from canary.ledger import AUTHENTICATED, SHOWN, ChannelTotals, Histogram, State
from canary.metrics.families import Families
from canary.model import DeadlineResult, Forgery, Outcome, Stage
from canary.prober.gate import stop_reason
from canary.prober.loop import Prober
from canary.settings import ChannelSettings
from canary.status import QueueStatus, Standing

_MISSED_WITHIN = timedelta(days=7)
_MOST_MISSED = {"variant": 5, "sender": 3}
"""How many of one channel are named as missed, the newest: enough to see what a filter hit, in few series."""


@dataclass(frozen=True)
class _ExportedChannel:
    """A configured channel as it is exported."""

    slug: str
    settings: ChannelSettings
    labels: tuple[str, str, str]
    person: bool


class _Layout:
    """What of the export follows from the configuration alone: worked out once, not at every scrape."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.per_kind = config.web.histograms == "per_kind"
        self.queues = config.queues().keys()
        self.channels = [
            _ExportedChannel(
                slug, settings, (slug, settings.kind, min(settings.arrives_in)), config.kind_of(slug).person
            )
            for slug, settings in config.channels.items()
        ]
        results = (DeadlineResult.MET, DeadlineResult.MISSED)
        rotations = [(c.settings.kind, config.variants_of(c.slug), config.senders_of(c.slug)) for c in self.channels]
        self.by_variant = {f"{kind}/{v}/{r}": 0 for kind, variants, _ in rotations for v in variants for r in results}
        self.by_sender = {f"{kind}/{s}/{r}": 0 for kind, _, senders in rotations for s in senders for r in results}


class Exporter(Collector):
    """Collects every metric of :data:`TABLE`, from the ledger and from the prober that writes it."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._layout = _Layout(prober.config)

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now. Callable from any thread."""
        layout = self._layout
        if layout.config is not self._prober.config:
            layout = self._layout = _Layout(self._prober.config)
        families = Families()
        families.add("build_info", [__version__], 1)
        stopped = stop_reason(layout.config.state)
        families.add("stopped", [], stopped is not None)
        self._collect_prober(families, layout)
        self._collect_evidence(families)
        state = self._prober.ledger.state
        self._collect_channels(families, layout, state, stopped)
        self._collect_installation(families, layout, state)
        return iter(families)

    def _collect_channels(self, families: Families, layout: _Layout, state: State, stopped: str | None) -> None:
        now = self._prober.intake.now()
        missed_since = (now - _MISSED_WITHIN).timestamp()
        due, sums, authenticated = 0, dict[str, ChannelTotals](), Counter[tuple[str, str]]()
        standing = status.channels(layout.config, state, stopped, now)
        for channel, known in zip(layout.channels, standing, strict=True):
            settings, labels, totals = channel.settings, channel.labels, known.totals
            families.add("channel_probe_interval_seconds", labels, settings.interval)
            families.add("channel_arrival_deadline_seconds", labels, settings.deadline)
            families.add("channel_state", labels, known.standing)
            families.add("probes_in_flight", labels, known.in_flight)
            families.add("channel_failing_probes", labels, len(totals.failing))
            _add_counts(families, labels, totals)
            number, became = totals.due_by(now.timestamp(), state.totals.down_since)
            families.add("probes_unaccounted_total", labels, became.unaccounted)
            due += number
            _add_people(families, channel, totals)
            authenticated.update({(settings.kind, key): count for key, count in totals.authenticated.items()})
            if layout.per_kind:
                sums[settings.kind] = sums.get(settings.kind, ChannelTotals(settings.kind, "")) + totals
            else:
                families.add("channel_info", [*labels, ",".join(settings.disclosed_in)], 1)
                _add_many_valued(families, labels, totals, settings.owed())
                _add_missed(families, labels, totals, missed_since)
                _add_more_of_people(families, channel, totals)
                _add_way(families, labels, totals)
        families.add("probes_due_total", [], due)
        for kind, method in sorted({(kind, key.partition("/")[0]) for kind, key in authenticated}):
            for result in AUTHENTICATED:  # at 0 from its first sign on: a counter born at 1 hides its first event
                count = authenticated[kind, f"{method}/{result}"]
                families.add("authentication_results_total", [kind, method, result], count)
        for kind, totals in sums.items():
            _add_many_valued(families, ("", kind, ""), totals, (Stage.ACKNOWLEDGED,))

    def _collect_installation(self, families: Families, layout: _Layout, state: State) -> None:
        totals = state.totals
        for name, dense, counts in (
            ("variant_results_total", layout.by_variant, totals.by_variant),
            ("sender_results_total", layout.by_sender, totals.by_sender),
        ):
            for key, count in {**dense, **counts}.items():
                families.add(name, key.split("/"), count)
        for reason in Forgery:
            families.add("forged_arrivals_total", ["", "", "", reason.value], totals.unattributed.get(reason.value, 0))
        families.add("evidence_entries_total", [], state.seq)
        for key, count in totals.errors.items():
            families.add("errors_total", key.split("/", 1), count)
        families.add("errors_total", ["store", "not_written"], self._prober.ledger.not_written)

    def _collect_evidence(self, families: Families) -> None:
        if self._prober.evidence is None:
            return
        figures = self._prober.evidence.figures()
        families.add("evidence_size_bytes", [], figures.size_bytes)
        families.add("evidence_pending_timestamps", [], figures.pending_timestamps)
        for name, value in (
            ("evidence_last_checkpoint_timestamp_seconds", figures.last_checkpoint),
            ("evidence_last_verify_success", figures.last_verify_success),
            ("evidence_last_verify_timestamp_seconds", figures.last_verify),
            ("evidence_last_timestamp_timestamp_seconds", figures.last_timestamp),
        ):
            if value is not None:
                families.add(name, [], float(value))

    def _collect_prober(self, families: Families, layout: _Layout) -> None:
        vitals = self._prober.vitals()
        if vitals.last_tick is not None:
            families.add("scheduler_last_tick_timestamp_seconds", [], vitals.last_tick.timestamp())
        families.add("scheduler_lag_seconds", [], vitals.lag)
        families.add("loop_stalled_seconds_total", [], vitals.stood_still)
        families.add("loop_longest_stall_seconds", [], vitals.longest_stall)
        families.add("config_last_reload_successful", [], vitals.reload_ok)
        families.add("config_last_reload_success_timestamp_seconds", [], vitals.reloaded_at.timestamp())
        now = self._prober.intake.now()
        for part in status.parts(layout.config, self._prober.ledger.state, vitals, now):
            families.add("part_well", [part.part], part.standing in (Standing.OK, Standing.PAUSED))
        for queue in status.queues(layout.config, self._prober.ledger.state, vitals):
            _add_queue(families, queue)


def registry(prober: Prober) -> CollectorRegistry:
    """A registry of its own with our metrics and the client library's about the process."""
    own = CollectorRegistry(auto_describe=False)
    own.register(Exporter(prober))
    ProcessCollector(registry=own)
    PlatformCollector(registry=own)
    GCCollector(registry=own)
    return own


def _add_queue(families: Families, queue: QueueStatus) -> None:
    """What is known of a queue; nothing of one that was never read."""
    name, depth = queue.place.queue, queue.depth
    if queue.read_at is not None:
        families.add("queue_last_read_timestamp_seconds", [name], queue.read_at.timestamp())
    if queue.clock_offset is not None:
        families.add("clock_offset_seconds", [name], queue.clock_offset)
    if depth is not None:
        families.add("queue_items", [name, "unread"], depth.unread)
        families.add("queue_items", [name, "read"], depth.read)
        if depth.oldest_unread is not None:
            families.add("queue_oldest_unread_timestamp_seconds", [name], depth.oldest_unread.timestamp())


def _add_counts(families: Families, labels: Sequence[str], totals: ChannelTotals) -> None:
    for result in DeadlineResult:
        count = totals.deadline_results.get(result.value, 0)
        families.add("deadline_results_total", [*labels, result.value], count)
    for name, at in (
        ("channel_enabled_timestamp_seconds", max(totals.enabled, totals.resumed)),
        ("channel_last_success_timestamp_seconds", totals.last_success),
    ):
        if at:
            families.add(name, labels, at)


def _add_people(families: Families, channel: _ExportedChannel, totals: ChannelTotals) -> None:
    """Whom an alias reaches, and whether a contact is there, as soon as a probe has shown it: what alerts need."""
    labels, newest, expected = channel.labels, totals.newest, len(channel.settings.arrives_in)
    if expected > 1 and newest.seen_at:
        families.add("alias_roster_drift_members", [*labels, "missing"], max(0, expected - len(newest.seen_in)))
        families.add("alias_roster_last_check_timestamp_seconds", labels, newest.seen_at)
    if channel.person and newest.probe:
        families.add("contacts_available", labels, newest.met and not newest.away)
    elif newest.probe and (expected > 1 or newest.away):
        families.add("alias_members_available", labels, max(0, expected - newest.away))


def _add_more_of_people(families: Families, channel: _ExportedChannel, totals: ChannelTotals) -> None:
    """Roster size and leave, which ``histograms: per_kind`` leaves out."""
    labels, newest, expected = channel.labels, totals.newest, len(channel.settings.arrives_in)
    if expected > 1:
        families.add("alias_roster_members", [*labels, "expected"], expected)
        if newest.seen_at:
            families.add("alias_roster_members", [*labels, "actual"], len(newest.seen_in))
    if channel.person and newest.probe:
        families.add("contacts_on_leave", labels, newest.away > 0)


def _add_way(families: Families, labels: Sequence[str], totals: ChannelTotals) -> None:
    """What the headers of reports that were found say, as soon as one says it."""
    if totals.authenticated:
        failed = sum(count for key, count in totals.authenticated.items() if key.endswith("/fail"))
        families.add("authentication_failed_total", labels, failed)
    if totals.slowest_hop:
        families.add("channel_slowest_hop_seconds", labels, totals.slowest_hop)


def _add_missed(families: Families, labels: Sequence[str], totals: ChannelTotals, since: float) -> None:
    for what, missed in (("variant", totals.variants_missed), ("sender", totals.senders_missed)):
        for at, name in nlargest(_MOST_MISSED[what], ((at, name) for name, at in missed.items() if at >= since)):
            families.add(f"channel_{what}_last_missed_timestamp_seconds", [*labels, name], at)


def _add_many_valued(families: Families, labels: Sequence[str], totals: ChannelTotals, owed: Collection[Stage]) -> None:
    """Every label value from the start at 0 (a counter born at 1 hides its first event), but no stage never reached."""
    families.add("probes_submitted_total", labels, totals.submitted)
    for outcome in Outcome:
        families.add("probes_finished_total", [*labels, outcome.value], totals.finished.get(outcome.value, 0))
    families.add("probes_bounced_total", labels, totals.bounced)
    for reason in Forgery:
        families.add("forged_arrivals_total", [*labels, reason.value], totals.forged.get(reason.value, 0))
    families.add("duplicate_arrivals_total", labels, totals.duplicates)
    expected = {Stage.ACCEPTED, Stage.ARRIVED, *owed}
    for stage in sorted(stage for stage in SHOWN if stage in expected or stage.value in totals.stages):
        histogram = totals.stages.get(stage.value) or Histogram()
        families.add_histogram("stage_latency_seconds", labels, stage, histogram)
