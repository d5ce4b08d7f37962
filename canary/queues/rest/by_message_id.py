"""What is asked for by its Message-ID, one report after the other: when that was, so that each has its turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from canary.budgets import Budget
from canary.model import Place
from canary.queues import Intake

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class AskedById:
    """The reports that may still come to some places, with when each was asked for last; ``most`` in one look."""

    def __init__(self, places: Iterable[Place], intake: Intake, most: Budget) -> None:
        self._places, self._intake, self._most = tuple(places), intake, most
        self._sought: dict[str, str] = {}
        self._asked: dict[str, datetime] = {}

    def due(self) -> Iterator[tuple[str, str]]:
        """Mark and Message-ID of those that were not asked for the longest."""
        found = (self._intake.message_ids(place).items() for place in self._places)
        self._sought = {mark: ident for items in found for mark, ident in items}
        self._asked = {mark: at for mark, at in self._asked.items() if mark in self._sought}
        by_turn = sorted(self._sought, key=lambda mark: self._asked.get(mark, _LONG_AGO))
        return ((mark, self._sought[mark]) for mark in by_turn[: self._most.number])

    def __contains__(self, mark: str) -> bool:
        return mark in self._sought

    def asked(self, mark: str, at: datetime) -> None:
        """All that there is of a report was seen, as it stood at ``at``."""
        self._asked[mark] = at

    def all_since(self, began: datetime) -> datetime | None:
        """From when on each of them was asked for, ``began`` if there are none; None if one was not yet."""
        return min(self._asked.values(), default=began) if self._asked.keys() == self._sought.keys() else None
