"""The events of a probe, as the ledger's own functions write them, with ``%(name)s`` where a probe's own value goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from canary.ledger import Event, EventKind
from canary.ledger import events as record
from canary.model import (
    Component,
    DeadlineResult,
    Failure,
    Outcome,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Stage,
    Submission,
    TimeSource,
    Verdict,
)

DEADLINE, GIVE_UP = 900.0, 86_400.0
AT_ONCE_ENDED = (Outcome.REJECTED, Outcome.FORM_ERROR, Outcome.INDETERMINATE)
_ROLES = {"cpr": Role.MONITORED, "cpr-junk": Role.JUNK, "quarantine": Role.QUARANTINE, "general": Role.OTHER}

AT = datetime(2001, 1, 1, 1, 1, 1, 111111, UTC)
WHEN = record.timestamp(AT)
SEQ = "1000000007"
_DUE, _ARRIVED_AT, _NOTICED_AT, _AGAIN = (AT + timedelta(days=days) for days in (1, 2, 3, 4))
MARK = "%sabcdefghijklmnopqrstuvwx"
_LATENCY = 0.123454


def template(event: Event) -> str:
    """The canonical form with ``%(name)s`` where a probe's own value goes."""
    text = replace(event, seq=int(SEQ)).canonical().decode()
    for name in ("name", "channel", "kind", "sender", "variant", "mark", "place", "reason", "outcome"):
        text = text.replace(f"<{name}>", f"%({name})s")
    for name, at in (("due", _DUE), ("arrived", _ARRIVED_AT), ("noticed", _NOTICED_AT), ("again", _AGAIN)):
        text = text.replace(record.timestamp(at), f"%({name})s")
    return text.replace(str(_LATENCY), "%(latency)s").replace('"blind":false', '"blind":%(blind)s')


def _sighting(seen: Seen, place: Place) -> str:
    sighting = Sighting(
        seen=seen, probe="<name>", place=place, arrived_at=_ARRIVED_AT, source=TimeSource.RECEIVED, uncertainty=1.5,
        noticed_at=_NOTICED_AT, message=sha256(place.queue.encode()).hexdigest(), message_id="<<name>@probe.example>",
        intact=True if seen is Seen.REPORT else None, detail="" if seen is Seen.REPORT else "<reason>", where="4711",
        generation=1,
    )  # fmt: skip
    return template(record.sighting(AT, sighting, "desk"))


def _finished(outcome: Outcome) -> str:
    stages = {} if outcome in AT_ONCE_ENDED else {Stage.ACCEPTED: 0.512345}
    if outcome in (Outcome.ARRIVED, Outcome.LATE):
        stages[Stage.ARRIVED] = _LATENCY
    place = None if outcome in AT_ONCE_ENDED else "<place>"
    return template(record.finished("<name>", AT, Verdict(outcome, None, True, place, "<reason>", stages, 0, {})))


def _submission(failure: Failure | None) -> str:
    ours = failure is Failure.OURS
    submission = Submission(
        at=_DUE, accepted=failure is None, seconds=0.512345, failure=failure,
        reason="250 2.0.0 Ok: queued as 4F1C2D3E4A" if failure is None else "<reason>",
        reference="4F1C2D3E4A" if failure is None else None, component=Component.SMTP if ours else None,
        own_reason="refused" if ours else None, steps=(("connect", 0.101234), ("data", 0.401234)),
    )  # fmt: skip
    kept = {"transcript": sha256(b"transcript").hexdigest()}
    return template(record.submitted("<name>", AT, submission, kept))


_REPLIES = Place("researcher-replies", Role.REPLIES)
STARTED = template(Event(EventKind.STARTED, AT, {"version": "0.1.0", "configuration": "c" * 64}))
STOPPED = template(Event(EventKind.STOPPED, AT, {}))
SCHEDULED = template(
    record.scheduled(
        Probe("<name>", "<channel>", "<kind>", "<sender>", "<variant>", _DUE, frozenset({"cpr"}), DEADLINE, GIVE_UP,
              in_turn=True),
        "<mark>",
    )
).replace(WHEN, "%(due)s").replace('"configured":0', '"configured":%(configured)s')  # fmt: skip
SUBMITTING = template(record.submitting("<name>", AT, "<<name>@probe.example>", sha256(b"payload").hexdigest()))
TAKEN = _submission(None)
SUBMITTED = {
    Outcome.REJECTED: _submission(Failure.REJECTED),
    Outcome.FORM_ERROR: _submission(Failure.FORM_ERROR),
    Outcome.INDETERMINATE: _submission(Failure.OURS),
}
SIGHTING = {queue: _sighting(Seen.REPORT, Place(queue, role)) for queue, role in _ROLES.items()}
BOUNCE, ANSWER = _sighting(Seen.BOUNCE, _REPLIES), _sighting(Seen.ANSWER, _REPLIES)
CONFIRM = template(record.confirm("<name>", AT, "<channel>", _AGAIN))
DECIDED = {
    result: template(Event(EventKind.DEADLINE, AT, {"result": result.value, "outcome": "<outcome>"}, "<name>"))
    for result in DeadlineResult
}
FINISHED = {outcome: _finished(outcome) for outcome in Outcome}
