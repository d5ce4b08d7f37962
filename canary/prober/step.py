"""One step of a probe: a case and a moment give the events that are to be recorded now, and when to look again. Pure.

The prober takes it, and so does whoever replays or simulates a history: there is no other way from a verdict to events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.decided import agreeing
from canary.judge import judge
from canary.ledger import Event, OpenProbe
from canary.ledger import events as record
from canary.model import Case, Component, DeadlineResult, Outcome, Verdict
from canary.prober.schedule import next_look


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided of a probe at a moment: events to be recorded, and when to look again (None: it has ended)."""

    events: tuple[Event, ...]
    again: datetime | None


def step(
    known: OpenProbe,
    now: datetime,
    looked: Mapping[str, datetime],
    confirm_after: float,
    since: datetime | None = None,
    elsewhere: Collection[str] = (),
) -> Decision:
    """What follows for the probe ``known`` at ``now`` (UTC).

    ``looked`` tells when each queue was last read to its end, ``since`` from when on we have tried to (None: always),
    ``elsewhere`` are the queues in which it would show itself besides those where it is expected.
    A failure is confirmed by a second probe, which is owed ``confirm_after`` seconds from now. One that
    fails confirms it; one that tells nothing has another follow, so that a channel that is probed seldom is known soon.
    """
    probe = known.case.probe
    if (at := _only_under_way(known.case)) and now < at:
        return Decision((), at)
    verdict = agreeing(judge(known.case, now, looked, since, elsewhere), known.deadline)
    events: list[Event] = []
    if verdict.deadline is not None and verdict.outcome is not None and known.deadline is None:
        events.append(record.deadline(probe.id, now, verdict.deadline, verdict.outcome))
    if not known.confirming and (due := _confirmation_due(known.case, verdict, now, confirm_after)) is not None:
        events.append(record.confirm(probe.id, now, probe.channel, due))
    if verdict.final:
        events.append(record.finished(probe.id, now, verdict))
        return Decision(tuple(events), None)
    return Decision(tuple(events), next_look(known.case.started_at, probe, verdict, now))


def _confirmation_due(case: Case, verdict: Verdict, now: datetime, confirm_after: float) -> datetime | None:
    """When another probe is to show whether it stays so; None if none is needed.

    What a confirmation left open is asked again no sooner than a report may take: our own fault may last for hours.
    """
    if verdict.outcome is None:
        return None
    due = now + timedelta(seconds=confirm_after)
    if not case.probe.confirms:
        return due if verdict.outcome.wants_confirmation else None
    if verdict.deadline is not DeadlineResult.INDETERMINATE:
        return None
    return max(due, case.started_at + timedelta(seconds=case.probe.deadline))


def _only_under_way(case: Case) -> datetime | None:
    """The first limit of a probe that nothing is known of but that it was sent: until then there is no verdict.

    Most looks are at such a one. None for every other.
    """
    submission = case.submission
    if case.sightings or (submission and submission.failure and not submission.uncertain):
        return None
    return case.started_at + timedelta(seconds=min([case.probe.deadline, *case.probe.owed.values()]))


def unjudged(known: OpenProbe, now: datetime, why: str, *, told: bool) -> Decision:
    """What follows for a probe that cannot be judged: it is tried again in a minute, and indeterminate at give-up.

    That it is a fault of ours is an event too: of the first time (``told``: of that there is one), and where it ends.
    """
    probe = known.case.probe
    fault = record.trouble(now, Component.STORE, "not_judged", f"probe {probe.id}: {why}")
    if now < known.case.started_at + timedelta(seconds=probe.give_up):
        return Decision(() if told else (fault,), now + timedelta(minutes=1))
    events = [fault]
    if known.deadline is None:
        events.append(record.deadline(probe.id, now, DeadlineResult.INDETERMINATE, Outcome.INDETERMINATE))
    owed = dict.fromkeys(probe.owed, DeadlineResult.INDETERMINATE)
    last = Verdict(Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE, True, None, why, {}, 0, {}, dict(owed))
    return Decision((*events, record.finished(probe.id, now, last)), None)
