"""What was due in the period and what became of it, by channel: from running totals, as near to both ends as there are.

Those are the tables that were kept at signed checkpoints; where the period is not over, also what the ledger adds up to
by now. So periods that follow one another have no turn in common, and none between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from canary.audit.period import Period
from canary.evidence.totals import HELD, Table, read, table
from canary.ledger import EventKind
from canary.ledger.reader import LedgerReader

_NEAR = timedelta(days=2)
"""How far from an end of the period the checkpoint may be whose table is taken: two a day are kept."""

_Told = tuple[datetime, Table]


@dataclass(frozen=True, slots=True)
class DueLine:
    """One channel: turns that were due, probes sent or looks taken, turns held by reason, and unaccounted for."""

    channel: str
    due: int
    taken: int
    held: dict[str, int]
    unaccounted: int


@dataclass(frozen=True, slots=True)
class DueTurns:
    """Every channel with a turn between two times, which are the ends of the period or near to them.

    No times: it is not known, since no table was kept there.
    """

    since: datetime | None = None
    until: datetime | None = None
    lines: tuple[DueLine, ...] = field(default=())

    @property
    def whole(self) -> DueLine:
        """The turns of all channels together."""
        held: dict[str, int] = {}
        for line in self.lines:
            for reason, turns in line.held.items():
                held[reason] = held.get(reason, 0) + turns
        due, taken, lost = (sum(getattr(line, name) for line in self.lines) for name in ("due", "taken", "unaccounted"))
        return DueLine("all", due, taken, held, lost)


def due(ledger: LedgerReader, period: Period, now: datetime) -> DueTurns:
    """What was due by the intervals in force, and what became of it; what is after ``now`` is none of it."""
    first = next(ledger.events(upto=1, emptied=True), None)
    before = _nearest(_kept(ledger, period.since), period.since)
    if before is None and first is not None and first.at >= period.since - _NEAR:
        before = first.at, Table({})
    after = _nearest([*_kept(ledger, period.until), *_by_now(ledger, period, now)], period.until)
    if before is None or after is None or before[0] >= after[0]:
        return DueTurns()
    return DueTurns(before[0], after[0], tuple(_grown(before[1], after[1])))


def _grown(before: Table, after: Table) -> Sequence[DueLine]:
    found = []
    for slug, counts in sorted(after.channels.items()):
        old = before.channels.get(slug, {})
        grown = {name: number - old.get(name, 0) for name, number in counts.items()}
        if grown.get("due"):
            held = {name.removeprefix("held_"): grown[name] for name in HELD if grown.get(name)}
            taken = grown.get("turns", 0) + grown.get("looks", 0)
            found.append(DueLine(slug, grown["due"], taken, held, grown.get("unaccounted", 0)))
    return found


def _nearest(tables: Sequence[_Told], at: datetime) -> _Told | None:
    return min(tables, key=lambda told: abs(told[0] - at), default=None)


def _by_now(ledger: LedgerReader, period: Period, now: datetime) -> list[_Told]:
    """What the ledger adds up to, where the period is not over."""
    return [(now, table(ledger.state.totals, now))] if period.since < now < period.until else []


def _kept(ledger: LedgerReader, around: datetime) -> list[_Told]:
    found = []
    for event in ledger.events(kind=EventKind.CHECKPOINT, since=around - _NEAR, until=around + _NEAR):
        content = ledger.artefacts.get(event.body["totals"]["channels"]) if "totals" in event.body else None
        if content is not None:
            found.append((event.at, read(content)))
    return found
