"""The judge: a case and a moment in, a verdict out. Pure, and the only place that decides an outcome.

Arrived means seen, whole, in *every* monitored queue the channel feeds, by the deadline (BR 4.9.5 asks for an answer,
not for a delivery receipt). Everything else is told apart by where the report went instead. What was done with it there
counts in the queues where it is expected. Three properties hold, and are tested: the order of sightings never changes a
verdict, a forged or replayed sighting never improves one, and more time alone never turns missing into arrived.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.model import (
    Actor,
    Case,
    DeadlineResult,
    Failure,
    Outcome,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Stage,
    TimeSource,
    Verdict,
)
from canary.weighing import MOST_TOLD, Weighed, forgery, latency, told_beside, weigh

PATIENCE = 60.0
"""Seconds for which what could not be looked at is waited for beyond a limit, at least."""

_SHOWS = 1.0
"""Seconds after the deadline from which a reading shows whatever came by it: mail systems tell whole seconds, and stamp
a report before it can be read."""

_ELSEWHERE = {
    Role.QUARANTINE: Outcome.QUARANTINED,
    Role.JUNK: Outcome.JUNKED,
    Role.OTHER: Outcome.WRONG_QUEUE,
    Role.MONITORED: Outcome.WRONG_QUEUE,  # worked, but another channel's
}


@dataclass(frozen=True, slots=True)
class _Looks:
    """What was looked at until ``now``, and since when we have tried to; see :func:`judge`."""

    now: datetime
    read: Mapping[str, datetime]
    since: datetime | None
    elsewhere: Collection[str]

    def unread(self, case: Case, queues: Iterable[str], limit: float) -> list[str]:
        """Those of ``queues`` that were not read since ``limit`` seconds after submission."""
        due = case.started_at + timedelta(seconds=limit)
        return sorted(queue for queue in queues if queue not in self.read or self.read[queue] < due)

    def waited(self, case: Case, limit: float) -> bool:
        """Whether a queue that was not read since ``limit`` was waited for long enough: until give-up.

        If that is near or over, since nothing ran, then as long again as the limit from when on we have tried.
        """
        due, give_up = (case.started_at + timedelta(seconds=after) for after in (limit, case.probe.give_up))
        return self.now >= max(give_up, max(due, self.since or due) + self._patience(case, limit))

    def waited_elsewhere(self, case: Case, limit: float) -> bool:
        """Whether a queue where the report is not expected was waited for: it holds up what is known without it.

        For a minute; only when we have just begun as long as :meth:`waited` has it.
        """
        due = case.started_at + timedelta(seconds=limit)
        return self.now >= max(due + timedelta(seconds=PATIENCE), self._begun(case, limit))

    def began_blind(self, case: Case, queues: Iterable[str]) -> bool:
        """Whether one of ``queues`` was not read once since we began, and may soon be."""
        if self.since is None or self.now >= self._begun(case, case.probe.deadline):
            return False
        return any(queue not in self.read or self.read[queue] < self.since for queue in queues)

    def _begun(self, case: Case, limit: float) -> datetime:
        """Until when whatever can be read at all is expected to be read once."""
        return (self.since or case.started_at) + self._patience(case, limit)

    def _patience(self, case: Case, limit: float) -> timedelta:
        """As long again as ``limit``, at most as long as give-up is beyond it, and a minute at least."""
        return timedelta(seconds=min(limit, max(PATIENCE, case.probe.give_up - limit)))


def judge(
    case: Case,
    now: datetime,
    looked: Mapping[str, datetime],
    since: datetime | None = None,
    elsewhere: Collection[str] = (),
) -> Verdict:
    """Judge ``case`` as it stands at ``now`` (UTC).

    ``looked`` tells when each queue was last read to its end: a report is never missing from a queue that could not be
    looked at since the deadline. Until that is done nothing is said of it; if it lasts until give-up, the outcome is
    indeterminate. Only the time from ``since`` on counts, from which we have tried to look (None: all of it).
    ``elsewhere`` are the other queues in which it would show itself: they are waited for likewise, for as long as if
    we had just begun, and no failure is said to be one before. The same holds for each further stage that is owed, by
    its own limit.
    """
    looks = _Looks(now, looked, since, elsewhere)
    weighed = weigh(case)
    stages = _stages(case, weighed)
    outcome, place, reason = _outcome(case, weighed, looks)
    first = {_stage(case, sighting): sighting for sighting in reversed(weighed.further)}
    owed = {stage: _owed_result(case, stage, first.get(stage), outcome, looks) for stage in case.probe.owed}
    deadline = _deadline_result(case, weighed, outcome, looks)
    age = (now - case.started_at).total_seconds()
    return Verdict(
        outcome=outcome,
        deadline=deadline,
        final=deadline is not None and _is_final(case, outcome, owed, age, Stage.ARRIVED in stages),
        place=place,
        reason=reason,
        stages=stages,
        duplicates=weighed.duplicates,
        forged=weighed.forged,
        owed=owed,
    )


def reached(case: Case) -> frozenset[str]:
    """The queues where the report is expected, and was seen."""
    return frozenset(
        sighting.place.queue
        for sighting in case.sightings
        if sighting.seen is Seen.REPORT and _is_right(case, sighting.place) and forgery(case, sighting) is None
    )


def _outcome(case: Case, weighed: Weighed, looks: _Looks) -> tuple[Outcome | None, str | None, str]:
    submission, age = case.submission, (looks.now - case.started_at).total_seconds()
    if submission is None and case.submitting_at is None:
        late = age >= case.probe.deadline
        return (Outcome.INDETERMINATE if late else None), None, "it was never sent: we were stopped before"

    arrival = _arrival(case, weighed)
    if arrival is not None:
        return arrival
    missing = _missing(case, weighed)
    astray, left = _astray(case, weighed, missing), _in_transit(weighed)
    failure = submission.failure if submission is not None and not submission.uncertain else None
    if submission is not None and failure is not None and not (failure is Failure.OURS and (astray or left)):
        return _refusal(failure), None, submission.reason  # what was seen did leave us, whatever we thought of it
    if astray is not None:
        blind = looks.began_blind(case, missing)
        return (None, None, f"{', '.join(missing)} not read yet") if blind else astray
    if age < case.probe.deadline:
        return None, None, "waiting"
    return _silence(case, weighed, missing, looks)


def _astray(case: Case, weighed: Weighed, missing: list[str]) -> tuple[Outcome, str | None, str] | None:
    """The outcome of what came back, or was seen in a wrong place, and not where it is expected."""
    bounces = [sighting for sighting in weighed.further if sighting.seen is Seen.BOUNCE]
    if bounces:
        seen = sorted({copy.place.queue for copy in weighed.reports.values()})
        reason = "; ".join(dict.fromkeys(bounce.detail for bounce in bounces[:MOST_TOLD]))
        return Outcome.BOUNCED, bounces[0].place.queue, reason + (f"; seen in {', '.join(seen)}" if seen else "")
    roles, places = list(_ELSEWHERE), [copy.place for copy in weighed.reports.values()]
    places = [place for place in places if place.role in roles and not _is_right(case, place)]
    if not places:
        return None
    worst = min(places, key=lambda place: (roles.index(place.role), place.queue))
    elsewhere = [worst.queue, *sorted({place.queue for place in places} - {worst.queue})]
    return _ELSEWHERE[worst.role], worst.queue, f"seen in {', '.join(elsewhere)}; not in {', '.join(missing)}"


def _in_transit(weighed: Weighed) -> list[str]:
    """The queues from which the report is to be taken on, and in which it was seen."""
    return sorted(copy.place.queue for copy in weighed.reports.values() if copy.place.role is Role.TRANSIT)


def _silence(case: Case, weighed: Weighed, missing: list[str], looks: _Looks) -> tuple[Outcome | None, str | None, str]:
    """The outcome, after the deadline, of what was seen neither where it is expected nor in a wrong place."""
    submission, limit = case.submission, case.probe.deadline
    left = _in_transit(weighed)
    lying = ", ".join(left)
    if unread := looks.unread(case, missing, limit + _SHOWS):
        detail = f"{', '.join(unread)} could not be read since the deadline" + (f"; seen in {lying}" if left else "")
        return (Outcome.INDETERMINATE if looks.waited(case, limit) else None), None, detail
    elsewhere = looks.unread(case, looks.elsewhere, limit + _SHOWS)
    if elsewhere and not looks.waited_elsewhere(case, limit):
        return None, None, f"not in {', '.join(missing)}; {', '.join(elsewhere)} not read yet since the deadline"
    if left:
        return Outcome.WRONG_QUEUE, left[0], f"left in {lying}; not in {', '.join(missing)} within {limit:.0f} s"
    if submission is None and (looks.now - case.started_at).total_seconds() < limit + PATIENCE:
        return None, None, "it is still being submitted, or we were stopped while it was"
    if submission is None or (submission.uncertain and submission.failure is not Failure.FORM_ERROR):
        detail = submission.reason if submission else "we were stopped in the middle of submitting"
        beside = told_beside(case, weighed)
        told = f"not in {', '.join(missing)}" if beside or len(missing) < len(case.probe.expected) else "not seen"
        reason = f"{told}, and it is not known that it was sent: {detail}"
        return Outcome.INDETERMINATE, None, "; ".join(filter(None, [reason, beside]))
    reason = _missing_reason(case, weighed, missing)
    if submission.uncertain:  # it was sent, and the form did not say what became of it
        reason = f"{submission.reason}; {reason}"
    if elsewhere:
        reason += f"; {', '.join(elsewhere)} could not be read since the deadline"
    return Outcome.MISSING, missing[0], reason


def _may_have_been_there(case: Case, late: Sighting, limit: float) -> bool:
    """Whether what was noticed after ``limit`` may have been there by then, unseen."""
    return late.source is TimeSource.NOTICED and latency(case, late) - late.uncertainty <= limit


def _is_right(case: Case, place: Place) -> bool:
    return place.role is Role.MONITORED and place.queue in case.probe.expected


def _copies(case: Case, weighed: Weighed) -> dict[str, Sighting | None]:
    """By expected queue: the report as it was seen there, in its monitored role, or None."""
    return {queue: weighed.reports.get((queue, Role.MONITORED)) for queue in sorted(case.probe.expected)}


def _missing(case: Case, weighed: Weighed) -> list[str]:
    """The queues where the report is expected, and was not seen."""
    return [queue for queue, copy in _copies(case, weighed).items() if copy is None]


def _all_copies(case: Case, weighed: Weighed) -> list[Sighting]:
    """The copies of a report that is in every queue where it is expected; else none."""
    copies = [copy for copy in _copies(case, weighed).values() if copy is not None]
    return copies if len(copies) == len(case.probe.expected) else []


def _arrival(case: Case, weighed: Weighed) -> tuple[Outcome, str | None, str] | None:
    """The outcome if the report is in every queue where it is expected.

    What one hop sent back does not undo that: an alias may have a member more, whose mailbox is no queue of ours.
    """
    copies = _all_copies(case, weighed)
    if not copies:
        return None
    last = max(copies, key=lambda s: latency(case, s))
    took = latency(case, last)
    if took > case.probe.deadline:
        arrived = f"arrived {took:.0f} s after submission, wanted {case.probe.deadline:.0f} s"
        late = [copy for copy in copies if latency(case, copy) > case.probe.deadline]
        if all(_may_have_been_there(case, copy, case.probe.deadline) for copy in late):
            unseen = max(copy.uncertainty for copy in late)
            return Outcome.INDETERMINATE, last.place.queue, f"{arrived}, or up to {unseen:.0f} s before: nobody looked"
        return Outcome.LATE, last.place.queue, arrived
    for copy in copies:
        if copy.intact is False:
            return Outcome.ALTERED, copy.place.queue, copy.detail or "the report was changed on its way"
    bounce = _first(weighed.further, Seen.BOUNCE)
    return Outcome.ARRIVED, last.place.queue, f"sent back from elsewhere: {bounce.detail}" if bounce else ""


def _missing_reason(case: Case, weighed: Weighed, missing: list[str]) -> str:
    expected, within = len(case.probe.expected), f"within {case.probe.deadline:.0f} s"
    there = expected - len(missing)
    reason = f"not seen anywhere {within}"
    beside = told_beside(case, weighed)
    if there:
        reason = f"seen in {there} of {expected} queues; not in {', '.join(missing)}"
    elif beside:
        reason = f"not in {', '.join(missing)} {within}"
    reason += f"; {beside}" if beside else ""
    away = _first(weighed.further, Seen.OUT_OF_OFFICE)
    delayed = _first(weighed.further, Seen.DELAY_NOTICE)
    if away is not None:
        reason += f"; out of office: {away.detail}"
    if delayed is not None:
        reason += f"; delayed: {delayed.detail}"
    unsure = _first(weighed.further, Seen.UNSURE)
    if unsure is not None:
        reason += f"; {unsure.detail}"
    return reason


def _refusal(failure: Failure) -> Outcome:
    return {
        Failure.REJECTED: Outcome.REJECTED,
        Failure.FORM_ERROR: Outcome.FORM_ERROR,
        Failure.OURS: Outcome.INDETERMINATE,
    }[failure]


def _first(sightings: Iterable[Sighting], seen: Seen) -> Sighting | None:
    return next((s for s in sightings if s.seen is seen), None)


def _deadline_result(case: Case, weighed: Weighed, outcome: Outcome | None, looks: _Looks) -> DeadlineResult | None:
    """Met and missed are decided at the deadline, or as soon as nothing can change them.

    What lies in a wrong place or came back has missed it once the right places were read after it without it.
    """
    if outcome is None:
        return None
    over = looks.now - case.started_at >= timedelta(seconds=case.probe.deadline)
    if over and looks.unread(case, _missing(case, weighed), case.probe.deadline + _SHOWS):
        over = looks.waited(case, case.probe.deadline)
    known = over or outcome.is_refusal or outcome is Outcome.INDETERMINATE
    return outcome.deadline_result if known else None


def _owed_result(
    case: Case,
    stage: Stage,
    first: Sighting | None,
    outcome: Outcome | None,
    looks: _Looks,
) -> DeadlineResult | None:
    """What became of a stage that is owed, and was first shown by the sighting ``first`` if it was reached.

    None while it may still be reached in time, or nothing can be said of the report itself. It is never missed where
    that is our own fault, or where it may have been reached unseen.
    """
    limit, age = case.probe.owed[stage], (looks.now - case.started_at).total_seconds()
    if first is not None and latency(case, first) <= limit:
        return DeadlineResult.MET
    if outcome is None or (first is None and age < limit and not _is_over(case)):
        return None
    if outcome is Outcome.INDETERMINATE:
        return DeadlineResult.INDETERMINATE
    if first is not None:
        unseen = _may_have_been_there(case, first, limit)
        return DeadlineResult.INDETERMINATE if unseen else DeadlineResult.MISSED
    if outcome.is_refusal:
        return DeadlineResult.MISSED
    if _is_over(case):
        return DeadlineResult.INDETERMINATE  # it arrived, and we were told that it was refused
    queues = shown_in(case.probe, stage)
    if queues and not looks.unread(case, queues, limit):
        return DeadlineResult.MISSED
    return DeadlineResult.INDETERMINATE if looks.waited(case, limit) else None


def shown_in(probe: Probe, stage: Stage) -> frozenset[str]:
    """The queues that may show that a probe reached a stage after its arrival."""
    queues = probe.expected if stage.is_shown_by_queue else frozenset()
    return queues | {probe.replies} if stage.is_shown_by_replies and probe.replies else queues


def _is_over(case: Case) -> bool:
    """Whether nothing is to be expected any more: it was refused, or never sent."""
    if case.submission is None:
        return case.submitting_at is None
    return case.submission.failure is not None and not case.submission.uncertain


def _is_final(
    case: Case, outcome: Outcome | None, owed: Mapping[Stage, DeadlineResult | None], age: float, there: bool
) -> bool:
    """Whether to stop watching: after a refusal at once, else at the deadline if it arrived or never left, else later.

    A report that is missing, or in a wrong place, may still come to the right one: then it is late. What is owed
    further is waited for until it is reached or missed.
    """
    if outcome is None or None in owed.values():
        return False
    if age >= case.probe.give_up or (case.submission is not None and _is_over(case)):
        return True
    settled = outcome.is_settled or (there and outcome is Outcome.INDETERMINATE)
    return age >= case.probe.deadline and (_is_over(case) or settled)


def _stages(case: Case, weighed: Weighed) -> dict[Stage, float]:
    stages: dict[Stage, float] = {}
    if case.submission is not None and case.submission.accepted:
        stages[Stage.ACCEPTED] = case.submission.seconds
    copies = _all_copies(case, weighed)
    if copies:
        stages[Stage.ARRIVED] = max(latency(case, copy) for copy in copies)
    for sighting in weighed.further:
        stage = _stage(case, sighting)
        if stage is not None:
            stages.setdefault(stage, latency(case, sighting))
    return stages


def _stage(case: Case, sighting: Sighting) -> Stage | None:
    """The stage that a sighting other than of the report itself shows, if it does."""
    replies = sighting.place.role is Role.REPLIES
    if not replies and not _is_right(case, sighting.place):
        return None
    # an answer in a reply mailbox was told apart from what machines write: whose it is need not be said
    human = sighting.by is Actor.HUMAN or (replies and sighting.by is None)
    match sighting.seen:
        case Seen.ACKNOWLEDGEMENT:
            return Stage.ACKNOWLEDGED
        case Seen.ANSWER if human:
            return Stage.ANSWER_RECEIVED if replies else Stage.ANSWERED
        case Seen.ANSWER:
            return Stage.ACKNOWLEDGED
        case Seen.PICKED_UP if human:
            return Stage.PICKED_UP
        case Seen.CLOSED:
            return Stage.CLOSED
    return None
