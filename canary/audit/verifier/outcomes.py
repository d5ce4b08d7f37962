"""The verifier's own judge: whether what is said of a probe follows from what was known of it then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .findings import require
from .known import Known
from .log import Event
from .probes import first, place

FAULTS = ("trouble", "started")
"""The kinds of event that tell of a fault of the canary's: what went wrong, and that it had not been running."""

_ASTRAY = {"quarantine": "quarantined", "junk": "junked", "other": "wrong_queue", "monitored": "wrong_queue"}
"""What a report has come to that lies in such a place and not where it is expected; the first that fits."""
_OF_FAILURE = {"rejected": "rejected", "form_error": "form_error", "ours": "indeterminate"}
"""What a submission comes to that did not go through."""
_TOO_LATE = (("missed", "arrived"), ("missed", "indeterminate"), ("indeterminate", "arrived"))
"""What the deadline found, and what seems to follow in the end."""
_RESULTS = {"arrived": "met", "indeterminate": "indeterminate"}
"""What the deadline finds of an outcome; of all others that it was missed."""
_DECIMALS = 0.002
"""Seconds by which a latency may differ from its recomputation; the ledger keeps microseconds."""


def check_outcome(events: Sequence[Event], steps: Sequence[Event], faults: Sequence[Event]) -> None:
    """Whether what a probe is said to have come to follows from what was seen before it was said.

    ``steps`` are those of the canary's clock, ``faults`` the events of :data:`FAULTS`; of both those that the bundle
    has. Raises RefusedError.
    """
    finished, decided = first(events, "finished"), first(events, "deadline")
    before = decided.body["result"] if decided and finished and decided.seq < finished.seq else None
    if finished is not None:
        _check_agrees(finished.body["outcome"], before)
    if decided is not None:
        outcome, result = decided.body["outcome"], decided.body["result"]
        right = _RESULTS.get(outcome, "missed")
        require(result == right, f"was {result} at its deadline, and {outcome} is {right}")
        known = Known.before(decided, events, steps)
        _check_follows(outcome, known, None, _faults_during(events, decided, faults))
    if finished is not None:
        known, told = Known.before(finished, events, steps), _faults_during(events, finished, faults)
        _check_follows(finished.body["outcome"], known, before, told)
        _check_stages(finished.body["stages"], known)
        _check_owed(known, finished.body, told)


def indeterminate(events: Sequence[Event]) -> list[Event]:
    """The events that call something about a probe indeterminate: what a fault of the canary's is to be shown for."""
    said = [event for event in events if event.kind in ("deadline", "finished")]
    return [e for e in said if "indeterminate" in (e.body["outcome"], *e.body.get("owed", {}).values())]


def _faults_during(events: Sequence[Event], said: Event, faults: Sequence[Event]) -> bool:
    """Whether a fault was told between the probe's first event and what is said of it."""
    return any(events[0].seq < fault.seq < said.seq for fault in faults)


def _check_follows(outcome: str, known: Known, decided: str | None, fault: bool) -> None:
    """Whether an outcome is the one that what was ``known`` gives; ``decided`` is what the deadline found before."""
    natural, why, ours = _natural(known)
    right = natural
    if decided == "met":
        right = "arrived"
        require(bool(known.arrived()), f"is {outcome}, and was not seen in all of {_expected(known)}")
    elif (decided, natural) in _TOO_LATE:
        right = "late"  # it was read after the deadline without the report, whatever its stamp says
    unread = natural == "missing" or (natural == "wrong_queue" and _astray(known) is None)
    if outcome == "indeterminate" and unread:
        require(fault or ours, f"is indeterminate, and no fault of the canary's was told while it was under way; {why}")
        return
    require(outcome == right, f"is {outcome}, and {why}")
    told = outcome != "indeterminate" or ours or fault
    require(told, f"is indeterminate, and no fault of the canary's was told while it was under way; {why}")


def _natural(known: Known) -> tuple[str, str, bool]:
    """The outcome that follows, why, and whether its own events show a fault of the canary's."""
    submitted, arrived = known.submitted, known.arrived()
    if known.sent is None:
        return "indeterminate", "was never sent", False
    if arrived:
        return _of_arrival(known, arrived)
    failure = submitted.body["failure"] if submitted and not submitted.body["uncertain"] else None
    astray = _astray(known) or _left(known)
    if failure is not None and not (failure == "ours" and astray):
        return _OF_FAILURE[failure], f"its submission says {failure}", failure == "ours"
    if astray:
        return *astray, failure == "ours"
    where = f"was not seen in all of {_expected(known)}"
    if submitted is None:
        return "indeterminate", f"{where}, and its submission did not end", False
    if submitted.body["uncertain"] and submitted.body["failure"] != "form_error":
        return "indeterminate", f"{where}, and it is not known that it was sent", True
    return "missing", where, False


