"""The judge: every outcome by an example, what counts as what, our own faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import (
    CPR,
    DEADLINE,
    DEEDS,
    DESK,
    GENERAL,
    GIVE_UP,
    HELD,
    JUNK,
    LEGAL,
    MESSAGE_ID,
    START,
    TICKETS,
    a_case,
    a_probe,
    after,
    done,
    refused,
    reply,
    report,
    taken,
    uncertain,
)
from judging import OVER, verdict

from canary.model import (
    Actor,
    Case,
    DeadlineResult,
    Failure,
    Forgery,
    Outcome,
    Role,
    Seen,
    Sighting,
    Stage,
)

# Every outcome

EXAMPLES: dict[Outcome, tuple[Case, str | None, str, DeadlineResult]] = {
    Outcome.ARRIVED: (a_case(report()), "cpr", "", DeadlineResult.MET),
    Outcome.LATE: (
        a_case(report(at=1000)),
        "cpr",
        "arrived 1000 s after submission, wanted 900 s",
        DeadlineResult.MISSED,
    ),
    Outcome.WRONG_QUEUE: (a_case(report(GENERAL)), "general", "seen in general; not in cpr", DeadlineResult.MISSED),
    Outcome.JUNKED: (a_case(report(JUNK)), "junk", "seen in junk; not in cpr", DeadlineResult.MISSED),
    Outcome.QUARANTINED: (a_case(report(HELD)), "held", "seen in held; not in cpr", DeadlineResult.MISSED),
    Outcome.BOUNCED: (a_case(reply(Seen.BOUNCE)), "mine", "their words", DeadlineResult.MISSED),
    Outcome.REJECTED: (
        a_case(submission=refused(Failure.REJECTED)),
        None,
        "rejected with these words",
        DeadlineResult.MISSED,
    ),
    Outcome.FORM_ERROR: (
        a_case(submission=refused(Failure.FORM_ERROR)),
        None,
        "form_error with these words",
        DeadlineResult.MISSED,
    ),
    Outcome.ALTERED: (
        a_case(report(intact=False, detail="an attachment is gone")),
        "cpr",
        "an attachment is gone",
        DeadlineResult.MISSED,
    ),
    Outcome.MISSING: (a_case(), "cpr", "not seen anywhere within 900 s", DeadlineResult.MISSED),
    Outcome.INDETERMINATE: (
        a_case(submission=refused(Failure.OURS)),
        None,
        "ours with these words",
        DeadlineResult.INDETERMINATE,
    ),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_case(outcome: Outcome) -> None:
    case, place, reason, deadline = EXAMPLES[outcome]
    found = verdict(case, at=GIVE_UP)
    assert (found.outcome, found.place, found.reason, found.deadline) == (outcome, place, reason, deadline)
    assert found.final


def test_before_anything_was_seen_it_is_waited_for() -> None:
    found = verdict(a_case(), at=DEADLINE - 1)
    assert (found.outcome, found.deadline, found.final, found.reason) == (None, None, False, "waiting")


def test_an_arrival_is_told_at_once_and_counted_at_the_deadline() -> None:
    early, due = verdict(a_case(report()), at=11), verdict(a_case(report()), at=DEADLINE)
    assert (early.outcome, early.deadline, early.final) == (Outcome.ARRIVED, None, False)
    assert (due.outcome, due.deadline, due.final) == (Outcome.ARRIVED, DeadlineResult.MET, True)


@pytest.mark.parametrize("failure", Failure)
def test_a_refusal_is_final_at_once(failure: Failure) -> None:
    found = verdict(a_case(submission=refused(failure)), at=1)
    wanted = DeadlineResult.INDETERMINATE if failure is Failure.OURS else DeadlineResult.MISSED
    assert (found.final, found.deadline) == (True, wanted)


def test_what_is_missing_or_misplaced_may_still_arrive_late() -> None:
    for case in (a_case(), a_case(report(JUNK))):
        assert not verdict(case).final
        later = case.with_sighting(report(at=5000, number=2))
        assert verdict(later, at=5001).outcome is Outcome.LATE
        assert verdict(later, at=5001).deadline is DeadlineResult.MISSED


def test_the_deadline_itself_is_in_time() -> None:
    assert verdict(a_case(report(at=DEADLINE))).outcome is Outcome.ARRIVED
    assert verdict(a_case(report(at=DEADLINE + 0.001))).outcome is Outcome.LATE


# What arrived means


@pytest.mark.parametrize("seen", [Seen.ACKNOWLEDGEMENT, Seen.ANSWER, Seen.OUT_OF_OFFICE, Seen.DELIVERY_NOTICE])
def test_nothing_that_is_only_said_to_the_sender_is_an_arrival(seen: Seen) -> None:
    assert verdict(a_case(reply(seen))).outcome is Outcome.MISSING


def test_the_monitored_queue_of_another_channel_is_a_wrong_queue() -> None:
    found = verdict(a_case(report(LEGAL)))
    assert (found.outcome, found.place) == (Outcome.WRONG_QUEUE, "legal")


def test_a_queue_counts_only_in_its_monitored_role() -> None:
    found = verdict(a_case(report(replace(CPR, role=Role.JUNK))))
    assert (found.outcome, found.stages) == (Outcome.JUNKED, {Stage.ACCEPTED: 0.5})


def test_an_alias_has_arrived_when_every_member_has_it() -> None:
    both = ("cpr", "legal")
    one = a_case(report(CPR), expected=both)
    found = verdict(one)
    assert (found.outcome, found.place) == (Outcome.MISSING, "legal")
    assert found.reason == "seen in 1 of 2 queues; not in legal"
    assert Stage.ARRIVED not in found.stages
    all_of_them = verdict(one.with_sighting(report(LEGAL, at=30)))
    assert (all_of_them.outcome, all_of_them.place) == (Outcome.ARRIVED, "legal")
    assert all_of_them.stages[Stage.ARRIVED] == 30
    assert verdict(one.with_sighting(report(LEGAL, at=OVER)), at=2000).outcome is Outcome.LATE
    assert verdict(one.with_sighting(report(JUNK))).outcome is Outcome.JUNKED
    changed = one.with_sighting(report(LEGAL, intact=False, detail="cut off"))
    assert (verdict(changed).outcome, verdict(changed).reason) == (Outcome.ALTERED, "cut off")


@pytest.mark.parametrize("at", [1, DEADLINE, OVER])
def test_what_one_hop_sends_back_does_not_undo_a_report_that_is_in_the_queue(at: float) -> None:
    both = verdict(a_case(report(), reply(Seen.BOUNCE, at=at)), at=2000)
    assert (both.outcome, both.deadline, both.reason) == (
        Outcome.ARRIVED,
        DeadlineResult.MET,
        "sent back from elsewhere: their words",
    )
    changed = verdict(a_case(report(intact=False, detail="cut off"), reply(Seen.BOUNCE, at=at)), at=2000)
    assert (changed.outcome, changed.reason) == (Outcome.ALTERED, "cut off")
    late = verdict(a_case(report(at=OVER), reply(Seen.BOUNCE, at=at)), at=2000)
    assert late.outcome is Outcome.LATE


def test_a_report_in_one_of_two_queues_that_was_sent_back_too_is_told_with_both() -> None:
    one = a_case(report(), reply(Seen.BOUNCE), expected=frozenset({"cpr", "legal"}))
    assert (verdict(one).outcome, verdict(one).reason) == (Outcome.BOUNCED, "their words; seen in cpr")


@pytest.mark.parametrize("seen", [Seen.DELAY_NOTICE, Seen.UNSURE])
def test_a_delay_and_what_is_unsure_change_no_outcome(seen: Seen) -> None:
    arrived = verdict(a_case(report(), reply(seen)))
    assert (arrived.outcome, arrived.stages) == (Outcome.ARRIVED, verdict(a_case(report())).stages)
    missing = verdict(a_case(reply(seen)))
    assert (missing.outcome, missing.stages) == (Outcome.MISSING, verdict(a_case()).stages)
    assert "their words" in missing.reason


def test_the_reason_tells_of_leave_and_of_delay() -> None:
    away = reply(Seen.OUT_OF_OFFICE, number=101, detail="back on 2 May")
    slow = reply(Seen.DELAY_NOTICE, number=102, detail="451 try again")
    assert (
        verdict(a_case(slow, away)).reason
        == "not seen anywhere within 900 s; out of office: back on 2 May; delayed: 451 try again"
    )


def test_replies_are_stages() -> None:
    case = a_case(report(), reply(Seen.ACKNOWLEDGEMENT, at=12, number=101), reply(Seen.ANSWER, at=600, number=102))
    assert verdict(case).stages == {
        Stage.ACCEPTED: 0.5,
        Stage.ARRIVED: 10,
        Stage.ACKNOWLEDGED: 12,
        Stage.ANSWER_RECEIVED: 600,
    }


def in_tickets(*sightings: Sighting) -> dict[Stage, float]:
    """The stages of a report that arrived in a ticket queue, without those that it had by then."""
    stages = verdict(a_case(report(TICKETS, message_id=None), *sightings, expected=("tickets",))).stages
    assert (stages.pop(Stage.ACCEPTED), stages.pop(Stage.ARRIVED)) == (0.5, 10)
    return stages


def test_what_is_held_back_and_released_has_arrived_once_it_comes() -> None:
    released = done(Seen.CLOSED, None, at=60, place=HELD, message_id=MESSAGE_ID)
    held = verdict(a_case(report(HELD), released))
    assert (held.outcome, held.forged, held.stages) == (Outcome.QUARANTINED, {}, {Stage.ACCEPTED: 0.5})
    came = verdict(a_case(report(HELD), released, report(at=100)))
    assert (came.outcome, came.forged) == (Outcome.ARRIVED, {})
    assert came.stages == {Stage.ACCEPTED: 0.5, Stage.ARRIVED: 100}


def test_what_is_done_with_it_where_the_message_id_is_told_are_stages() -> None:
    shows = replace(TICKETS, message_id=True)
    deeds = [done(Seen.PICKED_UP, at=60, place=shows, message_id=MESSAGE_ID)]
    deeds += [done(Seen.CLOSED, at=80, place=shows, message_id=MESSAGE_ID)]
    stages = verdict(a_case(report(shows), *deeds, expected=("tickets",))).stages
    assert (stages[Stage.PICKED_UP], stages[Stage.CLOSED]) == (60, 80)


def test_what_is_done_with_it_in_its_queue_are_stages() -> None:
    deeds = [
        done(Seen.ACKNOWLEDGEMENT, Actor.MACHINE, at=11),
        done(Seen.PICKED_UP, Actor.HUMAN, at=60),
        done(Seen.ANSWER, Actor.HUMAN, at=500),
        done(Seen.CLOSED, Actor.MACHINE, at=800),
        reply(Seen.ANSWER, at=501, number=102, by=Actor.HUMAN),
    ]
    assert in_tickets(*deeds) == {
        Stage.ACKNOWLEDGED: 11,
        Stage.PICKED_UP: 60,
        Stage.ANSWERED: 500,
        Stage.ANSWER_RECEIVED: 501,
        Stage.CLOSED: 800,
    }


@pytest.mark.parametrize(
    ("sighting", "stages"),
    [
        (done(Seen.PICKED_UP, Actor.HUMAN), {Stage.PICKED_UP: 20}),
        (done(Seen.PICKED_UP, Actor.MACHINE), {}),
        (done(Seen.PICKED_UP, None), {}),
        (done(Seen.ANSWER, Actor.MACHINE), {Stage.ACKNOWLEDGED: 20}),
        (done(Seen.ANSWER, None), {Stage.ACKNOWLEDGED: 20}),
        (done(Seen.CLOSED, Actor.HUMAN), {Stage.CLOSED: 20}),
        (done(Seen.CLOSED, Actor.MACHINE), {Stage.CLOSED: 20}),
        (done(Seen.CLOSED, None), {Stage.CLOSED: 20}),
        (reply(Seen.ANSWER, by=Actor.MACHINE), {Stage.ACKNOWLEDGED: 20}),
        (reply(Seen.ANSWER), {Stage.ANSWER_RECEIVED: 20}),
        (done(Seen.PICKED_UP, place=DESK), {}),
        (done(Seen.ANSWER, place=CPR), {}),
        (reply(Seen.OUT_OF_OFFICE), {}),
    ],
)
def test_who_did_it_and_where_says_what_it_counts_for(sighting: Sighting, stages: dict[Stage, float]) -> None:
    assert in_tickets(sighting) == stages
    case = a_case(report(TICKETS, message_id=None), sighting, expected=("tickets",))
    assert not verdict(case).forged


def test_what_a_human_did_after_a_machine_is_no_copy_of_it() -> None:
    assert in_tickets(done(Seen.PICKED_UP, Actor.MACHINE, at=11), done(Seen.PICKED_UP, at=60)) == {Stage.PICKED_UP: 60}


@pytest.mark.parametrize(
    "again", [{"place": replace(TICKETS, whole=True)}, {"by": Actor.HUMAN}], ids=["its place tells more", "moved back"]
)
def test_a_report_that_is_seen_again_where_it_stands_is_no_copy_of_itself(again: dict[str, Any]) -> None:
    first = replace(report(TICKETS, where="7"), by=Actor.MACHINE)
    later = replace(first, arrived_at=after(5000), noticed_at=after(5000), **again)
    found = verdict(a_case(first, later, expected=("tickets",)), 6000)
    assert (found.outcome, found.duplicates, found.forged) == (Outcome.ARRIVED, 0, {})
    other = replace(later, where="8")
    assert verdict(a_case(first, other, expected=("tickets",)), 6000).forged == {Forgery.REPLAYED: 1}


def test_what_is_done_with_a_report_is_no_arrival_of_it() -> None:
    found = verdict(a_case(*(done(seen) for seen in DEEDS), expected=("tickets",)))
    assert (found.outcome, found.place, found.duplicates) == (Outcome.MISSING, "tickets", 0)
    assert Stage.ARRIVED not in found.stages


def test_further_copies_are_counted_and_change_nothing() -> None:
    case = a_case(report(), report(at=12, number=2), report(at=11, number=3), report(at=12, number=2))
    found = verdict(case)
    assert (found.outcome, found.duplicates, found.forged) == (Outcome.ARRIVED, 2, {})
    assert found.stages[Stage.ARRIVED] == 10


def test_the_same_bytes_stored_twice_are_two_copies_and_under_new_numbers_the_same_one() -> None:
    case = a_case(report(where="7", generation=1), report(where="8", generation=1), report(where="1", generation=2))
    assert verdict(case).duplicates == 1


# Our own faults


def test_a_queue_that_could_not_be_read_is_waited_for_and_then_indeterminate() -> None:
    unread = {"junk": after(2 * DEADLINE), "cpr": after(DEADLINE - 1)}
    waiting, given_up = verdict(a_case(), GIVE_UP - 1, unread), verdict(a_case(), GIVE_UP, unread)
    assert (waiting.outcome, waiting.deadline) == (None, None)
    assert (given_up.outcome, given_up.deadline) == (Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)
    assert waiting.reason == given_up.reason == "cpr could not be read since the deadline"


def test_an_unreadable_queue_of_an_alias_is_not_missing_either() -> None:
    case = a_case(report(CPR), expected=("cpr", "legal"))
    assert verdict(case, GIVE_UP - 1, {"cpr": after(GIVE_UP - 1)}).outcome is None
    found = verdict(case, GIVE_UP, {"cpr": after(GIVE_UP)})
    assert (found.outcome, found.reason) == (
        Outcome.INDETERMINATE,
        "legal could not be read since the deadline",
    )


@pytest.mark.parametrize("case", [a_case(submission=uncertain()), Case(a_probe(), START, "<report@probe.example>")])
def test_what_may_never_have_been_sent_has_arrived_if_it_is_seen_and_is_indeterminate_if_not(case: Case) -> None:
    assert verdict(case, DEADLINE - 1).outcome is None
    found = verdict(case, DEADLINE + 60)
    assert (found.outcome, found.deadline) == (Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)
    assert found.reason.startswith("not seen, and it is not known that it was sent: ")
    assert verdict(case.with_sighting(report())).outcome is Outcome.ARRIVED
    assert verdict(case.with_sighting(report(JUNK))).outcome is Outcome.JUNKED


def test_what_a_form_left_without_an_answer_is_missing_where_it_is_not_seen() -> None:
    silent = replace(uncertain(), failure=Failure.FORM_ERROR, reason="no answer within 30 s")
    case = a_case(submission=silent)
    assert verdict(case, DEADLINE - 1).outcome is None
    found = verdict(case)
    assert (found.outcome, found.deadline, found.final) == (Outcome.MISSING, DeadlineResult.MISSED, False)
    assert found.reason.startswith("no answer within 30 s; not seen anywhere within ")
    assert verdict(case.with_sighting(report())).outcome is Outcome.ARRIVED
    assert verdict(case.with_sighting(report(at=DEADLINE + 60)), DEADLINE + 90).outcome is Outcome.LATE
    ours = a_case(submission=replace(silent, failure=Failure.OURS))
    assert verdict(ours).outcome is Outcome.INDETERMINATE


def test_what_may_still_be_being_submitted_is_waited_for() -> None:
    case = Case(a_probe(), START, "<report@probe.example>")
    assert (verdict(case, DEADLINE + 59).outcome, verdict(case, DEADLINE + 59).deadline) == (None, None)


def test_what_was_scheduled_and_never_sent_is_our_fault() -> None:
    case = Case(a_probe())
    assert (verdict(case, 1).outcome, verdict(case, 1).final) == (None, False)
    assert (verdict(case).outcome, verdict(case).final) == (Outcome.INDETERMINATE, True)


def test_taken_is_not_arrived() -> None:
    found = verdict(a_case(submission=taken()), at=10)
    assert (found.outcome, found.stages) == (None, {Stage.ACCEPTED: 0.5})
