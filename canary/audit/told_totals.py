"""What each checkpoint tells of the events that it signs, folded again from them: totals, and what was in force.

Whoever signs could sign totals that do not follow. The events are read once, together with those from which results
follow; what has no part in the totals, such as sightings, is left out.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from immutables import Map

from canary.evidence.totals import Table
from canary.ledger import ChannelTotals, Event, EventKind
from canary.ledger.events import digest, first_part, parse_time
from canary.ledger.reader import LedgerReader
from canary.ledger.reading import NOT_WRITTEN_SO, UnreadableLedgerError
from canary.ledger.state.due import Due
from canary.ledger.state.due_events import configured, each, hold_began, hold_ended, started
from canary.ledger.state.totals import UNDECIDED

_SHOWN = 5
"""Columns that are shown of totals which do not follow."""
_LATE = timedelta(minutes=1)
"""How long a probe may go by what was in force: it was begun when something else came."""
_SINCE_FORGOTTEN = ("turns", "looks", "scheduled", "sent", "result_", "outcome_")
"""The columns whose growth still follows where retention emptied events: what was due needs all there were."""

_INSTALLATION = (
    EventKind.STARTED,
    EventKind.STOPPED,
    EventKind.CONFIGURED,
    EventKind.CHECKED,
    EventKind.HELD,
    EventKind.RELEASED,
    EventKind.CLOCK_STEPPED,
)
"""The kinds of events besides those of probes from which totals follow."""

_MOST = 20
"""Problems that are listed one by one."""

_Item = tuple[int, int, int, Event]
"""When it is its turn (a number of events; then events before checkpoints), its own number, and what it is."""


class ToldTotals:
    """The totals of one ledger, held against its events; ``number`` is how many checkpoints were looked at."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger, self._gone = ledger, ledger.forgotten_upto()
        self.number = 0
        self.problems: list[str] = []
        self._wrong = 0
        self._broken = False
        self._base: Mapping[str, int] | None = None
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._open: dict[str, str] = {}
        self._decided: dict[str, str] = {}
        self._channels: Map[str, ChannelTotals] = Map()
        self._taken: dict[str, Due] = {}
        self._down_since, self._in_force = 0.0, 0
        self._means: dict[str, Event] = {}
        self._gone_by: set[str] = set()
        """The channels of which a probe was begun since it was told what they mean."""
        self._by_hand: set[int] = set()
        self._sent, self._others = ledger.sent(), heapq.merge(self._installation(), self._heads())
        self._next_sent: tuple[int, str] | None = None
        self._next: _Item | None = None
        self._begun = False

    def see(self, event: Event) -> None:
        """Take in an event of a probe; they come in order."""
        if self._broken:
            return
        try:
            self._begin()
            self._upto(event.seq - 1)
            self._of_probe(event)
        except (UnreadableLedgerError, *NOT_WRITTEN_SO) as error:
            self._give_up(error)

    def end(self, size: int) -> list[str]:
        """What is wrong, once every event up to number ``size`` was seen."""
        try:
            if not self._broken:
                self._begin()
                self._upto(size)
        except (UnreadableLedgerError, *NOT_WRITTEN_SO) as error:
            self._give_up(error)
        if self._wrong > 1:
            self.problems.append(f"what {self._wrong - 1} checkpoints after that tell does not follow either")
        return self.problems

    def _give_up(self, error: Exception) -> None:
        self._broken = True
        self.problems.append(f"the totals of checkpoints cannot be folded again: {error}")

    # What comes in between

    def _begin(self) -> None:
        """Read the first of it, which may raise, as whatever reads the ledger."""
        if not self._begun:
            self._begun, self._next_sent, self._next = True, next(self._sent, None), next(self._others, None)

    def _installation(self) -> Iterator[_Item]:
        for event in self._ledger.events(kind=_INSTALLATION):
            yield event.seq, 0, event.seq, event

    def _heads(self) -> Iterator[_Item]:
        for event in self._ledger.events(kind=EventKind.CHECKPOINT):
            yield event.body["size"], 1, event.seq, event

    def _upto(self, seq: int) -> None:
        """Take in everything else up to event ``seq``, and look at each checkpoint of no more events."""
        while self._next is not None and self._next[0] <= seq:
            number, _, _, event = self._next
            self._count_sent(number)
            if event.kind is EventKind.CHECKPOINT:
                self._compare(event)
            else:
                self._of_installation(event)
            self._next = next(self._others, None)
        self._count_sent(seq)

    def _count_sent(self, upto: int) -> None:
        while self._next_sent is not None and self._next_sent[0] <= upto:
            slug = self._open.get(self._next_sent[1], "" if self._gone else None)
            if slug is not None:
                self._counts[slug]["sent"] += 1
            self._next_sent = next(self._sent, None)

    # The fold

    def _of_probe(self, event: Event) -> None:
        probe, body = event.probe or "", event.body
        if event.kind is EventKind.SCHEDULED:
            self._scheduled(event)
        elif event.kind is EventKind.DEADLINE:
            self._decided[probe] = body["result"]
        elif event.kind is EventKind.FINISHED and (probe in self._open or self._gone):
            counts = self._counts[self._open.pop(probe, "")]
            counts[f"result_{self._decided.pop(probe, None) or self._result(probe)}"] += 1
            if body["outcome"]:
                counts[f"outcome_{body['outcome']}"] += 1

    def _scheduled(self, event: Event) -> None:
        body, slug = event.body, event.body["channel"]
        self._open[event.probe or ""] = slug
        counts = self._counts[slug]
        counts["scheduled"] += 1
        if slug not in self._channels:
            self._channels = self._channels.set(slug, ChannelTotals(body["kind"], ""))
        if body["in_turn"]:
            counts["turns"] += 1
            self._take(slug, parse_time(body["scheduled_at"]).timestamp())
        known, named = self._means.get(slug), body.get("configured", 0)
        if known and named and named != known.seq and named not in self._by_hand and self._is_late(event, known):
            self._tell(f"probe {event.probe} (event {event.seq}) goes by event {named}, and event {known.seq} was in "
                       "force")  # fmt: skip
        self._gone_by.add(slug)

    def _is_late(self, scheduled: Event, known: Event) -> bool:
        """Whether it cannot have been begun before ``known``: the first one after it may, whatever our clock shows."""
        return scheduled.at - known.at > _LATE and scheduled.body["channel"] in self._gone_by

    def _take(self, slug: str, at: float) -> None:
        due = self._taken.get(slug)
        self._taken[slug] = (self._channels[slug].due if due is None else due).taken(at)

    def _result(self, probe: str) -> str:
        """Of a probe without a decision: whether it had one, in an event that is not there any more."""
        known = self._ledger.ended_probe(probe) if self._gone else None
        return (known.deadline if known else None) or UNDECIDED

    def _of_installation(self, event: Event) -> None:
        self._settle()
        body, at = event.body, event.at.timestamp()
        channels = self._channels.mutate()
        match event.kind:
            case EventKind.CONFIGURED:
                self._check_configured(event)
                channels = configured(channels, event)
            case EventKind.CHECKED:
                slug = body["channel"]
                self._counts[slug]["looks"] += 1
                known = channels.get(slug) or ChannelTotals(body["kind"], "")
                channels[slug] = replace(known, due=known.due.taken(at))
            case EventKind.HELD:
                channels = hold_began(channels, event)
            case EventKind.RELEASED:
                channels = hold_ended(channels, event)
            case EventKind.STARTED if body.get("scheduled", True):
                channels = started(channels, event, self._down_since)
                self._down_since = 0.0
            case EventKind.STOPPED if body.get("scheduled", True):
                self._down_since = self._down_since or at
            case EventKind.CLOCK_STEPPED:
                by = float(body["seconds"])
                channels = each(channels, lambda totals: replace(totals, due=totals.due.moved(by)))
                self._down_since += by if self._down_since else 0.0
        self._channels = channels.finish()

    def _settle(self) -> None:
        """Put the turns that were taken to their channels: one by one while probes go on would take long."""
        for slug, due in self._taken.items():
            self._channels = self._channels.set(slug, replace(self._channels[slug], due=due))
        self._taken.clear()

    def _check_configured(self, event: Event) -> None:
        """Whether it names what was in force before it, and tells of each channel once."""
        if not event.body["scheduled"]:
            self._by_hand.add(event.seq)
            return
        before, first = self._in_force, first_part(event)
        if first == event.seq and event.body.get("previous", before) != before:
            self._tell(f"event {event.seq} says that event {event.body['previous']} was in force before it, and it was "
                       f"event {before}")  # fmt: skip
        for slug in event.body["channels"]:
            if (known := self._means.get(slug)) and known.seq >= first:
                self._tell(f"event {event.seq} says what {slug} means, and so does event {known.seq} of the same")
            self._means[slug] = event
            self._gone_by.discard(slug)
        if event.body["channels"] or self._channels:
            self._in_force = first

    # Held against what was told

    def _table(self, at: datetime) -> Table:
        """What totals are at a time."""
        now, rows = at.timestamp(), {slug: dict(counts) for slug, counts in self._counts.items()}
        for slug, totals in self._channels.items():
            due, row = (self._taken.get(slug) or totals.due).until(now, self._down_since), rows.setdefault(slug, {})
            row |= {f"held_{reason}": number for reason, number in due.held.items()} | {"unaccounted": due.unaccounted}
            taken = row.get("turns", 0) + row.get("looks", 0)
            row["due"] = taken + sum(due.held.values()) + due.unaccounted
        return Table(rows)

    def _compare(self, checkpoint: Event) -> None:
        body, size = checkpoint.body, checkpoint.body["size"]
        if size < self._gone:
            return
        self.number += 1
        found, told = self._table(checkpoint.at), body["totals"]
        wrong = self._columns(found.sums, told["sums"])
        if body.get("configured", self._in_force) != self._in_force:
            wrong.insert(0, f"event {body['configured']} is said to be in force, and event {self._in_force} was")
        if not wrong and told["kept"] and not self._gone and digest(found.written()) != told["channels"]:
            wrong.append("the table by channel is another one, of the same sums")
        if wrong:
            self._wrong += 1
            if self._wrong == 1:
                self._tell(f"the checkpoint of {size} events (event {checkpoint.seq}) is the first one that tells what "
                           f"does not follow from them: {'; '.join(wrong[:_SHOWN])}")  # fmt: skip

    def _columns(self, found: Mapping[str, int], told: Mapping[str, int]) -> list[str]:
        """The columns that are not as they were told; where events were emptied, those that did not grow so."""
        if self._gone:
            found, told = map(_growing, (found, told))
            if self._base is None:
                self._base = {name: told.get(name, 0) - found.get(name, 0) for name in {*found, *told}}
            found = {name: found.get(name, 0) + self._base.get(name, 0) for name in {*found, *self._base}}
        return [
            f"{name} is {told.get(name, 0)}, and they give {found.get(name, 0)}"
            for name in sorted({*found, *told})
            if told.get(name, 0) != found.get(name, 0)
        ]

    def _tell(self, problem: str) -> None:
        if len(self.problems) < _MOST:
            self.problems.append(problem)


def _growing(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in sums.items() if name.startswith(_SINCE_FORGOTTEN)}
