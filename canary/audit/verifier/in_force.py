"""Which ``configured`` events were in force when: as the first checkpoint over a moment tells, and what leads back.

Each checkpoint tells the number of the first event of what was in force by the schedule, each such event the one before
it. A checkpoint is signed soon after, when nobody knows who will ask; so nobody can show what was in force long before.
"""

from __future__ import annotations

from collections.abc import Iterator

from .findings import RefusedError, require
from .log import Event, Log


class InForce:
    """What the schedule went by, event after event, in what is there of a log."""

    def __init__(self, log: Log) -> None:
        self._log, self._newest = log, max((e.body["size"] for e in log.kind("checkpoint")), default=0)

    def is_told(self, seq: int) -> bool:
        """Whether any checkpoint over event ``seq`` is told in the log: else it is too new."""
        return seq <= self._newest

    def before(self, seq: int) -> Iterator[Event]:
        """What was in force before event ``seq``, newest first: the first event of each. Raises RefusedError."""
        return (event for event in self._back(seq) if event.seq < seq)

    def has(self, configured: Event) -> bool:
        """Whether what an event tells was in force once it stood in the log. Raises RefusedError."""
        first = first_of(configured)
        newest = next((event for event in self._back(configured.seq) if event.seq <= first), None)
        return newest is not None and newest.seq == first

    def _back(self, seq: int) -> Iterator[Event]:
        number = self._committed(seq)
        while number:
            event = self._first(number)
            yield event
            number = event.body["previous"]
            right = type(number) is int and 0 <= number < event.seq
            require(right, f"event {event.seq} names {number!r:.40} as what was in force before it")

    def _committed(self, seq: int) -> int:
        """What was in force by the first checkpoint over event ``seq``: a number, 0 for nothing."""
        told = [e for e in self._log.kind("checkpoint") if e.body["previous"] < seq <= e.body["size"] and self._ours(e)]
        require(bool(told), f"no event tells of the first checkpoint over event {seq}")
        number, size = told[0].body["configured"], told[0].body["size"]
        alike = all(event.body["configured"] == number for event in told)
        right = alike and type(number) is int and 0 <= number <= size
        require(right, f"event {told[0].seq} tells what was in force as {number!r:.40}, which is none, or another one "
                "tells it otherwise")  # fmt: skip
        return int(number)

    def _ours(self, checkpoint: Event) -> bool:
        head = self._log.heads.get(checkpoint.body["size"])
        return head is not None and head.root.hex() == checkpoint.body["root"]

    def _first(self, number: int) -> Event:
        event = self._log.events.get(number)
        require(event is not None, f"event {number} was in force, and is not in the bundle")
        assert event is not None
        right = event.kind == "configured" and event.body["scheduled"] is True and first_of(event) == number
        require(right, f"event {number} is said to have been in force, and is no first event of what is")
        return event


def first_of(configured: Event) -> int:
    """The number of the first of the events that tell together what is in force. Raises RefusedError."""
    part, parts = configured.body["part"], configured.body["parts"]
    if not (type(part) is type(parts) is int and 1 <= part <= parts):
        raise RefusedError(f"event {configured.seq} is part {part!r:.40} of {parts!r:.40}")
    return configured.seq - part + 1
