"""What retention deleted: told before it was done, by the rule in force, which keeps it long enough, and old enough."""

from __future__ import annotations

from bisect import bisect, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from .findings import Findings, require
from .in_force import InForce
from .log import Event, Log, read_time
from .windows import Proved, Stamped

FORGOTTEN = "what was deleted is told in the log, and was old enough"

LEAST = {"messages": 90, "traces": 90, "events": 730}
"""Days for which each rule keeps what it is about, at least."""
_LONGEST = timedelta(days=1)
"""How long what a run decided to delete may take to be deleted, and told."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Tombstone:
    """What event ``seq`` says was deleted: what events ``first`` to ``last`` name, or these themselves.

    All of it is older than ``before``. ``artefacts`` is None where events were emptied.
    """

    seq: int
    at: datetime
    rule: str
    kept: timedelta
    first: int
    last: int
    before: datetime
    artefacts: frozenset[str] | None

    @property
    def begun(self) -> datetime:
        """When it was decided what to delete."""
        return self.before + self.kept

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
        since = event.at - before - timedelta(seconds=kept)
        require(
            -tolerance <= since <= _LONGEST + tolerance,
            f"deletes what is older than {before:%F %T}, which is not {days:g} days before {event.at:%F %T}",
        )
        first, last, gone = body["first"], body["last"], body.get("artefacts")
        require(
            type(first) is type(last) is int and last < event.seq, "tells that events were deleted that came after it"
        )
        fits = (rule == "events") == (gone is None)
        require(fits, f"deletes {'files' if gone is not None else 'events'} by the rule for {rule}")
        named = frozenset(gone) if gone is not None else None
        return cls(event.seq, event.at, rule, timedelta(seconds=kept), first, last, before, named)


class Deleted:
    """All that the log says was deleted, and what is not there for it. ``there`` are the files of the bundle."""

    def __init__(
        self, log: Log, there: Collection[str], proved: list[Proved] | None, tolerance: timedelta, findings: Findings
    ) -> None:
        """``proved`` are the good time-stamps, None where the auditor brought no authority's root."""
        self._log, self._tolerance, self._findings = log, tolerance, findings
        self._stamped = Stamped(proved) if proved is not None else None
        self._clock = _Clock(log.kind("clock_stepped"))
        self._in_force = InForce(log)
        self._rules_by_probe = dict(_rules_by_probe(log))
        self._by_file: dict[str, Tombstone] = {}
        self._emptied: list[Tombstone] = []
        """In the order of their first events."""
        self._widest: list[Tombstone] = []
        """Of each of these and all before it: the one that reaches the furthest."""
        self._lacking: Counter[Tombstone] = Counter()
        """By what tells of it: how many files that events of the sample name are not there, or how many events."""
        self._read_all()
        self.rules = {
            digest: stone.rule for digest, stone in self._by_file.items() if f"artefacts/{digest}" not in there
        }
        """By SHA-256 of a file that was deleted: by which rule."""
        for seq in sorted(log.forgotten):
            with findings.one(FORGOTTEN, f"event {seq}"):
                stone = self._emptied_by(seq)
                require(stone is not None, "is not there, and no event tells that it was deleted")
                assert stone is not None
                self._lacking[stone] += 1

    def _read_all(self) -> None:
        numbers = sorted(self._log.events)
        newest = list(accumulate((self._clock.now(seq, self._log.events[seq].at) for seq in numbers), max))
        for event in self._log.kind("forgotten"):
            with self._findings.one(FORGOTTEN, f"event {event.seq}"):
                stone = Tombstone.read(event, self._tolerance)
                self._check_rule(event, stone)
                at = bisect(numbers, stone.last)
                if at:
                    self._check_old(newest[at - 1], stone, f"deletes all up to event {stone.last}")
                if stone.artefacts is None:
                    last = f"deletes events up to {stone.last}, and that is not there to show how old they were"
                    require(stone.last in self._log.events, last)
                    self._emptied.append(stone)
                self._by_file |= dict.fromkeys(stone.artefacts or (), stone)
                if self._stamped is not None and self._stamped.over(event.seq) is None:
                    why = f"no time-stamp is over event {event.seq}: when it deleted {stone.rule} is the CA's own word"
                    self._findings.unchecked(FORGOTTEN, why)
        self._emptied.sort(key=lambda stone: stone.first)
        self._widest = list(accumulate(self._emptied, _further))

    def _check_rule(self, event: Event, stone: Tombstone) -> None:
        """That the rule is the one in force when it was decided what to delete, as the log told before."""
        seq, days = event.body["configured"], stone.kept / _DAY
        told = self._log.events.get(seq) if type(seq) is int and seq < event.seq else None
        require(told is not None and told.kind == "configured", f"names no event that tells its rule: {seq!r:.40}")
        assert told is not None
        known = told.body["retention"][stone.rule]
        require(
            known == event.body["kept"],
            f"keeps {stone.rule} for {days:g} days, and in force (event {seq}) is {known / 86_400:g}",
        )
        if not self._in_force.is_told(event.seq):
            self._findings.unchecked(FORGOTTEN, "the log does not tell yet by which rules some was deleted")
            return
        for first in self._in_force.before(event.seq):
            if first.body["retention"][stone.rule] == known:
                return
            late = first.at + self._tolerance >= stone.begun
            require(late, f"goes by the rules of event {seq}, and those of event {first.seq} were in force")

    def _check_old(self, now: datetime, stone: Tombstone, what: str) -> None:
        """That something of a time, by the clock as it is set now, was old enough for a tombstone."""
        before = self._clock.now(stone.seq, stone.before)
        require(
            now <= before + self._tolerance,
            f"{what} as older than {stone.before:%F %T}, and that was on {stone.before + (now - before):%F %T}",
        )

    def _emptied_by(self, seq: int) -> Tombstone | None:
        place = bisect_right(self._emptied, seq, key=lambda stone: stone.first)
        widest = self._widest[place - 1] if place else None
        return widest if widest is not None and seq <= widest.last else None

    def check_file(self, digest: str, event: Event) -> None:
        """Whether a file that an event names may be lacking. Raises RefusedError."""
        stone = self._by_file.get(digest)
        require(stone is not None, "is not in the bundle, and no event tells that it was deleted")
        assert stone is not None
        require(event.seq <= stone.last, f"is not in the bundle, and what was deleted ends with event {stone.last}")
        self._check_old(self._clock.now(event.seq, event.at), stone, "is not in the bundle, and was deleted")
        self._lacking[stone] += 1
        promised = timedelta(seconds=self._rules_by_probe.get(event.probe, {}).get(stone.rule, 0))
        if promised > stone.kept:
            days = f"{promised / _DAY:g} days when its probe was sent, and {stone.kept / _DAY:g} when it was deleted"
            self._findings.unchecked(FORGOTTEN, f"the rule in force for some {stone.rule} was {days}")

    def check_event(self, seq: int, at: datetime) -> None:
        """Whether an event that is listed with a time may have been emptied. Raises RefusedError."""
        stone = self._emptied_by(seq)
        require(stone is not None, "no event says that it was scheduled")
        assert stone is not None
        self._check_old(self._clock.now(seq, at), stone, f"event {seq} was deleted")

    def to_json(self, picked: list[int], until: datetime) -> list[dict[str, Any]]:
        """What is not there, by rule; ``picked`` are the events that the seed picked, ``until`` the period's end."""
        return [dict(self._told(rule, picked, until)) for rule in LEAST if any(s.rule == rule for s in self._lacking)]

    def _told(self, rule: str, picked: list[int], until: datetime) -> Iterator[tuple[str, Any]]:
        stones = [stone for stone in self._lacking if stone.rule == rule]
        yield "rule", rule
        yield "lacking", sum(self._lacking[stone] for stone in stones)
        yield "before_the_end", sum(self._lacking[stone] for stone in stones if stone.at < until)
        yield "kept_days", sorted({stone.kept / _DAY for stone in stones})
        yield "told_by", sorted(stone.seq for stone in stones)
        yield "from", min(stone.at for stone in stones).isoformat()
        yield "to", max(stone.at for stone in stones).isoformat()
        yield "picked", [seq for seq in picked if rule == "events" and seq in self._log.forgotten]


def _further(one: Tombstone, other: Tombstone) -> Tombstone:
    return max(one, other, key=lambda stone: stone.last)


class _Clock:
    """What the canary's clock was set forward by, and when: all that was told before is that much younger."""

    def __init__(self, steps: list[Event]) -> None:
        self._seqs = [step.seq for step in steps]
        forward = [timedelta(seconds=max(0, step.body["seconds"])) for step in reversed(steps)]
        self._behind = list(accumulate(forward, initial=timedelta()))[::-1]

    def now(self, seq: int, at: datetime) -> datetime:
        """When something was that event ``seq`` tells, by the clock as it was set at last."""
        return at + self._behind[bisect_right(self._seqs, seq)]


def _rules_by_probe(log: Log) -> Iterator[tuple[str | None, Mapping[str, float]]]:
    """By probe: for how many seconds each rule kept what it is about, when the probe was sent."""
    for event in log.kind("scheduled"):
        with suppress(LookupError, TypeError):  # another question's failure
            yield event.probe, dict(log.events[event.body["configured"]].body["retention"])
