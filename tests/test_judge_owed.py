"""What a probe owes after its arrival: met, missed, our own fault, or still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from builders import (
    DEADLINE,
    GIVE_UP,
    TICKETS,
    a_case,
    a_probe,
    after,
    done,
    refused,
    reply,
    report,
    uncertain,
)
from judging import OVER, verdict

from canary.model import (
    Case,
    DeadlineResult,
    Failure,
    Outcome,
    Seen,
    Sighting,
    Stage,
    Submission,
    TimeSource,
)

ALL_OWED = {stage: 1000.0 for stage in Stage if stage.may_be_owed}
REACHED = {
    Stage.ACKNOWLEDGED: reply(Seen.ACKNOWLEDGEMENT, at=800, number=101),
    Stage.PICKED_UP: done(Seen.PICKED_UP, at=800),
    Stage.ANSWERED: done(Seen.ANSWER, at=800),
    Stage.ANSWER_RECEIVED: reply(Seen.ANSWER, at=800, number=102),
}
MET, MISSED, OURS = DeadlineResult.MET, DeadlineResult.MISSED, DeadlineResult.INDETERMINATE


def owing(*sightings: Sighting, owed: Mapping[Stage, float] = ALL_OWED, submission: Submission | None = None) -> Case:
    """A probe into a ticket queue that owes further stages."""
    return a_case(*sightings, expected=("tickets",), owed=owed, submission=submission)


ARRIVED = report(TICKETS, message_id=None)


def test_what_is_owed_is_met_as_it_is_reached_and_then_nothing_is_waited_for() -> None:
    sightings = [ARRIVED]
    for stage, sighting in REACHED.items():
        before = verdict(owing(*sightings), at=950)
        assert (before.owed[stage], before.outcome, before.deadline, before.final) == (
            None,
            Outcome.ARRIVED,
            MET,
            False,
        )
        sightings.append(sighting)
        assert verdict(owing(*sightings), at=950).owed[stage] is MET
    whole = verdict(owing(*sightings), at=950)
    assert (whole.owed, whole.final) == (dict.fromkeys(ALL_OWED, MET), True)
    assert not verdict(owing(*sightings), at=DEADLINE - 1).final


@pytest.mark.parametrize("stage", ALL_OWED)
def test_the_limit_itself_is_in_time(stage: Stage) -> None:
    def found(at: float) -> DeadlineResult | None:
        there = replace(REACHED[stage], arrived_at=after(at), noticed_at=after(at))
        return verdict(owing(ARRIVED, there, owed={stage: 1000.0}), at=2000).owed[stage]

    assert (found(1000), found(1000.001)) == (MET, MISSED)


@pytest.mark.parametrize("stage", ALL_OWED)
def test_what_was_not_reached_by_its_limit_is_missed_once_every_place_that_would_show_it_was_read(stage: Stage) -> None:
    case = owing(ARRIVED, owed={stage: 1000.0})
    shown = {
        Stage.ACKNOWLEDGED: {"tickets", "mine"},
        Stage.ANSWER_RECEIVED: {"mine"},
    }.get(stage, {"tickets"})
    read_by_then = dict.fromkeys(shown, after(1000))
    assert (verdict(case, 999).owed, verdict(case, 999).final) == ({stage: None}, False)
    missed = verdict(case, 1001, read_by_then)
    assert (missed.owed, missed.outcome, missed.deadline, missed.final) == ({stage: MISSED}, Outcome.ARRIVED, MET, True)
    for queue in shown:
        unread = read_by_then | {queue: after(999)}
        assert verdict(case, GIVE_UP - 1, unread).owed == {stage: None}
        given_up = verdict(case, GIVE_UP, unread)
        assert (given_up.owed, given_up.deadline, given_up.final) == ({stage: OURS}, MET, True)


@pytest.mark.parametrize(("unread", "result"), [(199, MISSED), (200, OURS)])
def test_what_was_noticed_late_may_have_come_in_time_while_we_could_not_look(
    unread: float, result: DeadlineResult
) -> None:
    seen = replace(
        REACHED[Stage.PICKED_UP],
        arrived_at=after(1200),
        noticed_at=after(1200),
        source=TimeSource.NOTICED,
        uncertainty=unread,
    )
    found = verdict(owing(ARRIVED, seen, owed={Stage.PICKED_UP: 1000}), at=1300)
    assert (found.owed, found.stages[Stage.PICKED_UP]) == ({Stage.PICKED_UP: result}, 1200)
    dated = replace(seen, source=TimeSource.RECORD)
    assert verdict(owing(ARRIVED, dated, owed={Stage.PICKED_UP: 1000}), at=1300).owed == {Stage.PICKED_UP: MISSED}


def test_nothing_is_missed_where_nobody_could_see_it() -> None:
    case = owing(ARRIVED, owed={Stage.ANSWER_RECEIVED: 1000})
    blind = replace(case, probe=replace(case.probe, replies=None))
    assert verdict(blind, 1001).owed == {Stage.ANSWER_RECEIVED: None}
    assert verdict(blind, GIVE_UP - 1).owed == {Stage.ANSWER_RECEIVED: None}
    assert verdict(blind, GIVE_UP).owed == {Stage.ANSWER_RECEIVED: OURS}


def test_what_is_owed_does_not_move_the_deadline_of_the_arrival() -> None:
    case = a_case(report(), owed={Stage.ANSWER_RECEIVED: GIVE_UP})
    found = verdict(case, DEADLINE)
    assert (found.outcome, found.deadline, found.final) == (Outcome.ARRIVED, MET, False)
    late = verdict(a_case(owed={Stage.ACKNOWLEDGED: 60}), OVER)
    assert (late.outcome, late.deadline, late.owed) == (Outcome.MISSING, MISSED, {Stage.ACKNOWLEDGED: MISSED})


def test_a_stage_is_not_missed_while_nothing_can_be_said_of_the_report() -> None:
    case = a_case(owed={Stage.ACKNOWLEDGED: 60})
    assert verdict(case, DEADLINE - 1).owed == {Stage.ACKNOWLEDGED: None}
    assert verdict(case, GIVE_UP - 1, {"mine": after(GIVE_UP - 1)}).owed == {Stage.ACKNOWLEDGED: None}
    assert verdict(case, GIVE_UP, {"mine": after(GIVE_UP)}).owed == {Stage.ACKNOWLEDGED: OURS}


def test_a_report_that_is_missing_is_looked_for_until_the_end_though_all_that_is_owed_is_missed() -> None:
    case = owing()
    assert (verdict(case, 2000).owed, verdict(case, 2000).final) == (dict.fromkeys(ALL_OWED, MISSED), False)
    assert verdict(case, GIVE_UP).final


@pytest.mark.parametrize(
    ("failure", "result"), [(Failure.REJECTED, MISSED), (Failure.FORM_ERROR, MISSED), (Failure.OURS, OURS)]
)
def test_of_what_was_refused_nothing_more_can_come(failure: Failure, result: DeadlineResult) -> None:
    found = verdict(owing(submission=refused(failure)), at=1)
    assert (found.owed, found.final) == (dict.fromkeys(ALL_OWED, result), True)
    arrived = verdict(owing(ARRIVED, REACHED[Stage.PICKED_UP], submission=refused(failure)), at=900)
    assert arrived.final
    assert arrived.owed == {**dict.fromkeys(ALL_OWED, OURS), Stage.PICKED_UP: MET}


def test_what_was_never_sent_owes_nothing() -> None:
    found = verdict(Case(a_probe(owed=ALL_OWED)), DEADLINE)
    assert (found.owed, found.final) == (dict.fromkeys(ALL_OWED, OURS), True)


def test_what_may_never_have_been_sent_misses_nothing() -> None:
    case = owing(REACHED[Stage.ACKNOWLEDGED], submission=uncertain())
    found = verdict(case, 2000)
    assert found.outcome is Outcome.INDETERMINATE
    assert found.owed == {**dict.fromkeys(ALL_OWED, OURS), Stage.ACKNOWLEDGED: MET}