def _of_arrival(known: Known, arrived: Sequence[Event]) -> tuple[str, str, bool]:
    limit = known.scheduled.body["deadline"]
    took = {event.seq: known.latency(event) for event in arrived}
    longest = max(took.values())
    why = f"was seen in {_expected(known)}, and took {longest:.3f} s of {limit:.0f} s"
    late = [event for event in arrived if took[event.seq] > limit]
    if late:
        unseen = all(_unseen(event, took[event.seq], limit) for event in late)
        return ("indeterminate" if unseen else "late"), why, unseen
    if any(event.body["intact"] is False for event in arrived):
        return "altered", f"{why}, and was changed", False
    return "arrived", why, False


def _unseen(event: Event, took: float, limit: float) -> bool:
    """Whether what was noticed after a limit may have been there by then, as nobody looked."""
    return bool(event.body["source"] == "noticed" and took - event.body["uncertainty"] <= limit)


def _astray(known: Known) -> tuple[str, str] | None:
    """The outcome of what came back, or was seen in a wrong place."""
    if any(event.body["seen"] == "bounce" for event in known.genuine):
        return "bounced", "a bounce was seen"
    expected = known.scheduled.body["expected"]
    for role, outcome in _ASTRAY.items():
        for queue, of in _reports(known):
            if of == role and not (role == "monitored" and queue in expected):
                return outcome, f"was seen in {queue} ({role}) and not in all of {_expected(known)}"
    return None


def _left(known: Known) -> tuple[str, str] | None:
    """The outcome of what was seen on its way, in a mailbox that it was to be taken on from, and not beyond."""
    queue = next((queue for queue, role in _reports(known) if role == "transit"), None)
    return ("wrong_queue", f"was left in {queue}, and not seen in all of {_expected(known)}") if queue else None


def _reports(known: Known) -> list[tuple[str, str]]:
    """Where the report was seen: queue and role."""
    return [place(event) for event in known.genuine if event.body["seen"] == "report"]


def _expected(known: Known) -> str:
    return ", ".join(known.scheduled.body["expected"])


def _check_agrees(outcome: str, result: str | None) -> None:
    """Whether it ended as was decided at its deadline: met is arrived, missed is neither that nor our own fault."""
    if result is None:
        return
    right = (outcome == "arrived") is (result == "met") and (result != "missed" or outcome != "indeterminate")
    require(right, f"is {outcome} in the end, and was {result} at its deadline")


def _check_stages(said: Mapping[str, float], known: Known) -> None:
    """Whether each stage that it is said to have reached was seen, so many seconds after submission."""
    shown = known.stages()
    for stage, seconds in said.items():
        took = shown.get(stage, [])
        require(bool(took), f"is said to be {stage}, and nothing shows it")
        nearest = min(took, key=lambda one: abs(one - seconds))
        right = abs(seconds - nearest) <= _DECIMALS
        require(right, f"is said to have taken {seconds:.3f} s, and took {nearest:.3f} s until {stage}")


def _check_owed(known: Known, body: Mapping[str, Any], fault: bool) -> None:
    """Whether what is said of each stage that was owed fits when it was reached, if it was."""
    owed, said, stages = known.scheduled.body.get("owed", {}), body.get("owed", {}), body["stages"]
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
        if said[stage] == "indeterminate":
            ours = fault or body["outcome"] == "indeterminate" or _may_be_indeterminate(known, stage, limit)
            require(ours, f"calls {stage} indeterminate, which {when}, and no fault of the canary's was told")


def _may_be_indeterminate(known: Known, stage: str, limit: float) -> bool:
    """Whether its own events show why nothing can be said of a stage."""
    submitted = known.submitted
    if submitted is None or submitted.body["failure"] is not None or not _places(known, stage):
        return True
    shown = [event for event in known.genuine if known.stage(event) == stage]
    return any(_unseen(event, known.latency(event), limit) for event in shown)


def _places(known: Known, stage: str) -> bool:
    """Whether there is any place that could show a stage."""
    by_replies = stage in ("acknowledged", "answer_received") and known.scheduled.body["replies"] is not None
    return stage != "answer_received" or by_replies
