"""What was decided at a probe's deadline stays: the verdict that says nothing else, for whoever judges and shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from canary.judge import judge
from canary.model import Case, DeadlineResult, Outcome, Verdict


def agreeing(verdict: Verdict, decided: DeadlineResult | None) -> Verdict:
    """A verdict that says nothing else than what was ``decided`` at the deadline, if it was.

    A queue that was read after the deadline without a report has it late, though the report is stamped earlier: what
    holds it back behind its last stamp is the way as well. What had arrived stays so, whatever comes back later.
    """
    outcome = verdict.outcome
    if decided is None or outcome is None:
        return verdict
    if decided is DeadlineResult.MET:
        told = Outcome.ARRIVED
    elif outcome is Outcome.ARRIVED or (outcome is Outcome.INDETERMINATE and decided is DeadlineResult.MISSED):
        told = Outcome.LATE
    else:
        return replace(verdict, deadline=decided)
    if told is outcome:
        return replace(verdict, deadline=decided)
    beside = verdict.reason or "its place was read after the deadline without it, and its stamp is earlier"
    return replace(verdict, outcome=told, deadline=decided, reason=f"{decided.value} at the deadline; {beside}")


def so_far(case: Case, decided: DeadlineResult | None, now: datetime) -> Verdict:
    """What can be said at ``now`` (UTC) of a probe without an end, by whoever reads the ledger alone.

    Whether its queues could be read since the deadline is known only by what was ``decided`` then (None: nothing yet):
    they could where that follows from what was seen there, or was not.
    """
    read = judge(case, now, dict.fromkeys(case.probe.expected, now)) if decided is not None else None
    if read is not None and (read.deadline is decided or decided is not DeadlineResult.INDETERMINATE):
        return agreeing(read, decided)
    verdict = agreeing(judge(case, now, {}), decided)
    if decided is None or verdict.outcome is not None:
        return verdict
    return replace(verdict, outcome=Outcome.INDETERMINATE, deadline=decided)


def by_what_is_seen(case: Case, decided: DeadlineResult | None, now: datetime) -> Verdict:
    """What is known of a probe at ``now`` (UTC) by what was sent and seen alone, whatever was read without it since.

    What missed its deadline is late, by whatever stamp it turns up afterwards.
    """
    verdict = judge(case, now, {})
    return agreeing(verdict, decided) if decided is DeadlineResult.MISSED else verdict
