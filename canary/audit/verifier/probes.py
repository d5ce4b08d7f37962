"""A probe's events: whether they are complete and in order, and a summary; what follows is for :mod:`.outcomes`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from .findings import require
from .log import Event, Log

_ONCE = ("scheduled", "submitting", "submitted", "deadline", "finished")


@dataclass(frozen=True)
class Artefact:
    """A file that an event names by its hash, and what it is."""

    sha256: str
    what: str
    event: int


def events_of(log: Log, probes: Iterable[str]) -> dict[str, list[Event]]:
    """The events of each of these probes, in order."""
    found: dict[str, list[Event]] = {probe: [] for probe in probes}
    for seq in sorted(log.events):
        event = log.events[seq]
        if event.probe in found:
            found[event.probe].append(event)
    return found


def artefacts(events: Iterable[Event]) -> Iterator[Artefact]:
    """The files that the events of a probe name."""
    for event in events:
        if event.kind == "submitting":
            yield Artefact(event.body["payload"], "exactly what was sent", event.seq)
        elif event.kind == "submitted":
            for name, digest in sorted(event.body["artefacts"].items()):
                yield Artefact(digest, name, event.seq)
        elif event.kind == "sighting":
            yield Artefact(event.body["message"], f"{event.body['seen']} in {place(event)[0]}", event.seq)


def first(events: Iterable[Event], kind: str) -> Event | None:
    """The first event of a kind."""
    return next((event for event in events if event.kind == kind), None)


def place(sighting: Event) -> tuple[str, str]:
    """Where something was seen: the queue, and what it is for."""
    return sighting.body["place"]["queue"], sighting.body["place"]["role"]


def check_complete(events: list[Event], head: datetime, tolerance: timedelta) -> None:
    """Scheduled before anything, sent once at most, ended once and in time. ``head`` is the newest time in the log."""
    kinds = [event.kind for event in events]
    for kind in _ONCE:
        require(kinds.count(kind) <= 1, f"was {kind} {kinds.count(kind)} times")
    require("scheduled" in kinds, "no event says that it was scheduled")
    order = [kind for kind in kinds if kind in ("scheduled", "submitting", "submitted", "finished")]
    right = [kind for kind in _ONCE if kind in order]
    require(order == right, f"was {', then '.join(order)}")
    unsent = first(events, "submitted") if "submitting" not in kinds else None
    could_not = unsent is None or (unsent.body["failure"] == "ours" and not unsent.body["uncertain"])
    require(could_not, "was sent, and no event says so beforehand")
    begun = [event for event in events if event.kind in ("scheduled", "submitting", "submitted")]
    for before, after in pairwise(begun):
        require(before.at - after.at <= tolerance, f"was {after.kind} before it was {before.kind}")
    _check_floods(events)
    _check_end(events)
    if "finished" not in kinds:
        body = begun[0].body
        longest = max(body["deadline"], *body.get("owed", {}).values(), 0)
        due = begun[0].at + timedelta(seconds=body["give_up"] + longest) + tolerance
        require(head <= due, f"has no result, which was due by {due:%F %T} UTC")


def _check_end(events: list[Event]) -> None:
    """Whether its deadline was decided before it ended, and nothing happened after that but to be seen again."""
    finished, decided = first(events, "finished"), first(events, "deadline")
    if finished is None:
        return
    require(decided is not None, "has ended, and no event says what its deadline found")
    for event in events:
        if event.seq > finished.seq:
            require(event.kind in ("sighting", "flood"), f"was {event.kind} after its end (event {event.seq})")


def check_whole(events: list[Event], steps: list[Event], forgotten: Collection[int]) -> None:
    """Whether the events before its end are those that the end names; retention may have emptied some (``forgotten``).

    The end names the steps of the canary's clock too, of which ``steps`` are those in the bundle.

    Of very many the end names the first, and counts the others.
    """
    finished = first(events, "finished")
    if finished is None:
        return
    named, more = finished.body["events"], finished.body.get("more", 0)
    told = isinstance(named, list) and all(type(seq) is int for seq in [*named, more]) and more >= 0
    require(told and named == sorted(set(named)), f"ended (event {finished.seq}), and no list names its events")
    begun = events[0].seq if events[0].kind == "scheduled" else finished.seq
    here = {event.seq for event in events if event.seq < finished.seq}
    here |= {step.seq for step in steps if begun < step.seq < finished.seq or step.seq in named}
    lacking = [seq for seq in named if seq not in here and seq not in forgotten]
    require(not lacking, f"has events that are not in the bundle: {_numbers(lacking)}, by event {finished.seq}")
    beyond = sorted(here.difference(named))
    counted = more and all(seq > named[-1] for seq in beyond)
    unnamed = [] if counted and len(beyond) <= more else beyond
    require(not unnamed, f"has events that event {finished.seq} does not name: {_numbers(unnamed)}")
    require(bool(forgotten) or len(beyond) == more, f"has {more} events more, and {len(beyond)} are in the bundle")


def _numbers(of: list[int]) -> str:
    return ", ".join(map(str, of[:10])) + (f" and {len(of) - 10} more" if len(of) > 10 else "")


def _check_floods(events: list[Event]) -> None:
    """Whether what was only counted stands behind something that was kept, at the same place."""
    kept: set[tuple[str, str]] = set()
    for event in events:
        if event.kind == "sighting":
            kept.add(place(event))
        elif event.kind == "flood":
            where, number = (event.body["queue"], event.body["role"]), event.body["count"]
            require(type(number) is int and number > 0, f"has a count of {number!r:.40} in event {event.seq}")
            told = f"was seen {number} times more in {where[0]!r:.80} (event {event.seq}), and none was kept"
            require(where in kept, told)


def summary(events: list[Event], rules: Mapping[str, str]) -> dict[str, Any]:
    """What a bundle's ``summary.json`` says of a probe: read from its events, so it can be made again and compared."""
    scheduled, finished, decided = (first(events, kind) for kind in ("scheduled", "finished", "deadline"))
    about = scheduled.body if scheduled else {}
    known = ("channel", "kind", "sender", "variant", "expected", "deadline", "give_up", "blind", "confirms")
    files = [
        {
            "sha256": item.sha256,
            "what": item.what,
            "event": item.event,
            "state": f"deleted under rule {rules[item.sha256]}, hash kept" if item.sha256 in rules else "kept",
        }
        for item in artefacts(events)
    ]
    return {
        "probe": events[0].probe if events else None,
        **{name: about.get(name) for name in known},
        "outcome": finished.body["outcome"] if finished else None,
        "reason": finished.body["reason"] if finished else None,
        "place": finished.body["place"] if finished else None,
        "stages": finished.body["stages"] if finished else {},
        "result": decided.body["result"] if decided else None,
        "owed": _owed(about, finished.body if finished else {}),
        "events": [event.seq for event in events],
        "not_kept": [{**event.body, "event": event.seq} for event in events if event.kind == "flood"],
        "times": list(_times(events)),
        "artefacts": files,
    }


def _owed(scheduled: Mapping[str, Any], finished: Mapping[str, Any]) -> dict[str, Any]:
    results = finished.get("owed", {})
    return {
        stage: {"within": limit, "result": results.get(stage)} for stage, limit in scheduled.get("owed", {}).items()
    }


def _times(events: list[Event]) -> Iterator[dict[str, Any]]:
    """Every time in the events, what it is of, and where it was read."""
    for event in events:
        ours = {"event": event.seq, "source": "clock of the canary"}
        yield {"what": f"{event.kind} recorded", "at": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z", **ours}
        if event.kind == "submitted":
            yield {"what": "sending began", "at": event.body["at"], **ours}
            yield {"what": "sending took", "seconds": event.body["seconds"], **ours}
        if event.kind == "sighting":
            body = event.body
            what = f"{body['seen']} in {body['place']['queue']}"
            source = {"event": event.seq, "source": body["source"], "uncertainty": body["uncertainty"]}
            yield {"what": f"{what} arrived", "at": body["arrived_at"], **source}
            yield {"what": f"{what} noticed", "at": body["noticed_at"], **ours}
