"""The prober's diary of a period: everything about it that bears on what the probes can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from canary.audit.period import Period
from canary.audit.report import changes
from canary.audit.report.blackouts import blackouts
from canary.audit.report.changes import Change, Span
from canary.ledger import Event, EventKind, Inventory
from canary.ledger.gaps import gaps
from canary.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class Diary:
    """Times without probes, silenced alerts, and what was changed or broken on our own side."""

    not_installed: tuple[Span, ...]
    """Before the first start: no downtime, and nothing is known of it either."""
    downtime: tuple[Span, ...]
    holds: tuple[Span, ...]
    blackouts: tuple[Span, ...]
    silences: tuple[Span, ...]
    restarts: tuple[Change, ...]
    configuration: tuple[Change, ...]
    clocks: tuple[tuple[str, int, float], ...]
    clock_steps: tuple[Change, ...]
    troubles: tuple[tuple[str, int], ...]
    checks: tuple[tuple[str, str, int], ...]


def diary(ledger: LedgerReader, known: list[Inventory], period: Period, now: datetime, *, redact: bool) -> Diary:
    """Read it; ``known`` is all that was ever in force: a blackout may be told long after its time."""

    def events(*kinds: EventKind) -> Iterator[Event]:
        return ledger.events(kind=kinds, since=period.since, until=period.until, emptied=True)

    by_then = [inventory for inventory in known if inventory.at < period.until]
    found = gaps(ledger, period.since, min(period.until, now))
    return Diary(
        not_installed=tuple(changes.not_installed(found)),
        downtime=tuple(changes.downtime(found)),
        holds=tuple(changes.holds(ledger.events(kind=changes.SWITCHES, until=period.until, emptied=True), period)),
        blackouts=tuple(blackouts(known, period)),
        silences=tuple(changes.silences(events(EventKind.SILENCED))),
        restarts=tuple(changes.restarts(events(EventKind.STARTED, EventKind.STOPPED))),
        configuration=tuple(changes.configuration_changes(by_then, events(EventKind.RELOADED), period, redact=redact)),
        clocks=tuple(changes.clocks(events(EventKind.CLOCK))),
        clock_steps=tuple(changes.clock_steps(events(EventKind.CLOCK_STEPPED))),
        troubles=tuple(changes.troubles(events(EventKind.TROUBLE))),
        checks=tuple(changes.checks(events(EventKind.CHECKED))),
    )
