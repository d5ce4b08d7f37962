"""Every metric of ours, in one table: type, help, labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

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
    "channel_enabled_timestamp_seconds": _gauge(
        "When probing of the channel began, or began again after a pause, a blackout or the kill switch.",
        *_CHANNEL,
    ),
    "channel_probe_interval_seconds": _gauge("Configured time between two probes of the channel.", *_CHANNEL),
    "channel_arrival_deadline_seconds": _gauge("Configured time by which a report must have arrived.", *_CHANNEL),
    "channel_state": _gauge(
        "1 ok, 0 failing, 2 unknown (our own fault, or nothing known yet), 3 paused (or blackout, or kill switch).",
        *_CHANNEL,
    ),
    "channel_failing_probes": _gauge(
        "Probes that failed, by what is known of them, since one that arrived was sent; no more than 5 are counted.",
        *_CHANNEL,
    ),
    "channel_last_success_timestamp_seconds": _gauge("When the last good probe arrived; absent before.", *_CHANNEL),
    "probes_due_total": _counter("Probes that intervals asked for, of all channels: sent, held or unaccounted for."),
    "probes_unaccounted_total": _counter("Probes that were due and not sent, and nothing tells why.", *_CHANNEL),
    "probes_submitted_total": _counter("Probes that the channel accepted (SMTP 250, confirmation page).", *_CHANNEL),
    "probes_in_flight": _gauge("Probes without an end yet.", *_CHANNEL),
    "deadline_results_total": _counter("Probes by what the arrival deadline found.", *_CHANNEL, "result"),
    "probes_finished_total": _counter("Probes by how they ended at last.", *_CHANNEL, "outcome"),
    "probes_bounced_total": _counter("Probes that came back to their sender, as soon as that is known.", *_CHANNEL),
    "duplicate_arrivals_total": _counter("Further copies of reports that had arrived.", *_CHANNEL),
    "forged_arrivals_total": _counter("Sightings that look like ours and are not.", *_CHANNEL, "reason"),
    "stage_latency_seconds": Definition(
        HistogramMetricFamily, "Time from submission to the stage, for stages reached.", (*_CHANNEL, "stage")
    ),
    "authentication_results_total": _counter(
        "Reports found, by what servers that are believed made of them.", "kind", "method", "result"
    ),
    "authentication_failed_total": _counter(
        "Results of SPF, DKIM, DMARC and ARC that were no pass and not none, of reports found.", *_CHANNEL
    ),
    "channel_slowest_hop_seconds": _gauge(
        "What the newest report found spent before the server that it took longest to.", *_CHANNEL
    ),
    "variant_results_total": _counter(
        "Probes by what was reported, and what the arrival deadline found.", *_BY_VARIANT
    ),
    "sender_results_total": _counter("Probes by who reported, and what the arrival deadline found.", *_BY_SENDER),
    "channel_variant_last_missed_timestamp_seconds": _gauge(
        "When the channel last missed a variant; of the last 7 days, the newest 5.", *_CHANNEL, "variant"
    ),
    "channel_sender_last_missed_timestamp_seconds": _gauge(
        "When the channel last missed a sender's report; of the last 7 days, the newest 3.",
        *_CHANNEL,
        "sender",
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
    "alias_members_available": _gauge(
        "Queues of a channel less the out-of-office notes that answered its newest judged report; 0 if all are away.",
        *_CHANNEL,
    ),
    "contacts_available": _gauge("1 if the contact got its newest judged report in time and is not away.", *_CHANNEL),
    "contacts_on_leave": _gauge("1 if an out-of-office note answered the newest judged report.", *_CHANNEL),
    "clock_offset_seconds": _gauge(
        "How far the mail server's clock seems ahead of ours (behind if negative).", "queue"
    ),
    "queue_items": _gauge("Messages in the queue, strangers' included.", "queue", "state"),
    "queue_oldest_unread_timestamp_seconds": _gauge(
        "Arrival of the oldest unread message but our own; absent if none.", "queue"
    ),
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
    "loop_stalled_seconds_total": _counter("For how long the main loop stood still, by stalls of more than 0.25 s."),
    "loop_longest_stall_seconds": _gauge("The longest of them since the start; the log names what held it."),
    "part_well": _gauge(
        "1 if a part of the canary is well, 0 if not: sending, signing, the ledger, each queue; /-/ready says why.",
        "part",
    ),
    "stopped": _gauge("1 while the kill switch is thrown."),
    "errors_total": _counter("Faults of our own, by part and reason.", "component", "reason"),
    "config_last_reload_successful": _gauge("1 if the last reload of the configuration was accepted."),
    "config_last_reload_success_timestamp_seconds": _gauge("When a configuration was last accepted."),
}
"""Every metric of ours, without :data:`PREFIX`."""
