"""What retention deleted: told before it was done, by a rule that keeps it long enough, and no younger than it says."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from .findings import Findings, require
from .log import Event, Log, read_time

FORGOTTEN = "what was deleted is told in the log, and was old enough"

LEAST = {"messages": 90, "traces": 90, "events": 730}
"""Days for which each rule keeps what it is about, at least."""


@dataclass(frozen=True)
class Tombstone:
    """What an event says was deleted: what events ``first`` to ``last`` name, or these themselves, from ``before``."""

    rule: str
    first: int
    last: int
    before: datetime
    artefacts: frozenset[str]

    @classmethod
    def read(cls, event: Event, tolerance: timedelta) -> Tombstone:
        """The tombstone that an event is. Raises RefusedError if it breaks its own rule."""
        body = event.body
        rule, kept, before = body["rule"], body["kept"], read_time(body["before"])
        require(rule in LEAST, f"tells of a rule that is none: {rule!r:.60}")
        require(type(kept) in (int, float), f"keeps {rule} for {kept!r:.60}")
        days = kept / 86_400
        require(
            days >= LEAST[rule], f"deletes {rule} after {days:g} days, and they are kept for {LEAST[rule]} at least"
        )
        right = abs(event.at - before - timedelta(seconds=kept)) <= tolerance
        require(right, f"deletes what is older than {before:%F %T}, which is not {days:g} days before {event.at:%F %T}")
        first, last = body["first"], body["last"]
        require(
            type(first) is type(last) is int and last < event.seq, "tells that events were deleted that came after it"
        )
        return cls(rule, first, last, before, frozenset(body.get("artefacts", ())))


class Deleted:
    """All that the log says was deleted."""

    def __init__(self, log: Log, tolerance: timedelta, findings: Findings) -> None:
        self._tolerance = tolerance
        self._by_file: dict[str, Tombstone] = {}
        self._emptied: list[Tombstone] = []
        numbers = sorted(log.events)
        newest = list(accumulate((log.events[seq].at for seq in numbers), max))
        for event in log.kind("forgotten"):
            with findings.one(FORGOTTEN, f"event {event.seq}"):
                stone = Tombstone.read(event, tolerance)
                at = bisect(numbers, stone.last)
                young = at > 0 and newest[at - 1] > stone.before + tolerance
                require(not young, f"deletes what is older than {stone.before:%F %T} up to event {stone.last}, and one "
                        f"of these was at {newest[at - 1]:%F %T}")  # fmt: skip
                self._by_file |= dict.fromkeys(stone.artefacts, stone)
                if "artefacts" not in event.body:
                    self._emptied.append(stone)
        self.rules = {digest: stone.rule for digest, stone in self._by_file.items()}
        """By SHA-256 of a file that was deleted: by which rule."""
        for seq in sorted(log.forgotten):
            with findings.one(FORGOTTEN, f"event {seq}"):
                require(self.emptied(seq) is not None, "is not there, and no event tells that it was deleted")

    def emptied(self, seq: int) -> Tombstone | None:
        """What tells that an event was emptied."""
        return next((stone for stone in self._emptied if stone.first <= seq <= stone.last), None)

    def check_file(self, digest: str, event: Event) -> None:
        """Whether a file that an event names may be lacking. Raises RefusedError."""
        stone = self._by_file.get(digest)
        require(stone is not None, "is not in the bundle, and no event tells that it was deleted")
        assert stone is not None
        old = event.seq <= stone.last and event.at <= stone.before + self._tolerance
        require(old, f"is not in the bundle, and was deleted as older than {stone.before:%F %T}, which it is not")

    def check_event(self, seq: int, at: datetime) -> None:
        """Whether an event that is listed with a time may have been emptied. Raises RefusedError."""
        stone = self.emptied(seq)
        require(stone is not None, "no event says that it was scheduled")
        assert stone is not None
        old = at <= stone.before + self._tolerance
        require(old, f"event {seq} was deleted as older than {stone.before:%F %T}, and is listed as of {at:%F %T}")
