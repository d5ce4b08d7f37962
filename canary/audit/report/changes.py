"""What happened to the prober itself: holds, silences, restarts, configuration changes, clocks, faults of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canary.audit.period import Period
from canary.ledger.events import EVERY_CHANNEL, Event, EventKind, Inventory, began, parse_time
from canary.ledger.gaps import Gap

SWITCHES = (
    EventKind.HELD,
    EventKind.RELEASED,
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED_ALL,
    EventKind.CLEARED,
)


_DOWN = {
    "stopped": "stopped",
    "crashed": "ended without a stop",
    "no_record": "running by the record, and silent",
    "clock_set": "our clock was set forward",
}
"""The causes of a gap that are no hold; those have their own table."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which nothing was sent, or an alert was silenced; ``end`` is None while it lasts."""

    what: str
    where: str
    reason: str
    by: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed at a moment."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class InForce:
    """A channel as it was configured in the period, by its newest settings; and in which times it was."""

    slug: str
    settings: Mapping[str, Any]
    times: tuple[tuple[datetime, datetime | None], ...]


def holds(events: Iterable[Event], period: Period) -> list[Span]:
    """The holds that touch the period, from all events of :data:`SWITCHES` up to its end."""
    open_: dict[tuple[str, str], Span] = {}
    done: list[Span] = []

    def ends(key: tuple[str, str], at: datetime) -> None:
        if span := open_.pop(key, None):
            done.append(Span(span.what, span.where, span.reason, span.by, span.start, at))

    for event in events:
        body = event.body
        match event.kind:
            case EventKind.HELD if body:
                where = _where(body["channel"])
                detail = body["detail"] or body["reason"]
                open_["held", where] = Span(f"not sent: {body['reason']}", where, detail, "", began(event), None)
            case EventKind.RELEASED if body:
                ends(("held", _where(body["channel"])), event.at)
            case EventKind.PAUSED if body:
                for channel in body["channels"]:
                    where = _where(channel)
                    span = Span("pause ordered", where, body["reason"], body.get("by") or "", event.at, None)
                    open_.setdefault(("pause", where), span)
            case EventKind.RESUMED if body:
                for channel in body["channels"]:
                    ends(("pause", _where(channel)), event.at)
            case EventKind.STOPPED_ALL:
                span = Span(
                    "kill switch", _where(EVERY_CHANNEL), body.get("reason", ""), body.get("by") or "", event.at, None
                )
                open_.setdefault(("stop", ""), span)
            case EventKind.CLEARED:
                ends(("stop", ""), event.at)
    spans = [*done, *open_.values()]
    touching = [span for span in spans if span.end is None or span.end > period.since]
    return sorted(touching, key=lambda span: (span.start, span.where))


def downtime(found: Iterable[Gap]) -> list[Span]:
    """The times in which no prober with a schedule was running, or our clock skipped them."""
    return [
        Span(_DOWN[gap.cause], _where(EVERY_CHANNEL), gap.detail, "", gap.start, gap.until)
        for gap in found
        if gap.cause in _DOWN
    ]


def not_installed(found: Iterable[Gap]) -> list[Span]:
    """The time of the period in which no prober with a schedule had ever run: none, or one."""
    what, detail = "not installed yet", "no prober had run by then, as far as is recorded"
    return [
        Span(what, _where(EVERY_CHANNEL), detail, "", gap.start, gap.until)
        for gap in found
        if gap.cause == "not_started"
    ]


def blackouts(known: Iterable[Inventory], period: Period) -> list[Span]:
    """The blackouts that were configured for a time in the period."""
    found: dict[Span, None] = {}
    for inventory in known:
        for item in inventory.blackouts:
            start, end = parse_time(item["from"]), parse_time(item["until"])
            if start < period.until and end > period.since:
                where = ", ".join(item["channels"]) or _where(EVERY_CHANNEL)
                span = Span("blackout configured", where, item["reason"], item["approved_by"], start, end)
                found.setdefault(span)
    return sorted(found, key=lambda span: span.start)


def silences(events: Iterable[Event]) -> list[Span]:
    """The alert silences that somebody told us."""
    return [
        Span("silence", e.body["alert"], e.body["reason"], e.body["by"], e.at, parse_time(e.body["until"]))
        for e in events
        if e.body
    ]


