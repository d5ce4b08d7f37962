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
    """What was in force from ``at`` on: every channel as it was configured, by its slug; blackouts and blind drills."""

    at: datetime
    seq: int
    """The number of its last event."""
    configuration: str
    version: str
    python: str
    platform: str
    channels: Mapping[str, Mapping[str, Any]]
    blackouts: tuple[Mapping[str, Any], ...]
    blind_drills: tuple[Mapping[str, Any], ...]


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


def _joined(parts: list[Event]) -> Inventory:
    last = parts[-1]
    return Inventory(
        at=last.at,
        seq=last.seq,
        **{name: last.body[name] for name in ("configuration", "version", "python", "platform")},
        channels={slug: channel for part in parts for slug, channel in part.body["channels"].items()},
        blackouts=tuple(item for part in parts for item in part.body["blackouts"]),
        blind_drills=tuple(item for part in parts for item in part.body["blind_drills"]),
    )
