"""The prober's diary of a period: everything about it that bears on what the probes can show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from canary.audit import changes
from canary.audit.changes import Change, Span
from canary.audit.period import Period
from canary.audit.source import Source
from canary.ledger import EventKind, Inventory
from canary.ledger.gaps import gaps


@dataclass(frozen=True, slots=True)
class Diary:
    """Times without probes, silenced alerts, and what was changed or broken on our own side."""

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


def diary(source: Source, known: list[Inventory], period: Period, now: datetime) -> Diary:
    """Read it; ``known`` is what was in force, up to the end of the period."""
    inside = {"since": period.since, "until": period.until}
    return Diary(
        downtime=tuple(changes.downtime(gaps(source, period.since, min(period.until, now)))),
        holds=tuple(changes.holds(source.told(*changes.SWITCHES, until=period.until), period)),
        blackouts=tuple(changes.blackouts(known, period)),
        silences=tuple(changes.silences(source.told(EventKind.SILENCED, **inside))),
        restarts=tuple(changes.restarts(source.told(EventKind.STARTED, EventKind.STOPPED, **inside))),
        configuration=tuple(changes.configuration_changes(known, source.told(EventKind.RELOADED, **inside), period)),
        clocks=tuple(changes.clocks(source.told(EventKind.CLOCK, **inside))),
        clock_steps=tuple(changes.clock_steps(source.told(EventKind.CLOCK_STEPPED, **inside))),
        troubles=tuple(changes.troubles(source.told(EventKind.TROUBLE, **inside))),
        checks=tuple(changes.checks(source.told(EventKind.CHECKED, **inside))),
    )
