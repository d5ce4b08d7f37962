"""What was in force: the ``configured`` events of a start or a reload, put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canary.ledger.events.event import Event
from canary.ledger.events.kinds import EventKind


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was in force from ``at`` on: what each channel means and each watch, by name; blackouts and blind drills."""

    at: datetime
    seq: int
    """The number of its last event."""
    configuration: str
    version: str
    python: str
    platform: str
    sealed_by: str
    """The id of the key by which personal addresses were sealed."""
    scheduled: bool
    """False where it was in force for probes by hand alone."""
    retention: Mapping[str, float]
    """By rule: for how many seconds what it is about is kept."""
    channels: Mapping[str, Mapping[str, Any]]
    watches: Mapping[str, Mapping[str, Any]]
    blackouts: tuple[Mapping[str, Any], ...]
    blind_drills: tuple[Mapping[str, Any], ...]


_EACH = ("configuration", "version", "python", "platform", "sealed_by", "scheduled", "retention")
"""What every part repeats."""


def inventories(events: Iterable[Event]) -> Iterator[Inventory]:
    """What ``configured`` events say, their parts put together; one whose parts are not all there is left out."""
    parts: list[Event] = []
    for event in events:
        if event.kind is not EventKind.CONFIGURED or not event.body:
            continue
        if event.body["part"] == 1:
            parts = []
        parts.append(event)
        if event.body["part"] == event.body["parts"] == len(parts):
            yield _joined(parts)


def first_part(event: Event) -> int:
    """The number of the first of the ``configured`` events that tell together what is in force."""
    return event.seq - int(event.body["part"]) + 1


def numbered(events: Iterable[Event]) -> dict[str, int]:
    """By channel: the number of the event that says what it means."""
    told = (event for event in events if event.kind is EventKind.CONFIGURED)
    return {slug: event.seq for event in told for slug in event.body["channels"]}


def _joined(parts: list[Event]) -> Inventory:
    last = parts[-1]
    return Inventory(
        at=last.at,
        seq=last.seq,
        **{name: last.body[name] for name in _EACH},
        channels={slug: channel for part in parts for slug, channel in part.body["channels"].items()},
        watches={name: watch for part in parts for name, watch in part.body["watches"].items()},
        blackouts=tuple(item for part in parts for item in part.body["blackouts"]),
        blind_drills=tuple(item for part in parts for item in part.body["blind_drills"]),
    )
