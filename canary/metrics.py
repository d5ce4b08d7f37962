"""Every metric in one table, exported from the ledger by a custom collector: counters survive a restart.

Labels are closed sets: ``channel`` and ``queue`` are slugs of the configuration, never an address. With
``histograms: per_kind`` what is many-valued (latencies, outcomes, forgeries) is summed over the channels of a kind, for
installations of hundreds of channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from canary import __version__
from canary.ledger import BUCKETS, ChannelTotals, Histogram, OpenProbe
from canary.model import DeadlineResult, Forgery, Outcome, Stage
from canary.prober import Prober
from canary.switches import EVERY_CHANNEL, stop_reason

PREFIX = "cpr_canary_"
_CHANNEL = ("channel", "kind", "queue")
_BY_VARIANT, _BY_SENDER = ("kind", "variant", "result"), ("kind", "sender", "result")


@dataclass(frozen=True)
class Definition:
    """A row of the table: type, help in a full sentence, labels."""

    type: type[GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily]
    help: str
    labels: tuple[str, ...] = ()


def _gauge(text: str, *labels: str) -> Definition:
    return Definition(GaugeMetricFamily, text, labels)


def _counter(text: str, *labels: str) -> Definition:
    return Definition(CounterMetricFamily, text, labels)


TABLE: Mapping[str, Definition] = {
    "build_info": _gauge("Always 1; the version that runs.", "version"),
    "channel_info": _gauge("Always 1; where the channel is published.", *_CHANNEL, "disclosed_in"),
    "channel_enabled_timestamp_seconds": _gauge("When the channel was first probed.", *_CHANNEL),
    "channel_probe_interval_seconds": _gauge("Configured time between two probes of the channel.", *_CHANNEL),
    "channel_arrival_deadline_seconds": _gauge("Configured time by which a report must have arrived.", *_CHANNEL),
    "channel_state": _gauge("1 ok, 0 failing, 2 unknown (our own fault, or nothing known yet), 3 paused.", *_CHANNEL),
    "channel_last_success_timestamp_seconds": _gauge("When the last good probe arrived; absent before.", *_CHANNEL),
    "channel_last_attempt_timestamp_seconds": _gauge("When the channel was last probed.", *_CHANNEL),
    "probes_attempted_total": _counter("Probes that were to be submitted.", *_CHANNEL),
    "probes_submitted_total": _counter("Probes that the channel accepted (SMTP 250, confirmation page).", *_CHANNEL),
    "probes_in_flight": _gauge("Probes without an end yet.", *_CHANNEL),
    "deadline_results_total": _counter("Probes by what the arrival deadline found.", *_CHANNEL, "result"),
    "probes_finished_total": _counter("Probes by how they ended at last.", *_CHANNEL, "outcome"),
    "duplicate_arrivals_total": _counter("Further copies of reports that had arrived.", *_CHANNEL),
    "forged_arrivals_total": _counter("Sightings that look like ours and are not.", *_CHANNEL, "reason"),
    "stage_latency_seconds": Definition(
        HistogramMetricFamily, "Time from submission to the stage, for stages reached.", (*_CHANNEL, "stage")
    ),
    "variant_results_total": _counter(
        "Probes by what was reported, and what the arrival deadline found.", *_BY_VARIANT
    ),
    "sender_results_total": _counter("Probes by who reported, and what the arrival deadline found.", *_BY_SENDER),
    "channel_variant_last_missed_timestamp_seconds": _gauge(
        "When the channel last missed a variant; only the last 7 days, the newest 10.", *_CHANNEL, "variant"
    ),
    "channel_sender_last_missed_timestamp_seconds": _gauge(
        "When the channel last missed a sender's report; only the last 7 days, the newest 10.", *_CHANNEL, "sender"
    ),
    "alias_roster_members": _gauge(
        "Queues that an alias feeds: expected by configuration, and actually reached by the newest judged probe.",
        *_CHANNEL,
        "source",
    ),
    "alias_roster_drift_members": _gauge(
        "Queues of an alias that the newest judged probe did not reach.", *_CHANNEL, "drift"
    ),
    "alias_roster_last_check_timestamp_seconds": _gauge("When a probe last told who an alias reaches.", *_CHANNEL),
    "contacts_available": _gauge("1 if the contact got its newest judged report in time and is not away.", *_CHANNEL),
    "contacts_on_leave": _gauge("1 if an out-of-office note answered the newest judged report.", *_CHANNEL),
    "clock_offset_seconds": _gauge(
        "How far the mail server's clock seems ahead of ours (behind if negative).", "queue"
    ),
    "queue_items": _gauge("Messages in the queue, strangers' included.", "queue", "state"),
    "queue_oldest_unread_timestamp_seconds": _gauge("Arrival of the oldest unread message; absent if none.", "queue"),
    "queue_last_read_timestamp_seconds": _gauge("When the queue was last read to its end.", "queue"),
    "evidence_entries_total": _counter("Events in the ledger."),
    "evidence_size_bytes": _gauge("Size of the evidence log on disk."),
    "evidence_last_checkpoint_timestamp_seconds": _gauge("When the evidence log was last signed; absent before."),
    "evidence_last_verify_success": _gauge("1 if the evidence log verified the last time it was checked, else 0."),
    "evidence_last_verify_timestamp_seconds": _gauge("When the evidence log was last checked; absent before."),
    "evidence_last_timestamp_timestamp_seconds": _gauge("Time of the newest RFC 3161 time-stamp; absent before."),
    "evidence_pending_timestamps": _gauge("Signed checkpoints that wait for an RFC 3161 time-stamp."),
    "scheduler_last_tick_timestamp_seconds": _gauge("When the main loop last went round."),
    "scheduler_lag_seconds": _gauge("How late the last probe was sent."),
    "stopped": _gauge("1 while the kill switch is thrown."),
    "errors_total": _counter("Faults of our own, by part and reason.", "component", "reason"),
    "config_last_reload_successful": _gauge("1 if the last reload of the configuration was accepted."),
    "config_last_reload_success_timestamp_seconds": _gauge("When a configuration was last accepted."),
}
"""Every metric of ours, without :data:`PREFIX`."""


class _Families:
    """The families of one scrape, by their names in the table."""

    def __init__(self) -> None:
        self._families = {name: row.type(PREFIX + name, row.help, labels=row.labels) for name, row in TABLE.items()}

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._families.values())

    def add(self, name: str, labels: Sequence[str], value: float) -> None:
        family = self._families[name]
        if isinstance(family, HistogramMetricFamily):
            raise TypeError(f"{name} is a histogram")
        family.add_metric(labels, value)

    def add_histogram(self, name: str, labels: Sequence[str], histogram: Histogram) -> None:
        family = self._families[name]
        if not isinstance(family, HistogramMetricFamily):
            raise TypeError(f"{name} is not a histogram")
        family.add_metric(labels, _cumulative(histogram), histogram.sum)


class Exporter(Collector):
    """Collects every metric of :data:`TABLE`, from the ledger and from the prober that writes it."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now. Callable from any thread."""
        families = _Families()
        families.add("build_info", [__version__], 1)
        self._collect_prober(families)
        with self._prober.ledger.lock:
            self._collect_channels(families)
            self._collect_errors(families)
        return iter(families)

    def _collect_channels(self, families: _Families) -> None:
        config, book = self._prober.config, self._prober.ledger.book
        in_flight = _count_by_channel(book.open.values())
        per_kind = config.web.histograms == "per_kind"
        sums: dict[str, ChannelTotals] = {}
        for slug, settings in config.channels.items():
            labels = [slug, settings.kind, min(settings.arrives_in)]
            totals = book.totals.channels.get(slug) or ChannelTotals(settings.kind, labels[2])
            paused = {slug, EVERY_CHANNEL} & book.totals.paused.keys()
            families.add("channel_probe_interval_seconds", labels, settings.interval)
            families.add("channel_arrival_deadline_seconds", labels, settings.deadline)
            families.add("channel_state", labels, 3 if paused else _state(totals.last_outcome))
            families.add("probes_in_flight", labels, in_flight.get(slug, 0))
            _add_counts(families, labels, totals)
            if per_kind:
                _sum_into(sums.setdefault(settings.kind, ChannelTotals(settings.kind, "")), totals)
            else:
                families.add("channel_info", [*labels, ",".join(settings.disclosed_in)], 1)
                promised = settings.acknowledged_within is not None
                _add_many_valued(families, labels, totals, promised)
        for kind, totals in sums.items():
            _add_many_valued(families, ["", kind, ""], totals, True)
        for reason, count in book.totals.unattributed.items():
            families.add("forged_arrivals_total", ["", "", "", reason], count)

    def _collect_errors(self, families: _Families) -> None:
        ledger = self._prober.ledger
        families.add("evidence_entries_total", [], ledger.book.seq)
        self._collect_evidence(families)
        for key, count in ledger.book.totals.errors.items():
            families.add("errors_total", key.split("/", 1), count)
        families.add("errors_total", ["store", "not_written"], ledger.not_written)

    def _collect_evidence(self, families: _Families) -> None:
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

    def _collect_prober(self, families: _Families) -> None:
        prober = self._prober
        if prober.last_tick is not None:
            families.add("scheduler_last_tick_timestamp_seconds", [], prober.last_tick.timestamp())
        families.add("scheduler_lag_seconds", [], prober.lag)
        families.add("stopped", [], stop_reason(prober.config.state) is not None)
        families.add("config_last_reload_successful", [], prober.reload_ok)
        accepted = prober.reloaded_at.timestamp()
        families.add("config_last_reload_success_timestamp_seconds", [], accepted)
        for queue, at in dict(prober.desk.read_at).items():
            families.add("queue_last_read_timestamp_seconds", [queue], at.timestamp())
        for queue, depth in dict(prober.desk.depths).items():
            families.add("queue_items", [queue, "unread"], depth.unread)
            families.add("queue_items", [queue, "read"], depth.read)
            if depth.oldest_unread is not None:
                oldest = depth.oldest_unread.timestamp()
                families.add("queue_oldest_unread_timestamp_seconds", [queue], oldest)