def restarts(events: Iterable[Event]) -> list[Change]:
    """Starts and stops of the scheduled prober; a start without a stop before it: it was killed, or crashed."""
    found: list[Change] = []
    running = False
    for event in events:
        if event.body.get("scheduled", True) is False:
            continue  # a single probe by hand
        if event.kind is EventKind.STARTED:
            detail = f"version {event.body.get('version', 'unknown')}"
            detail += "; it had not been stopped" if running else ""
            lost = event.body.get("mark_key_lost")
            detail += f"; the key of the marks before was lost: {lost}" if lost else ""
            found.append(Change(event.at, "started", detail))
        else:
            found.append(Change(event.at, "stopped", ""))
        running = event.kind is EventKind.STARTED
    return found


def configuration_changes(known: Iterable[Inventory], refused: Iterable[Event], period: Period) -> list[Change]:
    """What changed in force within the period, and reloads that were refused."""
    found = [
        Change(e.at, "refused", e.body.get("reason", "").partition("\n")[0])
        for e in refused
        if e.body.get("accepted") is False
    ]
    before: Inventory | None = None
    for inventory in known:
        if inventory.at >= period.since and (change := _difference(before, inventory)):
            found.append(Change(inventory.at, "in force", change))
        before = inventory
    return sorted(found, key=lambda change: change.at)


def _difference(before: Inventory | None, after: Inventory) -> str:
    if before is None:
        return f"first record: {len(after.channels)} channels, version {after.version}"
    words = []
    if before.version != after.version:
        words.append(f"version {before.version} became {after.version}")
    if before.python != after.python or before.platform != after.platform:
        words.append(f"now on Python {after.python}, {after.platform}")
    words += [f"channel {slug} added" for slug in after.channels.keys() - before.channels.keys()]
    words += [f"channel {slug} removed" for slug in before.channels.keys() - after.channels.keys()]
    for slug in sorted(after.channels.keys() & before.channels.keys()):
        old, new = before.channels[slug], after.channels[slug]
        words += [
            f"channel {slug}: {key} was {_plain(old.get(key))}, is {_plain(new.get(key))}"
            for key in sorted(new.keys() | old.keys())
            if new.get(key) != old.get(key)
        ]
    if not words and before.configuration != after.configuration:
        words.append("settings that no channel shows")
    return "; ".join(words)


def in_force(known: Iterable[Inventory], period: Period) -> list[InForce]:
    """The channels that were in force in the period, by name."""
    settings: dict[str, Mapping[str, Any]] = {}
    times: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for inventory in known:
        for slug, channel in inventory.channels.items():
            settings[slug] = channel
            spans = times.setdefault(slug, [])
            if not spans or spans[-1][1] is not None:
                spans.append((inventory.at, None))
        for slug, spans in times.items():
            if slug not in inventory.channels and spans[-1][1] is None:
                spans[-1] = (spans[-1][0], inventory.at)
    found = []
    for slug, spans in sorted(times.items()):
        inside = tuple(span for span in spans if span[1] is None or span[1] > period.since)
        if inside:
            found.append(InForce(slug, settings[slug], inside))
    return found


def clocks(events: Iterable[Event]) -> list[tuple[str, int, float]]:
    """By queue: how often its clock was compared with ours, and by how many seconds it was off at most."""
    seen: dict[str, tuple[int, float]] = {}
    for event in events:
        if event.body:
            number, most = seen.get(event.body["queue"], (0, 0.0))
            seen[event.body["queue"]] = number + 1, max(most, event.body["offset"], key=abs)
    return [(queue, number, most) for queue, (number, most) in sorted(seen.items())]


def clock_steps(events: Iterable[Event]) -> list[Change]:
    """When our own clock was set."""
    return [Change(e.at, "clock set", f"by {e.body['seconds']:+.1f} s") for e in events if e.body]


def troubles(events: Iterable[Event]) -> list[tuple[str, int]]:
    """Faults of ours by component and reason."""
    counted = Counter(f"{event.body['component']}: {event.body['reason']}" for event in events if event.body)
    return counted.most_common()


def checks(events: Iterable[Event]) -> list[tuple[str, str, int]]:
    """Looks at channels to which nothing is submitted: (channel, outcome, how often)."""
    counted = Counter((event.body["channel"], event.body["outcome"]) for event in events if event.body)
    return [(channel, outcome, number) for (channel, outcome), number in sorted(counted.items())]


def _where(channel: str) -> str:
    return "every channel" if channel == EVERY_CHANNEL else channel


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
