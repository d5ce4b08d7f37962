"""Which sightings count: put in order, told from forged and replayed ones, each counted once.

A forged or replayed sighting counts for nothing but its number, and the order in which sightings became known changes
nothing. What follows from those that count is for :mod:`canary.judge` to say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import Any

from canary.model import Case, Forgery, Place, Role, Seen, Sighting

REPLAY_AFTER = 3600.0
"""Seconds between the first copy of a report in a queue and a further one, from which the further one is a replay.

A mail system that delivers twice does so within one queue run or its retries; a copy of a report that was there an hour
ago was put there by somebody.
"""

MOST_TOLD = 3
"""Things of a kind that a reason tells of."""
_OF_THE_REPORT = (Seen.REPORT, Seen.PICKED_UP, Seen.CLOSED)
"""What is seen of the report itself: only where the CA has it."""
_IN_QUEUES = (*_OF_THE_REPORT, Seen.ACKNOWLEDGEMENT, Seen.ANSWER)
"""What may be seen in a queue of the CA; all that comes back to the sender may be seen in its replies."""
_OF_DELIVERY = (Seen.BOUNCE, Seen.DELAY_NOTICE, Seen.DELIVERY_NOTICE)
"""What may be seen besides where a queue shows what became of the delivery."""


def latency(case: Case, sighting: Sighting) -> float:
    """Seconds from submission to ``sighting``.

    The mail server's clock is not ours: what it says is kept within what we know, that the report was sent before it
    arrived and arrived before we noticed it.
    """
    stated = (sighting.arrived_at - case.started_at).total_seconds()
    noticed = (sighting.noticed_at - case.started_at).total_seconds()
    return max(0.0, min(stated, noticed))


def clock_offset(case: Case, sighting: Sighting) -> float:
    """Seconds by which the clock of a sighting's arrival is ahead of ours, at least (behind if negative).

    0 where its time lies between submission and noticing, as it must if both clocks are right, or comes so close to it
    that the uncertainty explains the rest.
    """
    behind = (case.started_at - sighting.arrived_at).total_seconds() - sighting.uncertainty
    ahead = (sighting.arrived_at - sighting.noticed_at).total_seconds() - sighting.uncertainty
    return ahead if ahead > 0 else -behind if behind > 0 else 0.0


def forgery(case: Case, sighting: Sighting) -> Forgery | None:
    """What speaks against a sighting: by whoever saw it, or since it fits neither its place nor the probe as sent."""
    misfit = _misfit(case, sighting)
    return sighting.forgery or (misfit[0] if misfit else None)


def why_not(case: Case, sighting: Sighting) -> str:
    """Why a sighting does not count, in words; "" if nothing speaks against it."""
    misfit = _misfit(case, sighting)
    match sighting.forgery:
        case None:
            return misfit[1] if misfit else ""
        case Forgery.EXPIRED:
            took = latency(case, sighting)
            return f"it came {took:.0f} s after submission, and was waited for {case.probe.give_up:.0f} s"
        case Forgery.BAD_MAC:
            return "its mark is forged"
        case _:
            return sighting.detail or sighting.forgery.value


def order(case: Case, sighting: Sighting) -> tuple[Any, ...]:
    """What sightings are sorted by: time; where that is the same, everything else that the verdict may name."""
    rest = (
        sighting.message,
        sighting.place.queue,
        sighting.place.role,
        sighting.seen,
        str(sighting.by),
        str(sighting.intact),
        sighting.detail,
        sighting.generation,
        sighting.where,
    )
    return latency(case, sighting), sighting.noticed_at, *rest


def is_renamed(case: Case, place: Place, message_id: str | None) -> bool:
    """Whether what was seen has not the Message-ID that we sent, at a place that tells one.

    That alone is no sign of a forgery where the content was compared: ticket systems, lists and some submission servers
    write a Message-ID of their own.
    """
    return place.message_id and case.message_id is not None and message_id != case.message_id


@dataclass(frozen=True, slots=True)
class Weighed:
    """The sightings that count: the first genuine report by queue and role, and all else that was seen, in order."""

    reports: dict[tuple[str, Role], Sighting]
    further: tuple[Sighting, ...]
    duplicates: int
    forged: dict[Forgery, int]


def weigh(case: Case) -> Weighed:
    """All that was seen of a probe, in order, without copies of one sighting; what is forged or replayed is counted."""
    forged: Counter[Forgery] = Counter()
    reports: dict[tuple[str, Role], Sighting] = {}
    further: list[Sighting] = []
    counted: defaultdict[tuple[object, ...], list[Sighting]] = defaultdict(list)
    duplicates = 0
    for sighting in sorted(case.sightings, key=partial(order, case)):
        if against := forgery(case, sighting):
            forged[against] += 1
            continue
        alike = counted[sighting.identity]
        if any(sighting.is_copy_of(other) for other in alike):
            continue
        alike.append(sighting)
        where = (sighting.place.queue, sighting.place.role)
        first = reports.get(where)
        if sighting.seen is not Seen.REPORT:
            further.append(sighting)
        elif first is None:
            reports[where] = sighting
        elif latency(case, sighting) - latency(case, first) > REPLAY_AFTER:
            forged[Forgery.REPLAYED] += 1
        elif sighting.place.role is Role.MONITORED:
            duplicates += 1
    return Weighed(reports, tuple(further), duplicates, dict(forged))


def told_beside(case: Case, weighed: Weighed) -> str:
    """What was seen that is no report where it is expected: where it lies, and why it does not count; "" if nothing."""
    seen = dict.fromkeys(
        f"{sighting.seen.replace('_', ' ')} in {sighting.place.queue}"
        for sighting in weighed.further
        if sighting.seen not in (Seen.OUT_OF_OFFICE, Seen.DELAY_NOTICE)
    )
    against = dict.fromkeys(
        f"in {sighting.place.queue} lies what does not count: {why}"
        for sighting in sorted(case.sightings, key=partial(order, case))
        if (why := why_not(case, sighting))
    )
    told = [*against, *seen]
    more = f", and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return "; ".join(told[:MOST_TOLD]) + more


def _shown_by(place: Place) -> tuple[Seen, ...]:
    """What may be seen in a queue of the CA."""
    return (*_IN_QUEUES, *_OF_DELIVERY) if place.delivery else _IN_QUEUES


def _misfit(case: Case, sighting: Sighting) -> tuple[Forgery, str] | None:
    """What speaks against a sighting whose mark verifies, in words too: it must fit its place, and what was sent."""
    of_the_report = sighting.seen in _OF_THE_REPORT
    if case.submitting_at is None and case.submission is None:
        return Forgery.REPLAYED, "this probe was never sent"
    if of_the_report if sighting.place.role is Role.REPLIES else sighting.seen not in _shown_by(sighting.place):
        ours = "the sender's own mailbox" if of_the_report else "a queue of the CA"
        return Forgery.REPLAYED, f"a {sighting.seen.replace('_', ' ')} has no place in {ours}"
    if of_the_report and sighting.intact is None and is_renamed(case, sighting.place, sighting.message_id):
        return Forgery.REPLAYED, f"it has another Message-ID than was sent, {sighting.message_id}, and was not compared"
    return None
