"""One exception as a timeline in UTC, for an incident report by the CCADB's template (Incident Reporting Guidelines).

What the canary cannot know is left to a person: what was decided, by whom, and why it happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from canary.audit.report.exceptions import Run
from canary.ledger import EventKind
from canary.ledger.decided_reader import DecidedReader
from canary.ledger.reader import LedgerReader
from canary.wording import clock, moment, number, printable


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, in words."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class _Steps:
    """What is said of the steps of an exception."""

    first: str
    last: str
    good: str
    recovered: str


_BY_REPORTS = _Steps(
    "a test report was sent through {channel} that ended as {found}",
    "the last of {number} test reports that failed was sent",
    "the first good test report was sent",
    "it was in its queue: the channel takes reports again",
)
_BY_LOOKS = _Steps(
    "{channel}, to which nothing is submitted, was looked at, which ended as {found}",
    "the last of {number} looks that failed",
    "the first good look, or test report, after it",
    "by that the channel could take a report again",
)


def timeline(ledger: LedgerReader, run: Run) -> list[Moment]:
    """What is known of an exception (completed: see :func:`canary.audit.report.exceptions.complete`), by time."""
    place = f" in {run.place}" if run.place else ""
    good = DecidedReader(ledger).last_good(run.channel, run.first_at)
    happened = [Moment(good, "the last good test report before it was sent")] if good else []
    words = _BY_LOOKS if run.by_looks else _BY_REPORTS
    happened.append(Moment(run.first_at, words.first.format(channel=run.channel, found=f"{run.outcome}{place}")))
    if run.detected_at:
        happened.append(Moment(run.detected_at, "the failure was recorded as one"))
    if run.probes > 1:
        happened.append(Moment(run.last_at, words.last.format(number=number(run.probes))))
    if run.retest_at and run.recovered_at:
        happened.append(Moment(run.retest_at, words.good))
        happened.append(Moment(run.recovered_at, words.recovered))
    since, until = run.first_at, run.recovered_at or datetime.max.replace(tzinfo=run.first_at.tzinfo)
    silenced = ledger.events(kind=EventKind.SILENCED, since=since, until=until)
    happened += [
        Moment(e.at, f"{e.body['alert']} was silenced by {e.body['by']}: {e.body['reason']}") for e in silenced
    ]
    happened += [Moment(note.at, f"noted by {note.by}: {note.text}") for note in run.notes]
    return sorted(happened, key=lambda step: step.at)


def incident(ledger: LedgerReader, run: Run) -> str:
    """The exception as Markdown, to be completed by a person."""
    lasted = clock(run.duration) if run.duration else "goes on"
    noticed = clock(run.detected_at - run.first_at) if run.detected_at else "not known"
    causes = "; ".join(
        f"{outcome}{place and f' in {place}'}: {number(count)}" for (outcome, place), count in run.causes.most_common()
    )
    facts = [
        ("Exception", run.id),
        ("Incident", ", ".join(run.references) or "not noted"),
        ("Affected channel", f"{run.channel} ({run.kind})"),
        ("Looks that failed" if run.by_looks else "Test reports that failed", f"{number(run.probes)}: {causes}"),
        ("Words of the channel", run.reason or "none"),
        ("Variants, senders", f"{_listed(run.variants)}; {_listed(run.senders)}"),
        ("Noticed after (h:min:s)", noticed),
        ("Lasted (h:min:s)", lasted),
        (
            "Certificates affected",
            "none is known: test reports name no certificate; see which reports of others came meanwhile",
        ),
    ]
    rows = [f"| {name} | {_cell(value)} |" for name, value in facts]
    happened = [f"| {moment(step.at)} | {_cell(step.what)} |" for step in timeline(ledger, run)]
    return "\n".join(
        [
            *("| what | |", "| --- | --- |", *rows, ""),
            *("| time (UTC) | what happened |", "| --- | --- |", *happened, ""),
            "To be added by a person: when it was paged and taken up, root cause, what went well, what did not, "
            "and action items with their dates.",
            "",
        ]
    )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _cell(text: str) -> str:
    """A text that is not ours as a cell of a Markdown table: one line, and no table, tag or link of its own."""
    line = printable(" ".join(text.split()))
    return "".join(f"\\{c}" if c in "\\|<>[]`*_!" else c for c in line)
