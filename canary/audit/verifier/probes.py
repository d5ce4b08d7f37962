"""A probe's events: whether they are complete and in order, whether the outcome follows from them, and a summary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from .findings import require
from .log import Event, Log

_ONCE = ("scheduled", "submitting", "submitted", "deadline", "finished")
_WRONG = {"junked": {"junk"}, "quarantined": {"quarantine"}, "wrong_queue": {"other", "monitored"}}
_OF_THE_REPORT = ("report", "picked_up", "closed")
"""What is seen of the report itself: only where the CA has it."""
_IN_QUEUES = (*_OF_THE_REPORT, "acknowledgement", "answer")
"""What may be seen in a queue of the CA; all that comes back to the sender may be seen in its replies."""
_DECIMALS = 0.002
"""Seconds by which a latency may differ from its recomputation; the ledger keeps microseconds."""


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
            yield Artefact(event.body["message"], f"{event.body['seen']} in {_place(event)[0]}", event.seq)


def first(events: Iterable[Event], kind: str) -> Event | None:
    """The first event of a kind."""
    return next((event for event in events if event.kind == kind), None)


def check_complete(events: list[Event], head: datetime, tolerance: timedelta) -> None:
    """Scheduled before anything, sent once at most, ended once and in time. ``head`` is the newest time in the log."""
    kinds = [event.kind for event in events]
    for kind in _ONCE:
        require(kinds.count(kind) <= 1, f"was {kind} {kinds.count(kind)} times")
    require("scheduled" in kinds, "no event says that it was scheduled")
    order = [kind for kind in kinds if kind in ("scheduled", "submitting", "submitted", "finished")]
    right = [kind for kind in _ONCE if kind in order]
    require(order == right, f"was {', then '.join(order)}")
    require("submitted" not in kinds or "submitting" in kinds, "was sent, and no event says so beforehand")
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


def check_whole(events: list[Event], forgotten: Collection[int]) -> None:
    """Whether the events before its end are those that the end names; retention may have emptied some (``forgotten``).

    Of very many the end names the first, and counts the others.
    """
    finished = first(events, "finished")
    if finished is None:
        return
    named, more = finished.body["events"], finished.body.get("more", 0)
    told = isinstance(named, list) and all(type(seq) is int for seq in [*named, more]) and more >= 0
    require(told and named == sorted(set(named)), f"ended (event {finished.seq}), and no list names its events")
    here = {event.seq for event in events if event.seq < finished.seq}
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
            kept.add(_place(event))
        elif event.kind == "flood":
            place, number = (event.body["queue"], event.body["role"]), event.body["count"]
            require(type(number) is int and number > 0, f"has a count of {number!r:.40} in event {event.seq}")
            told = f"was seen {number} times more in {place[0]!r:.80} (event {event.seq}), and none was kept"
            require(place in kept, told)


def check_outcome(events: list[Event], stepped: bool) -> None:
    """Whether what it is said to have come to follows from what was seen before it was said."""
    finished, decided = first(events, "finished"), first(events, "deadline")
    if finished is not None:
        known = [event for event in events if event.seq < finished.seq]
        _check_follows(finished.body["outcome"], known, stepped)
        _check_agrees(finished.body["outcome"], first(known, "deadline"))
        _check_stages(finished.body["stages"], known, stepped)
        _check_owed(known[0].body.get("owed", {}), finished.body)
    if decided is not None:
        outcome, result = decided.body["outcome"], decided.body["result"]
        right = {"arrived": "met", "indeterminate": "indeterminate"}.get(outcome, "missed")
        require(result == right, f"was {result} at its deadline, and {outcome} is {right}")
        known = [event for event in events if event.seq < decided.seq]
        _check_follows(outcome, known, stepped)


def _check_follows(outcome: str | None, known: list[Event], stepped: bool) -> None:
    scheduled, submitted = first(known, "scheduled"), first(known, "submitted")
    assert scheduled is not None
    copies = _copies(known)
    expected = scheduled.body["expected"]
    arrived = [copies[queue] for queue in expected if queue in copies]
    complete = len(arrived) == len(expected)
    replies = {event.body["seen"] for event in _genuine(known)}
    match outcome:
        case "arrived" | "late" | "altered":
            require(complete, f"is {outcome}, and was not seen in all of {', '.join(expected)}")
            began = _began(known)
            took = max(_latency(began, event) for event in arrived)
            if not (stepped or (outcome == "late" and _not_there_in_time(known))):
                right = took > scheduled.body["deadline"] if outcome == "late" else took <= scheduled.body["deadline"]
                require(right, f"is {outcome}, and took {took:.3f} s of {scheduled.body['deadline']:.0f} s")
            changed = any(event.body["intact"] is False for event in arrived)
            require(outcome == "late" or changed is (outcome == "altered"), f"is {outcome}, and was changed: {changed}")
        case "junked" | "quarantined" | "wrong_queue":
            roles = {_place(event)[1] for event in _genuine(known) if event.body["seen"] == "report"}
            require(bool(roles & _WRONG[outcome]), f"is {outcome}, and was seen in no such place")
        case "bounced":
            require("bounce" in replies, "is bounced, and no bounce was seen")
            require(not complete, f"is bounced, and was seen in {', '.join(expected)}")
        case "rejected" | "form_error":
            failure = submitted.body["failure"] if submitted else None
            require(failure == outcome, f"is {outcome}, and its submission says {failure}")
        case "missing":
            require(not complete, f"is missing, and was seen in {', '.join(expected)}")
        case _:
            require(outcome in (None, "indeterminate"), f"has an unknown outcome {outcome!r:.40}")


def _not_there_in_time(known: list[Event]) -> bool:
    """Whether it was decided without the report, though it is stamped earlier."""
    decided = first(known, "deadline")
    return decided is not None and decided.body["result"] != "met"


def _check_agrees(outcome: str | None, decided: Event | None) -> None:
    """Whether it ended as was decided at its deadline: met is arrived, missed is neither that nor our own fault."""
    if decided is None:
        return
    result = decided.body["result"]
    right = (outcome == "arrived") is (result == "met") and (result != "missed" or outcome != "indeterminate")
    require(right, f"is {outcome} in the end, and was {result} at its deadline")


def _check_stages(said: Mapping[str, float], known: list[Event], stepped: bool) -> None:
    """Whether each stage that it is said to have reached was seen, so many seconds after submission."""
    shown = _stages(known)
    for stage, seconds in said.items():
        took = shown.get(stage, [])
        require(bool(took), f"is said to be {stage}, and nothing shows it")
        nearest = min(took, key=lambda one: abs(one - seconds))
        right = stepped or abs(seconds - nearest) <= _DECIMALS
        require(right, f"is said to have taken {seconds:.3f} s, and took {nearest:.3f} s until {stage}")


def _check_owed(owed: Mapping[str, float], body: Mapping[str, Any]) -> None:
    """Whether what is said of each stage that was owed fits when it was reached, if it was."""
    said, stages = body.get("owed", {}), body["stages"]
    require(
        said.keys() == owed.keys(), f"owed {', '.join(owed) or 'nothing'}, and tells of {', '.join(said) or 'nothing'}"
    )
    for stage, limit in owed.items():
        took = stages.get(stage)
        met = took is not None and took <= limit + _DECIMALS
        when = "was not reached" if took is None else f"took {took:.3f} s of {limit:.0f} s"
        require(said[stage] != "met" or met, f"is said to have met {stage}, which {when}")
        require(
            said[stage] != "missed" or took is None or took > limit - _DECIMALS,
            f"is said to have missed {stage}, which {when}",
        )
        require(said[stage] in ("met", "missed", "indeterminate"), f"says {said[stage]!r:.40} of {stage}")


def _stages(known: list[Event]) -> dict[str, list[float]]:
    """By stage: the seconds from submission to each event that shows it."""
    scheduled, submitted, copies = first(known, "scheduled"), first(known, "submitted"), _copies(known)
    expected = scheduled.body["expected"] if scheduled else []
    began, shown = _began(known), dict[str, list[float]]()
    if submitted and submitted.body["accepted"]:
        shown["accepted"] = [submitted.body["seconds"]]
    if all(queue in copies for queue in expected):
        shown["arrived"] = [max(_latency(began, copies[queue]) for queue in expected)]
    for event in _genuine(known):
        stage = _stage(event, expected)
        if stage is not None:
            shown.setdefault(stage, []).append(_latency(began, event))
    return shown


def _stage(event: Event, expected: Iterable[str]) -> str | None:
    """The stage that a sighting other than of the report itself shows: by a human, or by whom is not asked."""
    (queue, role), by = _place(event), event.body.get("by")
    replies = role == "replies"
    if not replies and not (role == "monitored" and queue in expected):
        return None
    human = by == "human" or (replies and by is None)
    match event.body["seen"]:
        case "answer" if human:
            return "answer_received" if replies else "answered"
        case "answer" | "acknowledgement":
            return "acknowledged"
        case "picked_up" if human:
            return "picked_up"
        case "closed":
            return "closed"
    return None


def _genuine(events: list[Event]) -> Iterator[Event]:
    """The sightings that nothing speaks against; of a report that was never sent there are none."""
    sent = first(events, "submitting")
    if sent is None:
        return
    for event in events:
        if event.kind == "sighting" and event.body["forgery"] is None and _fits(event, sent):
            yield event


def _fits(sighting: Event, submitting: Event) -> bool:
    """Whether a sighting fits its place; and where its content was not compared, the Message-ID that was sent."""
    seen, ours = sighting.body["seen"], submitting.body["message_id"]
    of_the_report = seen in _OF_THE_REPORT
    if _place(sighting)[1] == "replies":
        return not of_the_report
    told = ours and sighting.body["place"].get("message_id", True)
    by_its_id = of_the_report and told and sighting.body["intact"] is None
    return seen in _IN_QUEUES and (not by_its_id or sighting.body["message_id"] == ours)


def _copies(events: list[Event]) -> dict[str, Event]:
    """By monitored queue: the first genuine copy of the report there."""
    found: dict[str, Event] = {}
    began = _began(events)
    for event in _genuine(events):
        queue, role = _place(event)
        if event.body["seen"] == "report" and role == "monitored":
            known = found.get(queue)
            if known is None or _latency(began, event) < _latency(began, known):
                found[queue] = event
    return found


def _began(events: list[Event]) -> datetime:
    """When sending began, or was due: the zero of every latency."""
    submitted, submitting, scheduled = (first(events, kind) for kind in ("submitted", "submitting", "scheduled"))
    assert scheduled is not None
    return _time(submitted.body["at"]) if submitted else (submitting or scheduled).at


def _latency(began: datetime, sighting: Event) -> float:
    """Seconds from submission to a sighting, kept within what is known: not before it was sent, nor after we saw it."""
    arrived, noticed = (_time(sighting.body[name]) for name in ("arrived_at", "noticed_at"))
    return max(0.0, min((arrived - began).total_seconds(), (noticed - began).total_seconds()))


def _place(event: Event) -> tuple[str, str]:
    return event.body["place"]["queue"], event.body["place"]["role"]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


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
