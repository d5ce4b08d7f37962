"""Blackouts, as the configurations in a bundle have them: by which event each was told, and whether it had begun.

None excuses a probe, and whether one was planned no log can show: only that it was told before it began, or was not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from .findings import RefusedError
from .log import Event, Log, read_time
from .period import Period

_TEXTS = ("reason", "approved_by")


def blackouts(log: Log, period: Period) -> list[dict[str, Any]]:
    """Each of the period, by the oldest event in the bundle that has it in force, in the order of their numbers.

    ``begun`` is whether that is later than its begin; ``before`` the event that was in force before, and ``missing``
    whether that is not in the bundle: then it may have had it too.
    """
    found: dict[str, dict[str, Any]] = {}
    for event in log.kind("configured"):
        for item in _well_formed(event):
            start, end = read_time(item["from"]), read_time(item["until"])
            if start < period.until and end > period.since:
                found.setdefault(_name(item), _fact(log, event, item, start))
    return list(found.values())


def _fact(log: Log, event: Event, item: dict[str, Any], start: datetime) -> dict[str, Any]:
    before = event.body.get("previous")
    return {
        **{name: item[name] for name in ("from", "until", "channels", *_TEXTS)},
        "event": event.seq,
        "told": event.at.isoformat(),
        "begun": event.at > start,
        "before": before,
        "missing": before != 0 and not _is_whole(log, before),
    }


def _is_whole(log: Log, seq: object) -> bool:
    """Whether every part of what was in force by event ``seq`` is in the bundle."""
    first = log.events.get(seq) if type(seq) is int else None
    if first is None or first.kind != "configured" or type(first.body.get("parts")) is not int:
        return False
    parts = [log.events.get(first.seq + number) for number in range(min(first.body["parts"], len(log.events)))]
    return len(parts) == first.body["parts"] and all(part and part.kind == "configured" for part in parts)


def _well_formed(event: Event) -> Iterator[dict[str, Any]]:
    told = event.body.get("blackouts") if event.body.get("scheduled") is True else None
    for item in told if isinstance(told, list) else ():
        with suppress(RefusedError, KeyError, TypeError):
            right = all(isinstance(item[name], str) for name in _TEXTS) and isinstance(item["channels"], list)
            if right and read_time(item["from"]) < read_time(item["until"]):
                yield item


def _name(item: dict[str, Any]) -> str:
    return repr([item[name] for name in ("from", "until", *_TEXTS)] + sorted(map(str, item["channels"])))
