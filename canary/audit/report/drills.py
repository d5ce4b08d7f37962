"""Blind drills: when a report was received, and when a human's answer reached the reporter.

These are the times that the CCADB incident template asks for: the problem report received, the preliminary report to
the reporter, and to affected subscribers. The last cannot be known: a synthetic report names no certificate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from canary.audit.report.rules import Duty
from canary.judge import judge
from canary.ledger.reader import LedgerReader
from canary.ledger.state import fold_probe
from canary.model import Stage

_FEW = 40


class Answer(StrEnum):
    """What became of the duty to answer."""

    IN_TIME = "in time"
    LATE = "late"
    NONE = "not answered"
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


@dataclass(frozen=True, slots=True)
class DrillLine:
    """The reports of a channel on one day."""

    channel: str
    day: date
    reports: int
    received: int
    acknowledged: int
    in_time: int
    late: int
    none: int
    pending: int
    median: timedelta | None
    slowest: timedelta | None


@dataclass(frozen=True, slots=True)
class DrillTable:
    """What a page shows of drills: a line a channel and day, and single reports."""

    lines: list[DrillLine]
    shown: list[Drill]


def drill_table(drills: Sequence[Drill]) -> DrillTable:
    """Every report where they are few; else only those that were not answered in time."""
    groups: dict[tuple[date, str], list[Drill]] = {}
    for one in drills:
        groups.setdefault((one.submitted_at.date(), one.channel), []).append(one)
    wrong = [one for one in drills if one.answer not in (Answer.IN_TIME, Answer.PENDING)]
    lines = [_line(channel, day, some) for (day, channel), some in sorted(groups.items())]
    return DrillTable(lines, list(drills) if len(drills) <= _FEW else wrong)


def _line(channel: str, day: date, some: list[Drill]) -> DrillLine:
    answers = Counter(one.answer for one in some)
    took = sorted(one.took for one in some if one.took is not None)
    return DrillLine(
        channel=channel,
        day=day,
        reports=len(some),
        received=len(some) - answers[Answer.NOT_RECEIVED],
        acknowledged=sum(one.acknowledged_at is not None for one in some),
        in_time=answers[Answer.IN_TIME],
        late=answers[Answer.LATE],
        none=answers[Answer.NONE],
        pending=answers[Answer.PENDING],
        median=took[(len(took) - 1) // 2] if took else None,
        slowest=took[-1] if took else None,
    )


def drill(ledger: LedgerReader, probe: str, rule: Duty, now: datetime) -> Drill | None:
    """What became of a probe, whether it has ended or not, from its events; None if they are not kept any more."""
    known = fold_probe(probe, ledger.events(probe=probe))
    if known is None:
        return None
    case = known.case
    stages = judge(case, now, {}).stages
    at = {stage: case.started_at + timedelta(seconds=seconds) for stage, seconds in stages.items()}
    received, answered = at.get(Stage.ARRIVED), at.get(Stage.ANSWER_RECEIVED)
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


def _answer(received: datetime | None, answered: datetime | None, rule: Duty, now: datetime) -> Answer:
    limit = timedelta(seconds=rule.limit)
    if received is None:
        return Answer.NOT_RECEIVED
    if answered is None:
        return Answer.PENDING if now < received + limit else Answer.NONE
    return Answer.IN_TIME if answered - received <= limit else Answer.LATE
