"""The times in which a prober was not running, or could not send: listed as they were, and never smoothed over.

A prober that was killed tells nothing of it. The next start does: then the gap begins at the last event that only the
one before it can have written. Gaps of several causes may overlap; each is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from canary.ledger.event_reader import EventReader
from canary.ledger.events import EVERY_CHANNEL, Event, EventKind, Hold, began

SLEPT = timedelta(seconds=30)
"""A clock that is set forward by at least so much makes a gap: in what it skipped, nothing can have been recorded."""

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

_TURNINGS = (
    EventKind.STARTED,
    EventKind.STOPPED,
    EventKind.STOPPED_ALL,
    EventKind.CLEARED,
    EventKind.HELD,
    EventKind.RELEASED,
    EventKind.CLOCK_STEPPED,
)

_NO_SIGN_OF_LIFE = (*(kind for kind in EventKind if kind.by_command), EventKind.CLOCK_STEPPED)
"""What commands write, and what a start may write of the time before it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """From ``start`` until ``until`` nothing was sent, through ``channel`` or (None) at all.

    ``cause`` is ``not_started`` (nothing was recorded yet), ``stopped``, ``crashed`` (no stop was recorded),
    ``no_record`` (running by what is recorded, and nothing is since), ``stopped_all`` (the kill switch), ``clock_set``
    (set forward; or the machine slept), or a word of :class:`canary.ledger.events.Hold`.
    """

    start: datetime
    until: datetime
    channel: str | None
    cause: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Turning:
    """An event that gaps follow from; of a start also when the prober before it was last alive, if there was one."""

    event: Event
    alive: datetime | None = None


def gaps(ledger: EventReader, since: datetime, until: datetime) -> list[Gap]:
    """The gaps of the period from ``since`` until ``until``, cut to it, in the order in which they began.

    Reads the events that begin or end one, and one event more for each start.
    """
    events = list(ledger.events(kind=_TURNINGS))
    foreign = _foreign_runs(events)
    turnings = [
        Turning(event, _alive(ledger, event.seq, foreign) if event.kind is EventKind.STARTED else None)
        for event in events
        if not (_is_run(event) and not event.body.get("scheduled", True))
    ]
    return find(turnings, since, until, _alive(ledger, None, foreign))


def find(turnings: Iterable[Turning], since: datetime, until: datetime, last: datetime | None) -> list[Gap]:
    """The same from turnings in the order of their numbers; ``last`` is when the prober was last alive of all."""
    found = (
        replace(gap, start=max(gap.start, since), until=min(gap.until, until)) for gap in _all(turnings, until, last)
    )
    return sorted(
        (gap for gap in found if gap.start < gap.until), key=lambda gap: (gap.start, gap.channel or "", gap.cause)
    )


def _all(turnings: Iterable[Turning], until: datetime, last: datetime | None) -> Iterator[Gap]:
    down: tuple[datetime, str] | None = (_BEFORE_ALL, "not_started")
    stopped: tuple[datetime, str] | None = None
    holds: dict[str, Gap] = {}
    for turning in turnings:
        event = turning.event
        match event.kind:
            case EventKind.STARTED:
                begin, cause = down or (turning.alive or event.at, "crashed")
                yield Gap(begin, event.at, None, cause)
                down = None
            case EventKind.STOPPED:
                down = down or (event.at, "stopped")
            case EventKind.STOPPED_ALL:
                stopped = stopped or (event.at, str(event.body["reason"]))
            case EventKind.CLEARED if stopped:
                yield Gap(stopped[0], event.at, None, "stopped_all", stopped[1])
                stopped = None
            case EventKind.HELD | EventKind.RELEASED:
                if before := holds.pop(event.body["channel"], None):
                    yield replace(before, until=event.at)
                if event.kind is EventKind.HELD:
                    holds[event.body["channel"]] = _hold(event)
            case EventKind.CLOCK_STEPPED if event.body["seconds"] >= SLEPT.total_seconds():
                by = timedelta(seconds=event.body["seconds"])
                yield Gap(event.at - by, event.at, None, "clock_set", f"set forward by {by.total_seconds():.0f} s")
    for gap in holds.values():
        yield replace(gap, until=until)
    if stopped:
        yield Gap(stopped[0], until, None, "stopped_all", stopped[1])
    begin, cause = down or (last or _BEFORE_ALL, "no_record")
    yield Gap(begin, until, None, cause)


def _hold(event: Event) -> Gap:
    channel = event.body["channel"]
    whom = None if channel == EVERY_CHANNEL else channel
    return Gap(began(event), event.at, whom, Hold(event.body["reason"]).value, event.body["detail"])


def _is_run(event: Event) -> bool:
    return event.kind in (EventKind.STARTED, EventKind.STOPPED)


def _foreign_runs(events: Iterable[Event]) -> list[tuple[int, int]]:
    """First and last event of every run without a schedule: what ``cpr-canary probe`` does beside the prober."""
    begun: dict[str, int] = {}
    runs: list[tuple[int, int]] = []
    for event in events:
        if _is_run(event) and not event.body.get("scheduled", True):
            if event.kind is EventKind.STARTED:
                begun[event.body["run"]] = event.seq
            elif event.body["run"] in begun:
                runs.append((begun.pop(event.body["run"]), event.seq))
    return runs + [(seq, seq) for seq in begun.values()]


def _alive(ledger: EventReader, before: int | None, foreign: Iterable[tuple[int, int]]) -> datetime | None:
    """When the last event before number ``before`` was that only a prober with a schedule can have written."""
    while found := ledger.last_before(before, other_than=_NO_SIGN_OF_LIFE):
        seq, at = found
        within = [first for first, last in foreign if first <= seq <= last]
        if not within:
            return at
        before = min(within)
    return None
