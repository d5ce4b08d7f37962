"""What was due in the period and what became of it, by channel: from the totals of the signed checkpoints around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.audit.period import Period
from canary.evidence.totals import HELD, Table, read
from canary.ledger import EventKind
from canary.ledger.reader import LedgerReader

_NEAR = timedelta(days=2)
"""How far from an end of the period the checkpoint may be whose table is taken: one a day is kept."""


@dataclass(frozen=True, slots=True)
class DueLine:
    """One channel: turns that were due, probes sent or looks taken, turns held by reason, and unaccounted for."""

    channel: str
    due: int
    taken: int
    held: dict[str, int]
    unaccounted: int


def due_lines(ledger: LedgerReader, period: Period) -> tuple[DueLine, ...]:
    """Every channel with a turn between the tables that were kept nearest to both ends; none if none was kept."""
    tables = _kept(ledger, period)
    before = next((table for at, table in reversed(tables) if at <= period.since), Table({}))
    after = next((table for at, table in tables if at >= period.until), tables[-1][1] if tables else Table({}))
    found = []
    for slug, counts in sorted(after.channels.items()):
        old = before.channels.get(slug, {})
        grown = {name: number - old.get(name, 0) for name, number in counts.items()}
        if grown.get("due"):
            held = {name.removeprefix("held_"): grown[name] for name in HELD if grown.get(name)}
            taken = grown.get("turns", 0) + grown.get("looks", 0)
            found.append(DueLine(slug, grown["due"], taken, held, grown.get("unaccounted", 0)))
    return tuple(found)


def _kept(ledger: LedgerReader, period: Period) -> list[tuple[datetime, Table]]:
    found = []
    for event in ledger.events(kind=EventKind.CHECKPOINT, since=period.since - _NEAR, until=period.until + _NEAR):
        totals = event.body.get("totals", {})
        content = ledger.artefacts.get(totals["channels"]) if totals.get("kept") else None
        if content is not None:
            found.append((event.at, read(content)))
    return found
