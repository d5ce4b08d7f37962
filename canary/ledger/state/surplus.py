"""How much is kept of what is seen of a probe: so much that more of the same could change nothing but a count.

Whoever holds a mark can have it seen as often as they like. Of each kind (what speaks against it, or what was seen, and
the place) the first ones are kept, and besides those whatever may change the verdict. So a flood hides nothing: what it
is not like is of another kind, and what comes before it is kept whatever stands there already.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from canary.budgets import SIGHTINGS
from canary.model import Case, Forgery, Role, Seen, Sighting, Surplus
from canary.weighing import REPLAY_AFTER, forgery, latency, order

_Kind = tuple[object, ...]

MOST = SIGHTINGS.number or 0


class KeptSightings:
    """What is kept of one probe, ``case`` with all that was taken in since; at most ``most`` of a kind."""

    def __init__(self, case: Case, most: int = MOST) -> None:
        self.case, self._most = case, most
        self._number: Counter[_Kind] = Counter()
        self._first: dict[_Kind, Sighting] = {}
        self._alike: defaultdict[_Kind, list[Sighting]] = defaultdict(list)
        for sighting in case.sightings:
            if not self._is_kept(sighting):
                self._note(sighting)

    def take(self, sighting: Sighting) -> Forgery | Surplus | None:
        """Why a sighting is not to be kept; None if it is. A copy of one that is kept changes nothing here."""
        if self._is_kept(sighting):
            return None
        why, kind = self._kind(sighting)
        if self._number[kind] >= self._most and not self._may_tell(sighting):
            return why
        self._note(sighting)
        self.case = self.case.with_sighting(sighting)
        return None

    def _is_kept(self, sighting: Sighting) -> bool:
        return any(sighting.is_copy_of(other) for other in self._alike[sighting.identity])

    def _note(self, sighting: Sighting) -> None:
        self._alike[sighting.identity].append(sighting)
        self._number[self._kind(sighting)[1]] += 1
        group = _group(sighting)
        if forgery(self.case, sighting) is None and self._is_first(sighting):
            self._number["first", *group] += group in self._first
            self._first[group] = sighting

    def _kind(self, sighting: Sighting) -> tuple[Forgery | Surplus, _Kind]:
        """Why more like it would not be kept, and what makes them like it."""
        against = forgery(self.case, sighting)
        if against is not None:
            return against, (against, sighting.place.queue, sighting.place.role)
        group = _group(sighting)
        why: Forgery | Surplus = Surplus.REPEATED
        if sighting.seen is Seen.REPORT:
            first = self._first.get(group, sighting)
            late = latency(self.case, sighting) - latency(self.case, first) > REPLAY_AFTER
            monitored = sighting.place.role is Role.MONITORED
            why = Forgery.REPLAYED if late else Surplus.DUPLICATE if monitored else Surplus.REPEATED
        return why, (why, sighting.intact, *group)

    def _may_tell(self, sighting: Sighting) -> bool:
        """Whether it came before what was seen there so far: then a verdict may rest on it.

        As often as sightings of a kind are kept; after that only what came by a limit that all others missed.
        """
        if forgery(self.case, sighting) is not None or not self._is_first(sighting):
            return False
        took, before = (latency(self.case, one) for one in (sighting, self._first[_group(sighting)]))
        limits = (self.case.probe.deadline, *self.case.probe.owed.values())
        return self._number["first", *_group(sighting)] < self._most or any(took <= limit < before for limit in limits)

    def _is_first(self, sighting: Sighting) -> bool:
        first = self._first.get(_group(sighting))
        return first is None or order(self.case, sighting) < order(self.case, first)


def _group(sighting: Sighting) -> _Kind:
    """What one sighting can show before another: the first of a group is what a verdict rests on."""
    by = None if sighting.seen is Seen.REPORT else sighting.by
    return sighting.seen, by, sighting.place.queue, sighting.place.role


def surplus(case: Case, sighting: Sighting) -> Forgery | Surplus | None:
    """Why a sighting changes nothing of a case but a count; None if it may change it, or is there already."""
    return None if len(case.sightings) < MOST else KeptSightings(case).take(sighting)
