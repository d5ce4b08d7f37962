"""The results that the control table refers to, as sentences of facts. No opinion: that is the auditor's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from canary.audit.report.changes import Span
from canary.audit.report.contents import AuditReport
from canary.audit.report.drills import Answer
from canary.audit.report.rules import Control, Measure
from canary.wording import duration, hours, latency, moment, number, percent, several


def results(report: AuditReport) -> dict[Measure, str]:
    """Every measure in a sentence."""
    return {measure: say(report) for measure, say in _SENTENCES.items()}


def briefly(report: AuditReport) -> dict[Measure, str]:
    """Every measure in a few words, with the section of the page that has the whole of it."""
    return {measure: say(report) for measure, say in _BRIEFLY.items()}


def result_of(control: Control, sentences: dict[Measure, str]) -> str:
    """What the measures of a control say, together."""
    return " ".join(sentences[measure] for measure in control.measures)


def judged_of_due(report: AuditReport) -> str:
    """How many say something, of how many that should: what was due and not judged is in no share."""
    judged, due = report.whole.counts.judged, report.due
    if due.since is None:
        return f"judged: {number(judged)}; how many were due is not known"
    again = report.confirmations.judged
    whole, held = due.whole, sum(due.whole.held.values())
    return (
        f"judged: {number(judged)}{f' ({number(again)} of them to confirm a failure)' if again else ''} of "
        f"{number(whole.due)} that were due; held: {number(held)}, unaccounted for: {number(whole.unaccounted)}"
    )


def _availability(report: AuditReport) -> str:
    counts = report.whole.counts
    if not counts.judged:
        return "No probe was judged in the period."
    return (
        f"{number(counts.met)} of {number(counts.judged)} judged probes were in their queue in time "
        f"({percent(counts.availability)}); {number(counts.indeterminate)} more were indeterminate by our own fault "
        "and are in no share."
    )


def _exceptions(report: AuditReport) -> str:
    if not report.exceptions:
        return "No exceptions."
    known = [run.duration for run in report.exceptions if run.duration]
    noted = sum(bool(run.notes) for run in report.exceptions)
    return (
        f"{several(len(report.exceptions), 'exception')}, {number(report.open_exceptions)} without a good retest yet; "
        f"the longest that ended took {duration(max(known, default=None))}; with a remedy note: {number(noted)}."
    )


def _latency(report: AuditReport) -> str:
    took = report.whole.arrived
    if took is None:
        return "No report arrived."
    return (
        f"Time to arrival: median {latency(took.p50)}, 99th percentile {latency(took.p99)}, "
        f"at most {latency(took.most)}."
    )


def _response(report: AuditReport) -> str:
    if not report.drills:
        return "No blind drill was held, so nothing is known of human response times."
    received = len(report.drills) - report.answers(Answer.NOT_RECEIVED)
    return (
        f"{several(len(report.drills), 'drill report')}, {number(received)} received; answered by a human within "
        f"{hours(report.rule.limit)}: {number(report.answers(Answer.IN_TIME))}, later: "
        f"{number(report.answers(Answer.LATE))}, not at all: {number(report.answers(Answer.NONE))}."
    )


def _population(report: AuditReport) -> str:
    return (
        f"Scheduled: {several(report.scheduled, 'probe')}; with a result: {number(report.whole.counts.total)}; "
        f"without a result, and listed: {number(len(report.unfinished))}."
    )


def _downtime(report: AuditReport) -> str:
    """The time before the first start is no downtime; but nothing is known of it."""
    diary = report.diary
    before = "".join(
        f" Until {moment(span.end)} UTC it was not installed yet, and nothing is known of the time before."
        for span in diary.not_installed
    )
    if not diary.downtime:
        return f"No downtime of the prober was found.{before}"
    whole = sum(((span.end or report.made_at) - span.start for span in diary.downtime), timedelta())
    return (
        f"The prober was down {several(len(diary.downtime), 'time')}, {duration(whole)} in all: "
        f"no probe was sent then, and nothing is known of those times.{before}"
    )


def _holds(report: AuditReport) -> str:
    late = len(told_afterwards(report))
    return (
        f"{several(len(report.diary.holds), 'hold')} and {several(len(report.diary.blackouts), 'configured blackout')} "
        f"in the period, all listed{f'; {number(late)} first recorded after they began' if late else ''}."
    )


def told_afterwards(report: AuditReport) -> list[Span]:
    """What somebody ordered or approved, of which a part was over before it was recorded."""
    diary = report.diary
    return [span for span in (*diary.blackouts, *diary.holds, *diary.silences) if span.untold and span.by]


def _channels(report: AuditReport) -> str:
    if not report.days_in_force:
        return f"{several(len(report.channels), 'channel')} probed; no record of the configuration covers the period."
    least, most = min(report.days_in_force.values()), max(report.days_in_force.values())
    between = several(most, "channel") if least == most else f"{least} to {several(most, 'channel')}"
    changes = several(len(report.diary.configuration), "change")
    return f"In force each day: {between}, each with its approval; {changes} of the configuration, listed."


def _evidence(report: AuditReport) -> str:
    known, checked = report.evidence, report.checked
    if checked is None or not checked.ok:
        return "NOT VERIFIED: see page 1."
    ends = "both ends of the period are" if known.before and known.after else "not both ends of the period are"
    return (
        f"Verified: {several(checked.events, 'event')} lead to the signed root, {several(checked.results, 'result')} "
        f"follow from them; {ends} enclosed by signed checkpoints ({number(known.checkpoints)} in it)."
    )


_SENTENCES: dict[Measure, Callable[[AuditReport], str]] = {
    Measure.AVAILABILITY: _availability,
    Measure.EXCEPTIONS: _exceptions,
    Measure.LATENCY: _latency,
    Measure.RESPONSE: _response,
    Measure.POPULATION: _population,
    Measure.DOWNTIME: _downtime,
    Measure.HOLDS: _holds,
    Measure.CHANNELS: _channels,
    Measure.EVIDENCE: _evidence,
}

_BRIEFLY: dict[Measure, Callable[[AuditReport], str]] = {
    Measure.AVAILABILITY: lambda r: (
        f"{percent(r.whole.counts.availability)} of {number(r.whole.counts.judged)} judged (3)"
    ),
    Measure.EXCEPTIONS: lambda r: f"{several(len(r.exceptions), 'exception')}, {number(r.open_exceptions)} open (5)",
    Measure.LATENCY: lambda r: f"99th percentile {latency(r.whole.arrived.p99 if r.whole.arrived else None)} (4)",
    Measure.RESPONSE: lambda r: (
        f"{number(r.answers(Answer.IN_TIME))} of {several(len(r.drills), 'drill report')} answered in time (6)"
    ),
    Measure.POPULATION: lambda r: f"{number(len(r.unfinished))} of {number(r.scheduled)} without a result (8)",
    Measure.DOWNTIME: lambda r: f"prober down {several(len(r.diary.downtime), 'time')} (7)",
    Measure.HOLDS: lambda r: f"{several(len(r.diary.holds), 'hold')} (7)",
    Measure.CHANNELS: lambda r: f"{several(len(r.channels), 'channel')} (1)",
    Measure.EVIDENCE: lambda r: "verified (9)" if r.checked and r.checked.ok else "NOT VERIFIED (page 1)",
}
