"""The results that the control table refers to, as sentences of facts. No opinion: that is the auditor's."""

from __future__ import annotations

from collections.abc import Callable

from canary.audit.drills import Answer
from canary.audit.report import Report
from canary.audit.rules import Control, Measure
from canary.audit.wording import duration, latency, number, percent


def results(report: Report) -> dict[Measure, str]:
    """Every measure in a sentence."""
    return {measure: say(report) for measure, say in _SENTENCES.items()}


def result_of(control: Control, told: dict[Measure, str]) -> str:
    """What the measures of a control say, together."""
    return " ".join(told[measure] for measure in control.measures)


def _availability(report: Report) -> str:
    counts = report.whole.counts
    if not counts.judged:
        return "No probe was judged in the period."
    return (
        f"{number(counts.met)} of {number(counts.judged)} judged probes were in their queue in time "
        f"({percent(counts.availability)}); {number(counts.indeterminate)} more were indeterminate by our own fault "
        "and are in no share."
    )


def _exceptions(report: Report) -> str:
    if not report.exceptions:
        return "No exceptions."
    known = [run.duration for run in report.exceptions if run.duration]
    noted = sum(bool(run.notes) for run in report.exceptions)
    return (
        f"{number(len(report.exceptions))} exceptions, {number(report.open_exceptions)} of them without a good retest; "
        f"the longest that ended took {duration(max(known, default=None))}; {number(noted)} have a remedy note."
    )


def _latency(report: Report) -> str:
    took = report.whole.arrived
    if took is None:
        return "No report arrived."
    return f"Time to arrival: median {latency(took.p50)}, 99th percentile {latency(took.p99)}, at most {latency(took.most)}."


def _response(report: Report) -> str:
    if not report.drills:
        return "No blind drill was held, so nothing is known of human response times."
    received = len(report.drills) - report.answers(Answer.NOT_RECEIVED)
    return (
        f"{number(len(report.drills))} drill reports, {number(received)} received; answered by a human within "
        f"{latency(report.rule.limit)}: {number(report.answers(Answer.IN_TIME))}, later: "
        f"{number(report.answers(Answer.LATE))}, not at all: {number(report.answers(Answer.NONE))}."
    )


def _population(report: Report) -> str:
    return (
        f"{number(report.scheduled)} probes were scheduled, {number(report.whole.counts.total)} ended, "
        f"{number(len(report.unfinished))} have no result and are listed."
    )


def _downtime(report: Report) -> str:
    if not report.downtime:
        return "No downtime of the prober was found."
    return f"The prober was down {number(len(report.downtime))} times; nothing is known of those times."


def _holds(report: Report) -> str:
    return (
        f"{number(len(report.holds))} holds and {number(len(report.blackouts))} configured blackouts touch the period."
    )


def _channels(report: Report) -> str:
    if not report.days_in_force:
        return f"{number(len(report.channels))} channels were probed; no record of the configuration covers the period."
    least, most = min(report.days_in_force.values()), max(report.days_in_force.values())
    between = f"{least}" if least == most else f"{least} to {most}"
    return f"{between} channels were in force, each with its approval; {len(report.configuration_changes)} changes are listed."


def _evidence(report: Report) -> str:
    known = report.evidence
    whole = "every number up to the newest is there" if known.gap_free else "EVENTS ARE MISSING"
    ends = "both ends of the period are" if known.before and known.after else "not both ends of the period are"
    return f"{number(known.kept)} events, {whole}; {ends} enclosed by signed checkpoints ({known.checkpoints} in it)."


_SENTENCES: dict[Measure, Callable[[Report], str]] = {
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
