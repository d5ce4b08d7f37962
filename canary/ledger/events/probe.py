"""The events of a probe, made from the values of :mod:`canary.model` and read as those again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from canary.budgets import NAMED_EVENTS
from canary.ledger.events.event import Event, timestamp, truncate
from canary.ledger.events.kinds import EventKind
from canary.model import DeadlineResult, Flood, Outcome, Probe, Sighting, Stage, Submission, Verdict

_Value = TypeVar("_Value")

_LONGEST_NAME = 998
"""Characters of a Message-ID or reference number: the longest line of a message (RFC 5322 section 2.1.1)."""


def scheduled(probe: Probe, mark: str) -> Event:
    """A probe is due, and will be sent: on disk before anything is."""
    body = _adapter(Probe).dump_python(probe, mode="json", exclude={"id"}) | {
        "expected": sorted(probe.expected),
        "mark": mark,
    }
    return Event(EventKind.SCHEDULED, probe.scheduled_at, body, probe.id)


def submitting(
    probe: str, at: datetime, message_id: str | None, payload: str, checkpoint: tuple[int, str] | None = None
) -> Event:
    """Sending begins; ``payload`` is the SHA-256 of exactly what is sent.

    ``checkpoint`` is the size and root hash of the evidence log that the report carries.
    """
    body: dict[str, Any] = {"message_id": message_id, "payload": payload}
    if checkpoint is not None:
        body["checkpoint"] = {"size": checkpoint[0], "root": checkpoint[1]}
    return Event(EventKind.SUBMITTING, at, body, probe)


def submitted(
    probe: str,
    at: datetime,
    submission: Submission,
    artefacts: Mapping[str, str],
    form: Mapping[str, str] | None = None,
) -> Event:
    """Sending ended, one way or the other; ``artefacts`` are names and their SHA-256.

    ``form`` is how a form looked, where that was not so when it was told before.
    """
    body = _adapter(Submission).dump_python(submission, mode="json", exclude={"artefacts", "troubles"})
    body |= {"at": timestamp(submission.at), "reason": truncate(submission.reason), "artefacts": dict(artefacts)}
    if submission.reference is not None:
        body["reference"] = truncate(submission.reference, _LONGEST_NAME)
    if form:
        body["form"] = dict(form)
    if submission.mail_server is None:
        del body["mail_server"]
    return Event(EventKind.SUBMITTED, at, body, probe)


def sighting(at: datetime, seen: Sighting, watcher: str) -> Event:
    """Something was seen by ``watcher``."""
    body = _adapter(Sighting).dump_python(seen, mode="json", exclude={"probe"}) | {"watcher": watcher}
    if seen.way is None:
        del body["way"]
    body |= {
        "detail": truncate(seen.detail),
        "message_id": seen.message_id and truncate(seen.message_id, _LONGEST_NAME),
    }
    return Event(EventKind.SIGHTING, at, body, seen.probe)


def flood(at: datetime, of: Flood, count: int, since: datetime) -> Event:
    """From ``since`` on ``count`` sightings were handed in that are not kept, since many like them are."""
    body = {"channel": of.channel, "queue": of.queue, "role": of.role.value, "why": of.why.value}
    return Event(EventKind.FLOOD, at, body | {"count": count, "since": timestamp(since)}, of.probe)


def deadline(probe: str, at: datetime, result: DeadlineResult, outcome: Outcome) -> Event:
    """What the arrival deadline found: decided once, and never corrected."""
    return Event(EventKind.DEADLINE, at, {"result": result.value, "outcome": outcome.value}, probe)


def confirm(probe: str, at: datetime, channel: str, due: datetime) -> Event:
    """A probe went wrong, and another one is owed at ``due`` to see whether it stays so."""
    return Event(EventKind.CONFIRM, at, {"channel": channel, "due": timestamp(due)}, probe)


def finished(probe: str, at: datetime, verdict: Verdict) -> Event:
    """A probe ended: nothing that may still be seen changes what it came to, or what became of what it owed."""
    body = {
        "outcome": verdict.outcome.value if verdict.outcome else None,
        "place": verdict.place,
        "reason": truncate(verdict.reason),
        "stages": {stage.value: round(seconds, 6) for stage, seconds in verdict.stages.items()},
        "owed": write_owed(verdict.owed),
    }
    return Event(EventKind.FINISHED, at, body, probe)


def naming(ended: Event, own: Sequence[int]) -> Event:
    """The end of a probe, with the numbers of all its other events, and of the steps of our clock meanwhile.

    So whoever is shown the end knows whether anything is kept back.

    Of so many that they do not fit the first are named, and the others counted (``more``).
    """
    named = own[: NAMED_EVENTS.number]
    more = {"more": len(own) - len(named)} if len(named) < len(own) else {}
    return replace(ended, body={**ended.body, "events": list(named), **more})


def read_probe(event: Event) -> Probe:
    """The probe of a ``scheduled`` event."""
    body = {**event.body, "id": event.probe}
    body.pop("mark", None)
    return _adapter(Probe).validate_python(body)


def read_submission(event: Event) -> Submission:
    """The submission of a ``submitted`` event, without the contents of its artefacts."""
    body = {key: value for key, value in event.body.items() if key not in ("artefacts", "form")}
    return _adapter(Submission).validate_python(body)


def read_sighting(event: Event) -> Sighting:
    """The sighting of a ``sighting`` event."""
    body = {key: value for key, value in event.body.items() if key != "watcher"}
    return _adapter(Sighting).validate_python(body | {"probe": event.probe})


def write_owed(owed: Mapping[Stage, DeadlineResult | None]) -> dict[str, str | None]:
    """What became of the stages that were owed, as JSON can say it."""
    return {stage.value: result and result.value for stage, result in owed.items()}


def read_owed(owed: Mapping[str, str | None]) -> dict[Stage, DeadlineResult | None]:
    """What :func:`write_owed` wrote, as it was."""
    return {Stage(stage): DeadlineResult(result) if result else None for stage, result in owed.items()}


def _adapter(of: type[_Value]) -> TypeAdapter[_Value]:
    """What writes and reads values of a type; made when it is first needed, which takes its time."""
    return cast("TypeAdapter[_Value]", _made(cast("Any", of)))


@cache
def _made(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)
