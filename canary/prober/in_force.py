"""What is in force, as events: every channel with who approved it, blackouts, blind drills, and what runs."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import rfc8785

from canary import __version__
from canary.config import Config, digest
from canary.ledger import Event, EventKind
from canary.ledger.events import timestamp, truncate
from canary.settings import WITHIN

_ROOM = 60_000
"""Bytes of entries in one event: what an event may have, less the fields that every part repeats."""


def snapshot(config: Config, at: datetime) -> list[Event]:
    """The ``configured`` events of a configuration, as many as it takes; :func:`canary.ledger.inventories` reads them.

    To be appended together.
    """
    common = {
        "configuration": digest(config),
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    parts = _parts(config)
    numbered = [common | part | {"part": number, "parts": len(parts)} for number, part in enumerate(parts, 1)]
    return [Event(EventKind.CONFIGURED, at, body) for body in numbered]


def _parts(config: Config) -> list[dict[str, Any]]:
    parts, room = [_empty()], _ROOM
    for section, key, value in _items(config):
        size = len(rfc8785.dumps(value)) + len(key) + 4
        if size > room:
            parts.append(_empty())
            room = _ROOM
        room -= size
        if key:
            parts[-1][section][key] = value
        else:
            parts[-1][section].append(value)
    return parts


def _empty() -> dict[str, Any]:
    return {"channels": {}, "blackouts": [], "blind_drills": []}


def _items(config: Config) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for slug in config.channels:
        yield "channels", slug, _channel(config, slug)
    for blackout in config.blackouts:
        yield (
            "blackouts",
            "",
            {
                "from": timestamp(blackout.start),
                "until": timestamp(blackout.until),
                "channels": list(blackout.channels),
                "reason": truncate(blackout.reason),
                "approved_by": truncate(blackout.approved_by),
            },
        )
    for drill in config.blind_drills:
        yield (
            "blind_drills",
            "",
            {
                "name": truncate(drill.name),
                "date": drill.date.isoformat(),
                "channels": list(drill.channels),
                "approved_by": truncate(drill.approved_by),
            },
        )


def _channel(config: Config, slug: str) -> dict[str, Any]:
    settings = config.channels[slug]
    return {
        "kind": settings.kind,
        "disclosed_in": list(settings.disclosed_in),
        "approved_by": truncate(settings.approved_by),
        "interval": settings.interval,
        "deadline": settings.deadline,
        "give_up": settings.give_up,
        **{key: getattr(settings, key) for key in WITHIN.values()},
        "arrives_in": list(settings.arrives_in),
        "senders": list(config.senders_of(slug)),
        "variants": list(config.variants_of(slug)),
        "reachability_only": settings.reachability_only,
    }
