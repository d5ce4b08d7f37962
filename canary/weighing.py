"""Which sightings count: put in order, told from forged and replayed ones, each counted once.

A forged or replayed sighting counts for nothing but its number, and the order in which sightings became known changes
nothing. What follows from those that count is for :mod:`canary.judge` to say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import Any

from canary.model import Case, Forgery, Role, Seen, Sighting

REPLAY_AFTER = 3600.0
"""Seconds between the first copy of a report in a queue and a further one, from which the further one is a replay.

A mail system that delivers twice does so within one queue run or its retries; a copy of a report that was there an hour
ago was put there by somebody.
"""

_OF_THE_REPORT = (Seen.REPORT, Seen.PICKED_UP, Seen.CLOSED)
"""What is seen of the report itself: only where the CA has it, and with its Message-ID where the place tells one."""
_IN_QUEUES = (*_OF_THE_REPORT, Seen.ACKNOWLEDGEMENT, Seen.ANSWER)
"""What may be seen in a queue of the CA; all that comes back to the sender may be seen in its replies."""


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
    return sighting.forgery or _misfit(case, sighting)


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


def _misfit(case: Case, sighting: Sighting) -> Forgery | None:
    """What speaks against a sighting whose mark verifies: it must fit the place, and the probe as it was sent."""
    of_the_report = sighting.seen in _OF_THE_REPORT
    if case.submitting_at is None and case.submission is None:
        return Forgery.REPLAYED  # the mark of a probe that was never sent
    if of_the_report if sighting.place.role is Role.REPLIES else sighting.seen not in _IN_QUEUES:
        return Forgery.REPLAYED  # our report in our own mailbox, or a bounce in the CA's queue
    comparable = of_the_report and sighting.place.message_id and case.message_id is not None
    if comparable and sighting.message_id != case.message_id:
        return Forgery.REPLAYED  # somebody put our mark into another message
    return None
