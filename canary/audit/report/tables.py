"""The files beside the page: CSV for spreadsheets, JSON for machines. A text can never become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from canary import wording
from canary.audit.cells import cell
from canary.audit.report.changes import Span
from canary.audit.report.contents import AuditReport
from canary.audit.report.counts import Counts, Percentiles
from canary.audit.report.exceptions import Run
from canary.audit.report.results import result_of, results
from canary.audit.report.tally import Tally
from canary.audit.report.targets import arrives_at, reached_at
from canary.audit.report.versions import values
from canary.ledger.events import timestamp

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


def to_csv(table: Table) -> bytes:
    """The table as CSV (RFC 4180), UTF-8 with a byte order mark, which spreadsheets need to see that it is that."""
    head, rows = table
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def to_json(report: AuditReport) -> bytes:
    """The whole report, for machines."""
    return (wording.to_json(_plain(report), indent=1) + "\n").encode()


def tables(report: AuditReport, counted: Tally) -> dict[str, bytes]:
    """Every file by its name."""
    return {name: to_csv(make(report, counted)) for name, make in _TABLES.items()}


_COUNTS = ("judged", "met", "missed", "indeterminate", "undecided", "availability")
_TOOK = ("p50_seconds", "p95_seconds", "p99_seconds", "max_seconds")


def _counts(counts: Counts) -> tuple[Any, ...]:
    return counts.judged, counts.met, counts.missed, counts.indeterminate, counts.undecided, counts.availability


def _took(took: Percentiles | None) -> tuple[Any, ...]:
    return (took.p50, took.p95, took.p99, took.most) if took else ("", "", "", "")


def _channels(report: AuditReport, _: Tally) -> Table:
    head = ("channel", "kind", "disclosed_in", "approved_by", "interval_seconds", "deadline_seconds", "arrives_in",
            "reached_at", "queues", "reachability_only",
            "in_force", "changed_in_period", *_COUNTS, *_TOOK, "longest_gap_seconds", "longest_gap_from", "accepted",
            "acknowledged", "outcomes")  # fmt: skip
    rows = (
        (
            c.slug, c.kind, _joined(c.settings.get("disclosed_in")), c.settings.get("approved_by"),
            c.settings.get("interval"), c.settings.get("deadline"), _joined(c.settings.get("arrives_in")),
            "; ".join(reached_at(c.settings)), "; ".join(arrives_at(c.settings)),
            c.settings.get("reachability_only"),
            "; ".join(f"{timestamp(start)} to {timestamp(end) if end else 'the end'}" for start, end in c.times),
            _joined(dict.fromkeys(one.setting for one in values(c.versions, but=("settings",), changed=True))),
            *_counts(c.counts), *_took(c.arrived), c.gap.length if c.gap else None, c.gap.start if c.gap else None,
            c.accepted, c.acknowledged, _numbers(c.outcomes),
        )
        for c in report.channels
    )  # fmt: skip
    return head, rows


def _numbers(outcomes: Mapping[str, int]) -> str:
    return "; ".join(f"{name} {number}" for name, number in sorted(outcomes.items()))


def _days(report: AuditReport, counted: Tally) -> Table:
    rows = (
        (day, slug, report.days_in_force.get(day.isoformat()), *_counts(channel.days[day]))
        for day in report.period.days()
        for slug, channel in sorted(counted.channels.items())
        if day in channel.days
    )
    return ("day", "channel", "channels_in_force", *_COUNTS), rows


def _months(report: AuditReport, _: Tally) -> Table:
    whole = ((line.name, "", *_counts(line.counts), *_took(line.arrived)) for line in report.months)
    single = ((line.name, line.group, *_counts(line.counts), *_took(line.arrived)) for line in report.channel_months)
    return ("month", "channel", *_COUNTS, *_TOOK), [*whole, *single]


def _groups(report: AuditReport, counted: Tally) -> Table:
    """By variant and by sender: first over all channels of a kind, then each channel."""
    rows: list[Sequence[Any]] = []
    for what, lines in (("variant", report.variants), ("sender", report.senders)):
        rows += [
            (what, line.name, line.group, "", *_counts(line.counts), *_took(line.arrived), _numbers(line.causes))
            for line in lines
        ]
    for slug, channel in sorted(counted.channels.items()):
        for what, groups in (("variant", channel.variants), ("sender", channel.senders)):
            rows += [
                (what, name, channel.kind, slug, *_counts(counts), *_took(None), "")
                for name, counts in sorted(groups.items())
            ]
    return ("group", "name", "kind", "channel", *_COUNTS, *_TOOK, "missed_as"), rows


def _exceptions(report: AuditReport, _: Tally) -> Table:
    head = ("id", "channel", "kind", "outcome", "place", "reason", "all_causes", "first_probe", "first_failure",
            "last_failure", "detected_at", "detected_after_seconds", "failed_probes", "senders", "variants",
            "confirmation", "retest_probe", "retest_scheduled_at", "recovered_at", "duration_seconds",
            "noted_cause", "incident", "bug", "notes")  # fmt: skip
    rows = (
        (
            run.id, run.channel, run.kind, run.outcome, run.place, run.reason,
            _causes(run),
            run.first, run.first_at, run.last_at, run.detected_at,
            run.detected_at - run.first_at if run.detected_at else None, run.probes,
            _joined(sorted(run.senders)), _joined(sorted(run.variants)), run.confirmed, run.retest, run.retest_at,
            run.recovered_at, run.duration, next((n.cause for n in reversed(run.notes) if n.cause), None),
            _joined(dict.fromkeys(n.reference for n in run.notes if n.reference)),
            _joined(dict.fromkeys(n.bug for n in run.notes if n.bug)),
            " | ".join(f"{timestamp(n.at)} {n.by}: {n.text}" for n in run.notes),
        )
        for run in report.exceptions
    )  # fmt: skip
    return head, rows


def _causes(run: Run) -> str:
    several = sorted(run.causes.items())
    return "; ".join(f"{outcome}{place and f' in {place}'}: {number}" for (outcome, place), number in several)


def _own_faults(report: AuditReport, _: Tally) -> Table:
    rows = ((f.start, f.end, f.reason, f.probes, _joined(f.channels)) for f in report.own_faults)
    return ("from", "to", "reason", "probes", "channels"), rows


def _drills(report: AuditReport, _: Tally) -> Table:
    head = ("probe", "channel", "variant", "submitted_at", "received_at", "acknowledged_at",
            "preliminary_report_to_reporter_at", "seconds_after_receipt", "answer",
            "preliminary_report_to_subscribers")  # fmt: skip
    rows = (
        (d.probe, d.channel, d.variant, d.submitted_at, d.received_at, d.acknowledged_at, d.answered_at, d.took,
         d.answer.value, "not knowable")
        for d in report.drills
    )  # fmt: skip
    return head, rows


def _unfinished(report: AuditReport, _: Tally) -> Table:
    rows = ((item.probe, item.channel, item.scheduled_at, item.why) for item in report.unfinished)
    return ("probe", "channel", "scheduled_at", "why"), rows


def _holds(report: AuditReport, _: Tally) -> Table:
    def row(span: Span) -> Sequence[Any]:
        return (
            span.start,
            span.end,
            span.end - span.start if span.end else None,
            span.what,
            span.where,
            span.reason,
            span.by,
            span.recorded,
            span.untold if span.recorded else None,
            span.remark,
        )

    diary = report.diary
    spans = (*diary.not_installed, *diary.downtime, *diary.blackouts, *diary.holds, *diary.silences)
    head = ("from", "to", "seconds", "what", "where", "reason", "by_or_approved_by", "first_recorded",
            "seconds_over_by_then", "remark")  # fmt: skip
    return head, map(row, spans)


def _due(report: AuditReport, _: Tally) -> Table:
    """As the page has it."""
    head = ("channel", "due", "sent_or_looked_at", "held", "held_as", "unaccounted_for", "from", "to")
    due = report.due
    rows = (
        (
            line.channel, line.due, line.taken, sum(line.held.values()), _numbers(line.held), line.unaccounted,
            due.since, due.until,
        )
        for line in (*due.lines, due.whole)
        if due.since
    )  # fmt: skip
    return head, rows


def _settings(report: AuditReport, _: Tally) -> Table:
    """Every setting of every channel, version by version."""
    rows = (
        (channel.slug, one.setting, one.start, one.end, one.words)
        for channel in report.channels
        for one in values(channel.versions, but=("settings",))
    )
    return ("channel", "setting", "from", "to", "value"), rows


def _changes(report: AuditReport, _: Tally) -> Table:
    several = (*report.diary.restarts, *report.diary.configuration, *report.diary.clock_steps)
    rows = (
        (change.at, change.what, change.detail or change.in_words)
        for change in sorted(several, key=lambda change: change.at)
    )
    return ("at", "what", "detail"), rows


def _controls(report: AuditReport, _: Tally) -> Table:
    """The shape of Apple's Detailed Controls Report (Root Program Policy 1.2.3.1)."""
    sentences = results(report)
    head = ("requirement_section", "requirement", "control", "test_procedure", "result", "auditors_conclusion",
            "auditors_test", "webtrust", "etsi")  # fmt: skip
    rows = (
        (c.section, c.requirement, c.control, c.test, result_of(c, sentences), "", "", c.webtrust, c.etsi)
        for c in report.controls
    )  # fmt: skip
    return head, rows


_TABLES: dict[str, Callable[[AuditReport, Tally], Table]] = {
    "channels.csv": _channels,
    "days.csv": _days,
    "months.csv": _months,
    "groups.csv": _groups,
    "exceptions.csv": _exceptions,
    "own_faults.csv": _own_faults,
    "drills.csv": _drills,
    "unfinished.csv": _unfinished,
    "holds.csv": _holds,
    "due.csv": _due,
    "settings.csv": _settings,
    "changes.csv": _changes,
    "controls.csv": _controls,
}


def _joined(several: Any) -> str:
    return ", ".join(map(str, several or ()))


def _plain(value: Any) -> Any:
    """``value`` as JSON can say it: text, numbers, lists, mappings."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {" ".join(key) if isinstance(key, tuple) else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, date) else value
