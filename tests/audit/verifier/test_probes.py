"""The verifier's own judge: whatever the canary's judge says of any case at all follows from its events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import BEFORE, DEADLINE, GIVE_UP, MINE, PLACES, START, TICKETS, a_case, after, cases, done, reply, report
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from canary.audit.verifier import log, outcomes, probes
from canary.audit.verifier.findings import RefusedError
from canary.judge import judge
from canary.ledger import Event
from canary.ledger import events as record
from canary.model import Actor, Case, Outcome, Seen, Stage

ages = st.sampled_from([DEADLINE, 2 * DEADLINE, GIVE_UP, 2 * GIVE_UP])
looks = st.dictionaries(st.sampled_from([place.queue for place in PLACES]), ages.map(after))


def told(case: Case, age: float, looked: dict[str, datetime], **said: object) -> list[log.Event]:
    """The events of a case that is judged so many seconds after it began, as a bundle has them."""
    return [_read(replace(event, seq=seq)) for seq, event in enumerate(_told(case, age, looked, said), start=1)]


FAULT = log.Event(1.5, START, "trouble", {}, None)  # type: ignore[arg-type]  # just behind the first event


def _told(case: Case, age: float, looked: dict[str, datetime], said: dict[str, object]) -> Iterator[Event]:
    probe, now = case.probe, after(age)
    yield record.scheduled(probe, "m" * 40)
    if case.submitting_at:
        yield record.submitting(probe.id, case.submitting_at, case.message_id, "0" * 64)
    if case.submission:
        yield record.submitted(probe.id, now, case.submission, {})
    for sighting in case.sightings:
        yield record.sighting(now, sighting, "a watcher")
    verdict = judge(case, now, looked)
    if verdict.deadline is not None and verdict.outcome is not None:
        yield record.deadline(probe.id, now, verdict.deadline, verdict.outcome)
    if verdict.final:
        finished = record.finished(probe.id, now, verdict)
        yield Event(finished.kind, now, {**finished.body, **said}, probe.id)


def _read(event: Event) -> log.Event:
    whole = json.loads(event.canonical())
    return log.Event(whole["seq"], event.at, whole["kind"], whole["body"], whole.get("probe"))


def distinct(case: Case) -> bool:
    """Whether no two copies in a queue came at once: which of them was the first, each judge says by itself."""
    found = [(s.place.queue, s.arrived_at, s.noticed_at) for s in case.sightings if s.seen is Seen.REPORT]
    return len(found) == len(set(found))


@settings(max_examples=500)
@given(cases, ages, looks)
def test_what_the_judge_says_of_any_case_is_accepted(case: Case, age: float, looked: dict[str, datetime]) -> None:
    assume(distinct(case) and (case.submitting_at or not case.submission))
    outcomes.check_outcome(told(case, age, looked), [], [FAULT])


@settings(max_examples=500)
@given(cases, ages, looks, st.sampled_from(Outcome))
def test_what_the_judge_does_not_say_is_refused(
    case: Case, age: float, looked: dict[str, datetime], other: Outcome
) -> None:
    """But that a report which was not seen is missing, or that nothing can be said of it: that rests on our faults."""
    assume(distinct(case) and case.submitting_at)
    events = told(case, age, looked, outcome=other)
    said = judge(case, after(age), looked)
    assume(said.final and said.outcome not in (other, None))
    unseen = (
        Outcome.WRONG_QUEUE
        if said.reason.endswith("; seen in before") or said.place == BEFORE.queue
        else Outcome.MISSING
    )
    if {said.outcome, other} == {unseen, Outcome.INDETERMINATE}:
        assume(other is Outcome.INDETERMINATE)  # which the deadline speaks against
    with pytest.raises(RefusedError, match=f"is {other}"):
        outcomes.check_outcome(events, [], [FAULT])


READ = {place.queue: after(GIVE_UP) for place in PLACES}
IN_TICKETS = report(TICKETS, message_id=None)


@pytest.mark.parametrize(
    ("seen", "stage"),
    [
        (None, Stage.PICKED_UP),
        (done(Seen.PICKED_UP, Actor.MACHINE), Stage.PICKED_UP),
        (done(Seen.PICKED_UP, None), Stage.PICKED_UP),
        (done(Seen.PICKED_UP, place=MINE), Stage.PICKED_UP),
        (done(Seen.PICKED_UP, place=PLACES[0], message_id="<another@probe.example>"), Stage.PICKED_UP),
        (done(Seen.ANSWER, Actor.MACHINE), Stage.ANSWERED),
        (done(Seen.ANSWER, Actor.HUMAN), Stage.ANSWER_RECEIVED),
        (reply(Seen.ANSWER, by=Actor.HUMAN), Stage.ANSWERED),
        (reply(Seen.ANSWER, by=Actor.MACHINE), Stage.ANSWER_RECEIVED),
        (reply(Seen.OUT_OF_OFFICE), Stage.ACKNOWLEDGED),
        (done(Seen.CLOSED, place=MINE), Stage.CLOSED),
    ],
)
def test_a_stage_that_nothing_shows_is_refused(seen: object, stage: Stage) -> None:
    sightings = [seen] if seen else []
    case = a_case(IN_TICKETS, *sightings, expected=("tickets",))  # type: ignore[arg-type]  # what is parametrized
    with pytest.raises(RefusedError, match=f"is said to be {stage}, and nothing shows it"):
        outcomes.check_outcome(
            told(case, GIVE_UP, READ, stages={"accepted": 0.5, "arrived": 10, stage: 20}), [], [FAULT]
        )


OWING = {Stage.PICKED_UP: 60.0, Stage.ANSWER_RECEIVED: 600.0}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "owed answer_received, picked_up, and tells of nothing"),
        (
            {"picked_up": "met", "answer_received": "missed", "closed": "met"},
            "and tells of answer_received, closed, picked_up",
        ),
        ({"picked_up": "met", "answer_received": "met"}, "said to have met answer_received, which was not reached"),
        ({"picked_up": "missed", "answer_received": "missed"}, r"missed picked_up, which took 20\.000 s of 60 s"),
        ({"picked_up": None, "answer_received": "missed"}, "says None of picked_up"),
    ],
)
def test_what_is_said_of_a_stage_that_was_owed_fits_when_it_was_reached(
    said: dict[str, str | None], reason: str
) -> None:
    case = a_case(IN_TICKETS, done(Seen.PICKED_UP, at=20), expected=("tickets",), owed=OWING)
    outcomes.check_outcome(told(case, GIVE_UP, READ), [], [FAULT])
    with pytest.raises(RefusedError, match=reason):
        outcomes.check_outcome(told(case, GIVE_UP, READ, owed=said), [], [FAULT])


def test_a_probe_may_take_as_long_as_what_it_owes() -> None:
    case = a_case(IN_TICKETS, expected=("tickets",), owed={Stage.PICKED_UP: GIVE_UP})
    events = told(case, GIVE_UP, {})
    assert "finished" not in {event.kind for event in events}
    tolerance = timedelta(seconds=60)
    probes.check_complete(events, after(2 * GIVE_UP), tolerance)
    with pytest.raises(RefusedError, match="has no result, which was due by"):
        probes.check_complete(events, after(2 * GIVE_UP + 61), tolerance)


def test_a_stage_that_was_reached_sooner_than_seen_is_refused() -> None:
    case = a_case(IN_TICKETS, done(Seen.PICKED_UP, at=60), expected=("tickets",))
    outcomes.check_outcome(told(case, GIVE_UP, READ), [], [FAULT])
    stages = {"accepted": 0.5, "arrived": 10, "picked_up": 6}
    with pytest.raises(RefusedError, match=r"taken 6\.000 s, and took 60\.000 s until picked_up"):
        outcomes.check_outcome(told(case, GIVE_UP, READ, stages=stages), [], [FAULT])
