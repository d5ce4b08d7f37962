"""Blind drills: when a report was received, and when a human answered it.

These are the times that the CCADB incident template asks for: the problem report received, the preliminary report to
the reporter, and to affected subscribers. The last cannot be known: a synthetic report names no certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from canary.audit.rules import Rule
from canary.audit.source import Source
from canary.judge import judge
from canary.ledger import Book, EventKind
from canary.model import Stage


class Answer(StrEnum):
    """What became of the duty to answer."""

    IN_TIME = "in time"
    LATE = "late"
    NONE = "none"
    PENDING = "not due yet"
    NOT_RECEIVED = "not received"


@dataclass(frozen=True, slots=True)
class Drill:
    """One report of a drill; times are None where there is none."""

    probe: str
    channel: str
    variant: str
    submitted_at: datetime
    received_at: datetime | None
    acknowledged_at: datetime | None
    answered_at: datetime | None
    answer: Answer

    @property
    def took(self) -> timedelta | None:
        """From receipt to the first human answer."""
        if self.received_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.received_at


def drill(source: Source, probe: str, rule: Rule, now: datetime) -> Drill | None:
    """What became of a probe, whether it has ended or not, from its events; None if they are not kept any more."""
    book = Book(lambda *_: None)
    for event in source.of(probe):
        if event.kind is not EventKind.FINISHED and event.body:
            book.apply(event)
    known = book.open.get(probe)
    if known is None:
        return None
    case = known.case
    stages = judge(case, now, {}).stages
    at = {stage: case.started_at + timedelta(seconds=seconds) for stage, seconds in stages.items()}
    received, answered = at.get(Stage.ARRIVED), at.get(Stage.ANSWERED)
    return Drill(
        probe,
        case.probe.channel,
        case.probe.variant,
        case.started_at,
        received,
        at.get(Stage.ACKNOWLEDGED),
        answered,
        _answer(received, answered, rule, now),
    )


def _answer(received: datetime | None, answered: datetime | None, rule: Rule, now: datetime) -> Answer:
    limit = timedelta(seconds=rule.limit)
    if received is None:
        return Answer.NOT_RECEIVED
    if answered is None:
        return Answer.PENDING if now < received + limit else Answer.NONE
    return Answer.IN_TIME if answered - received <= limit else Answer.LATE