def registry(prober: Prober) -> CollectorRegistry:
    """A registry of its own with our metrics and the client library's about the process."""
    own = CollectorRegistry(auto_describe=False)
    own.register(Exporter(prober))
    ProcessCollector(registry=own)
    PlatformCollector(registry=own)
    GCCollector(registry=own)
    return own


def _state(outcome: str | None) -> int:
    if outcome in (None, Outcome.INDETERMINATE):
        return 2
    return 1 if outcome == Outcome.ARRIVED else 0


def _count_by_channel(probes: Iterable[OpenProbe]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for known in probes:
        counts[known.case.probe.channel] = counts.get(known.case.probe.channel, 0) + 1
    return counts


def _add_counts(families: _Families, labels: list[str], totals: ChannelTotals) -> None:
    families.add("probes_attempted_total", labels, totals.attempted)
    families.add("probes_submitted_total", labels, totals.submitted)
    for result in DeadlineResult:
        count = totals.deadline_results.get(result.value, 0)
        families.add("deadline_results_total", [*labels, result.value], count)
    for name, at in (
        ("channel_enabled_timestamp_seconds", totals.enabled),
        ("channel_last_success_timestamp_seconds", totals.last_success),
        ("channel_last_attempt_timestamp_seconds", totals.last_attempt),
    ):
        if at:
            families.add(name, labels, at)


def _add_many_valued(families: _Families, labels: list[str], totals: ChannelTotals, acknowledged: bool) -> None:
    """Every label value from the start at 0 (a counter born at 1 hides its first event), but no stage never reached."""
    for outcome in Outcome:
        families.add("probes_finished_total", [*labels, outcome.value], totals.finished.get(outcome.value, 0))
    for reason in Forgery:
        families.add("forged_arrivals_total", [*labels, reason.value], totals.forged.get(reason.value, 0))
    families.add("duplicate_arrivals_total", labels, totals.duplicates)
    expected = {Stage.ACCEPTED, Stage.ARRIVED} | ({Stage.ACKNOWLEDGED} if acknowledged else set())
    for stage in sorted(expected | {Stage(stage) for stage in totals.stages}):
        histogram = totals.stages.get(stage.value) or Histogram()
        families.add_histogram("stage_latency_seconds", [*labels, stage.value], histogram)


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip((*BUCKETS, float("inf")), histogram.counts, strict=True):
        total += count
        buckets.append((floatToGoString(bound), float(total)))  # type: ignore[no-untyped-call]  # untyped there
    return buckets


def _sum_into(whole: ChannelTotals, part: ChannelTotals) -> None:
    whole.duplicates += part.duplicates
    for counts, more in ((whole.finished, part.finished), (whole.forged, part.forged)):
        for key, count in more.items():
            counts[key] = counts.get(key, 0) + count
    for stage, histogram in part.stages.items():
        into = whole.stages.setdefault(stage, Histogram())
        into.counts = [a + b for a, b in zip(into.counts, histogram.counts, strict=True)]
        into.sum += histogram.sum
