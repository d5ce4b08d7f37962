"""The events that say what channels meant, and those that show that nothing newer was in force at that time.

Every checkpoint tells what was in force, by the number of the first event that says so; and each such event names the
one before it. So the first checkpoint over a probe, and what leads back from there, tell what the probe had to go by.
"""

from __future__ import annotations

from collections.abc import Iterator

from canary.audit.bundle.heads import Heads, RecordedHead
from canary.ledger import Event, EventKind
from canary.ledger.events import first_part, read
from canary.ledger.reader import LedgerReader

_GOES_BY_ONE = (EventKind.SCHEDULED, EventKind.FORGOTTEN)
"""What names the event that says what it goes by."""


class Meanings:
    """What was in force when, as a ledger tells it in its first ``size`` events."""

    def __init__(self, ledger: LedgerReader, heads: Heads, size: int) -> None:
        self._ledger, self._heads, self._size = ledger, heads, size

    def head(self, seq: int) -> RecordedHead | None:
        """The first checkpoint over event ``seq`` that is told in an event."""
        head = self._heads.after(seq - 1)
        return head if head.seq <= self._size else None

    def of(self, event: Event) -> Iterator[int]:
        """The numbers of the events on which it rests what one of these three kinds goes by."""
        if event.kind is EventKind.CONFIGURED:
            yield from self._back(event.seq, first_part(event))
        elif event.kind in _GOES_BY_ONE and (named := self._number(event, "configured")):
            yield named
            told = self._read(named)
            if told.kind is EventKind.CONFIGURED:
                yield from self._shown(event, told)

    def _shown(self, event: Event, told: Event) -> Iterator[int]:
        """What shows that ``told`` was in force; or what was, where it is of somebody who probed by hand."""
        if told.body["scheduled"]:
            yield from self._back(event.seq, first_part(told))
            return
        numbers = list(self._back(event.seq, event.seq))
        yield from numbers
        if event.kind is EventKind.SCHEDULED:
            yield from self._about(numbers[-1:], event.body["channel"])

    def _back(self, seq: int, upto: int) -> Iterator[int]:
        """What was in force, from the first checkpoint over event ``seq`` back to what came no later than ``upto``."""
        head = self.head(seq)
        number = self._number(self._read(head.seq), "configured") if head else 0
        while number:
            yield number
            before = self._number(self._read(number), "previous") if number > upto else 0
            number = before if before < number else 0

    def _about(self, first: list[int], channel: str) -> list[int]:
        """Of the events that tell together what is in force, from the first on, the one that is about a channel."""
        numbers = (range(seq, seq + self._read(seq).body["parts"]) for seq in first)
        return [seq for of in numbers for seq in of if channel in self._read(seq).body["channels"]]

    def _number(self, event: Event, name: str) -> int:
        """The number of an event that another one names; 0 if it names none that there is."""
        number = event.body.get(name)
        return number if isinstance(number, int) and 0 < number <= self._size else 0

    def _read(self, seq: int) -> Event:
        leaf = self._ledger.leaf(seq)
        return read(leaf.body if leaf else b"")
