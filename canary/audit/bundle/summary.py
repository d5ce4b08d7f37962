"""What a bundle says of a probe for people, ``probes/<id>/summary.json``: nothing but what its events say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from canary.ledger import Event, EventKind
from canary.ledger.events import timestamp

_ABOUT = ("channel", "kind", "sender", "variant", "expected", "deadline", "give_up", "blind", "confirms")
_RESULT = ("outcome", "reason", "place")
_CLOCK = "clock of the canary"


@dataclass(frozen=True, slots=True)
class Named:
    """A file that event ``seq`` names by its SHA-256, and what it is."""

    sha256: str
    what: str
    seq: int


def named(events: Iterable[Event]) -> Iterator[Named]:
    """The files that the events of a probe name."""
    for event in events:
        body = event.body
        match event.kind:
            case EventKind.SUBMITTING:
                yield Named(body["payload"], "exactly what was sent", event.seq)
            case EventKind.SUBMITTED:
                yield from (Named(digest, name, event.seq) for name, digest in sorted(body["artefacts"].items()))
            case EventKind.SIGHTING:
                yield Named(body["message"], _seen(body), event.seq)


def summary(probe: str, events: list[Event], rules: Mapping[str, str]) -> dict[str, Any]:
    """The summary of a probe; ``rules`` tell by which rule a file was deleted, by its SHA-256."""
    bodies: dict[EventKind, Mapping[str, Any]] = {event.kind: event.body for event in reversed(events)}
    about, ended = bodies.get(EventKind.SCHEDULED, {}), bodies.get(EventKind.FINISHED, {})
    came_to = ended.get("owed", {})
    return {
        "probe": probe,
        **{name: about.get(name) for name in _ABOUT},
        **{name: ended.get(name) for name in _RESULT},
        "stages": ended.get("stages", {}),
        "result": bodies.get(EventKind.DEADLINE, {}).get("result"),
        "owed": {
            stage: {"within": limit, "result": came_to.get(stage)} for stage, limit in about.get("owed", {}).items()
        },
        "events": [event.seq for event in events],
        "not_kept": [{**event.body, "event": event.seq} for event in events if event.kind is EventKind.FLOOD],
        "times": [time for event in events for time in _times(event)],
        "artefacts": [
            {"sha256": file.sha256, "what": file.what, "event": file.seq, "state": _state(rules.get(file.sha256))}
            for file in named(events)
        ],
    }


def _state(rule: str | None) -> str:
    return f"deleted under rule {rule}, hash kept" if rule else "kept"


def _seen(body: Mapping[str, Any]) -> str:
    return f"{body['seen']} in {body['place']['queue']}"


def _times(event: Event) -> Iterator[dict[str, Any]]:
    """Every time in an event, what it is of, and where it was read."""
    body, ours = event.body, {"event": event.seq, "source": _CLOCK}
    yield {"what": f"{event.kind.value} recorded", "at": timestamp(event.at), **ours}
    if event.kind is EventKind.SUBMITTED:
        yield {"what": "sending began", "at": body["at"], **ours}
        yield {"what": "sending took", "seconds": body["seconds"], **ours}
    elif event.kind is EventKind.SIGHTING:
        theirs = {"event": event.seq, "source": body["source"], "uncertainty": body["uncertainty"]}
        yield {"what": f"{_seen(body)} arrived", "at": body["arrived_at"], **theirs}
        yield {"what": f"{_seen(body)} noticed", "at": body["noticed_at"], **ours}
