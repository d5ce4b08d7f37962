"""What happened to the prober itself: holds, silences, restarts, configuration changes, clocks, faults of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from canary.audit.period import Period
from canary.audit.report.differences import EVERYWHERE, difference
from canary.ledger.events import EVERY_CHANNEL, Event, EventKind, Inventory, began, parse_time
from canary.ledger.gaps import Gap
from canary.wording import moment

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
    """A time in which nothing was sent, or an alert was silenced; ``end`` is None while it lasts.

    ``recorded`` is when the log first had it, and ``untold`` how much of it was over by then.
    """

    what: str
    where: str
    reason: str
    by: str
    start: datetime
    end: datetime | None
    recorded: datetime | None = None
    untold: timedelta = timedelta()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed at a moment."""

    at: datetime
    what: str
    detail: str = ""
    in_words: str = ""
    """Of settings, instead of ``detail``: made of values that are as they may be shown."""


def holds(events: Iterable[Event], period: Period) -> list[Span]:
    """The holds that touch the period, from all events of :data:`SWITCHES` up to its end."""
    open_: dict[tuple[str, str], Span] = {}
    done: list[Span] = []

    def ends(key: tuple[str, str], at: datetime) -> None:
        if span := open_.pop(key, None):
            done.append(replace(span, end=at))

    for event in events:
        body = event.body
        match event.kind:
            case EventKind.HELD if body:
                open_["held", _where(body["channel"])] = _held(event)
            case EventKind.RELEASED if body:
                ends(("held", _where(body["channel"])), event.at)
            case EventKind.PAUSED if body:
                for channel in body["channels"]:
                    _order(open_, ("pause", _where(channel)), _ordered("pause ordered", channel, event))
            case EventKind.RESUMED if body:
                for channel in body["channels"]:
                    ends(("pause", _where(channel)), event.at)
            case EventKind.STOPPED_ALL:
                _order(open_, ("stop", ""), _ordered("kill switch", EVERY_CHANNEL, event))
            case EventKind.CLEARED:
                ends(("stop", ""), event.at)
    spans = [*done, *open_.values()]
    touching = [span for span in spans if span.end is None or span.end > period.since]
    return sorted(touching, key=lambda span: (span.start, span.where))


def _held(event: Event) -> Span:
    """Probes that were not sent: recorded later than it began where it could not be at once."""
    body, since = event.body, began(event)
    return Span(
        f"not sent: {body['reason']}", _where(body["channel"]), body["detail"] or body["reason"], "", since, None,
        recorded=event.at, untold=max(event.at - since, timedelta()),
    )  # fmt: skip


def _ordered(what: str, channel: str, event: Event) -> Span:
    body = event.body
    reason, by = body.get("reason", ""), body.get("by") or ""
    return Span(what, _where(channel), reason, by, event.at, None, recorded=event.at)


def _order(open_: dict[tuple[str, str], Span], key: tuple[str, str], span: Span) -> None:
    """Somebody ordered it; where it is in force already, what is said of it now is no part of how it began."""
    known = open_.get(key)
    if known is None:
        open_[key] = span
    elif (span.reason, span.by) != (known.reason, known.by):
        other = "" if span.reason == known.reason else ", for another reason"
        again = f"ordered again {moment(span.start)} by {span.by or 'nobody'}{other}"
        open_[key] = replace(known, remark="; ".join(filter(None, [known.remark, again])))


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


def silences(events: Iterable[Event]) -> list[Span]:
    """The alert silences that somebody told us; one that was over by then began nobody knows when."""
    return [_silence(event, parse_time(event.body["until"])) for event in events if event.body]


def _silence(event: Event, until: datetime) -> Span:
    body, late = event.body, max(event.at - until, timedelta())
    start, remark = min(event.at, until), "told when it was over" if late else ""
    return Span(
        "silence", body["alert"], body["reason"], body["by"], start, until, event.at, untold=late, remark=remark
    )


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


def configuration_changes(
    known: Iterable[Inventory], refused: Iterable[Event], period: Period, *, redact: bool
) -> list[Change]:
    """What changed in force within the period, and reloads that were refused."""
    found = [
        Change(e.at, "refused", e.body.get("reason", "").partition("\n")[0])
        for e in refused
        if e.body.get("accepted") is False
    ]
    before: Inventory | None = None
    for inventory in known:
        if inventory.at >= period.since and (change := difference(before, inventory, redact=redact)):
            found.append(Change(inventory.at, "in force", in_words=change))
        before = inventory
    return sorted(found, key=lambda change: change.at)


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
    return EVERYWHERE if channel == EVERY_CHANNEL else channel
