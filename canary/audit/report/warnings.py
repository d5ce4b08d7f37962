"""What a reader must know before any figure: what the figures stand on, and what they do not."""

from __future__ import annotations

from collections.abc import Callable

from canary.audit.report.contents import AuditReport
from canary.audit.report.results import told_afterwards
from canary.wording import moment, number, several

_MOST = 3
"""Problems that page 1 shows; the JSON beside it has every one that was found."""


_MANY = 0.05
"""The part of own faults from which the shares of the rest must not stand alone."""


def warnings(report: AuditReport) -> list[str]:
    """Each in a sentence or two, the gravest first."""
    return [words for say in _WARNINGS if (words := say(report))]


def _not_verified(report: AuditReport) -> str | None:
    found = report.checked
    if found is None:
        return (
            "NOT VERIFIED: this report was made without a look at signatures (--no-verify). Its figures are those of a "
            "database that may have been written into."
        )
    if found.ok:
        return None
    more = f" And {number(len(found.problems) - _MOST)} more." if len(found.problems) > _MOST else ""
    return (
        "NOT VERIFIED: the ledger is not as it was signed, or was never signed, so no figure of this report stands on "
        f"evidence. {'; '.join(found.problems[:_MOST])}.{more}"
    )


def _missing_events(report: AuditReport) -> str | None:
    known = report.evidence
    if known.head is None or known.gap_free:
        return None
    return (
        f"EVENTS ARE MISSING FROM THE LEDGER: the newest is number {number(known.head.seq)}, and "
        f"{number(known.kept)} are there."
    )


def _not_over(report: AuditReport) -> str | None:
    return "The period was not over when this report was made." if report.made_at < report.period.until else None


def _open_end(report: AuditReport) -> str | None:
    if report.evidence.after or report.evidence.newest is None:
        return None
    return (
        f"No signed checkpoint covers the end of the period yet: the newest is of {moment(report.evidence.newest.at)} "
        f"UTC, and {several(report.evidence.unsigned, 'event')} came after it."
    )


def _own_word(report: AuditReport) -> str | None:
    known = report.evidence
    lacking = [
        words
        for there, words in (
            (known.checkpoints, "no signed checkpoint"),
            (known.timestamps, "no time-stamp of an authority outside"),
            (known.cosignatures, "no cosignature of a witness"),
        )
        if not there
    ]
    if not lacking:
        return None
    return (
        f"In the period there is {', '.join(lacking)}: as far as those would show it, when anything was recorded, and "
        "that everybody is shown the same log, is the operator’s own word."
    )


def _own_faults(report: AuditReport) -> str | None:
    counts = report.whole.counts
    if counts.indeterminate <= _MANY * counts.total:
        return None
    return (
        f"{number(counts.indeterminate)} of {several(counts.total, 'probe')} with a result say nothing of channels, "
        "by our own fault: the shares in this report are of the others."
    )


def _told_afterwards(report: AuditReport) -> str | None:
    spans = told_afterwards(report)
    if not spans:
        return None
    return (
        f"Of the blackouts and silences of the period {number(len(spans))} had lasted a while, or were over, before "
        "the log first had them (section 7): that they were planned, and approved by then, is the operator’s own word."
    )


def _on_the_table_alone(report: AuditReport) -> str | None:
    if not report.evidence.unproven:
        return None
    return (
        f"Of {several(report.evidence.unproven, 'probe')} of the period retention emptied the events: their results "
        "stand in a table that no signature covers."
    )


_WARNINGS: tuple[Callable[[AuditReport], str | None], ...] = (
    _not_verified,
    _missing_events,
    _not_over,
    _open_end,
    _own_word,
    _own_faults,
    _told_afterwards,
    _on_the_table_alone,
)
