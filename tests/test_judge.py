"""The judge: every outcome by an example, and what must hold for any case at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
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
    MINE,
    PLACES,
    START,
    TICKETS,
    a_case,
    a_probe,
    actors,
    after,
    cases,
    done,
    refused,
    reply,
    report,
    sightings,
    taken,
    uncertain,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.judge import REPLAY_AFTER, clock_offset, judge, latency, reached
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
    Submission,
    TimeSource,
    Verdict,
)

OVER = DEADLINE + 1


def read(until: float) -> dict[str, datetime]:
    """Every queue was read to its end, last so many seconds after sending began."""
    return {place.queue: after(until) for place in PLACES}


def verdict(case: Case, at: float = OVER, looked: Mapping[str, datetime] | None = None) -> Verdict:
    return judge(case, after(at), read(at) if looked is None else looked)


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


def test_a_bounce_in_time_speaks_against_an_arrival_and_a_later_one_does_not() -> None:
    arrived = a_case(report())
    assert verdict(arrived.with_sighting(reply(Seen.BOUNCE, at=DEADLINE))).outcome is Outcome.BOUNCED
    assert verdict(arrived.with_sighting(reply(Seen.BOUNCE, at=OVER)), at=2000).outcome is Outcome.ARRIVED


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
    waiting, given_up = verdict(a_case(), OVER, unread), verdict(a_case(), 2 * DEADLINE, unread)
    assert (waiting.outcome, waiting.deadline) == (None, None)
    assert (given_up.outcome, given_up.deadline) == (Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)
    assert waiting.reason == given_up.reason == "cpr could not be read since the deadline"


def test_an_unreadable_queue_of_an_alias_is_not_missing_either() -> None:
    case = a_case(report(CPR), expected=("cpr", "legal"))
    found = verdict(case, 2 * DEADLINE, {"cpr": after(2 * DEADLINE)})
    assert (found.outcome, found.reason) == (
        Outcome.INDETERMINATE,
        "legal could not be read since the deadline",
    )


@pytest.mark.parametrize("case", [a_case(submission=uncertain()), Case(a_probe(), START, "<report@probe.example>")])
def test_what_may_never_have_been_sent_has_arrived_if_it_is_seen_and_is_indeterminate_if_not(case: Case) -> None:
    assert verdict(case, DEADLINE - 1).outcome is None
    found = verdict(case)
    assert (found.outcome, found.deadline) == (Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)
    assert found.reason.startswith("not seen, and it is not known that it was sent: ")
    assert verdict(case.with_sighting(report())).outcome is Outcome.ARRIVED
    assert verdict(case.with_sighting(report(JUNK))).outcome is Outcome.JUNKED


def test_what_was_scheduled_and_never_sent_is_our_fault() -> None:
    case = Case(a_probe())
    assert (verdict(case, 1).outcome, verdict(case, 1).final) == (None, False)
    assert (verdict(case).outcome, verdict(case).final) == (Outcome.INDETERMINATE, True)


def test_the_mail_servers_clock_is_kept_within_what_we_know() -> None:
    ahead, behind = report(at=7000, noticed=30), report(at=-7000, noticed=30)
    assert latency(a_case(), ahead) == 30
    assert latency(a_case(), behind) == 0
    for sighting in (ahead, behind):
        assert verdict(a_case(sighting)).outcome is Outcome.ARRIVED


# Forgeries


@pytest.mark.parametrize("forgery", Forgery)
def test_a_forged_sighting_is_counted_and_is_no_arrival(forgery: Forgery) -> None:
    found = verdict(a_case(report(forgery=forgery)))
    assert (found.outcome, found.forged) == (Outcome.MISSING, {forgery: 1})


@pytest.mark.parametrize(
    "case",
    [
        a_case(report(message_id="<another@probe.example>")),
        a_case(report(MINE)),
        a_case(reply(Seen.BOUNCE, place=CPR)),
        a_case(reply(Seen.OUT_OF_OFFICE, place=TICKETS)),
        a_case(done(Seen.PICKED_UP, place=MINE)),
        a_case(done(Seen.CLOSED, place=MINE)),
        a_case(done(Seen.PICKED_UP, place=CPR, message_id="<another@probe.example>")),
        Case(a_probe(), sightings=(report(),)),
    ],
    ids=[
        "in another message",
        "in our own mailbox",
        "a bounce in their queue",
        "an absence in their queue",
        "picked up in our own mailbox",
        "closed in our own mailbox",
        "another message picked up",
        "of a probe that was never sent",
    ],
)
def test_a_genuine_mark_where_it_does_not_fit_is_a_replay(case: Case) -> None:
    found = verdict(case)
    assert found.forged == {Forgery.REPLAYED: 1}
    assert found.outcome in (Outcome.MISSING, Outcome.INDETERMINATE)


def test_a_copy_of_what_was_there_an_hour_ago_is_a_replay() -> None:
    again = report(at=10 + REPLAY_AFTER + 1, number=2)
    found = verdict(a_case(report(), again), at=2 * REPLAY_AFTER)
    assert (found.outcome, found.duplicates, found.forged) == (Outcome.ARRIVED, 0, {Forgery.REPLAYED: 1})


def test_a_form_writes_its_own_message_id() -> None:
    case = replace(a_case(report(message_id="<written@form.example>")), message_id=None)
    assert verdict(case).outcome is Outcome.ARRIVED


@pytest.mark.parametrize("shown", [None, "<another@probe.example>"])
def test_a_place_that_does_not_tell_the_message_id_is_not_asked_for_it(shown: str | None) -> None:
    case = a_case(report(TICKETS, message_id=shown), expected=("tickets",))
    assert (verdict(case).outcome, verdict(case).forged) == (Outcome.ARRIVED, {})
    assert reached(case) == {"tickets"}
    strict = a_case(report(message_id=shown))
    assert (verdict(strict).outcome, verdict(strict).forged) == (Outcome.MISSING, {Forgery.REPLAYED: 1})
    assert reached(strict) == set()


# What else is owed

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
        assert verdict(case, 1999, unread).owed == {stage: None}
        given_up = verdict(case, 2000, unread)
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
    assert verdict(blind, 2000).owed == {Stage.ANSWER_RECEIVED: OURS}


def test_what_is_owed_does_not_move_the_deadline_of_the_arrival() -> None:
    case = a_case(report(), owed={Stage.ANSWER_RECEIVED: GIVE_UP})
    found = verdict(case, DEADLINE)
    assert (found.outcome, found.deadline, found.final) == (Outcome.ARRIVED, MET, False)
    late = verdict(a_case(owed={Stage.ACKNOWLEDGED: 60}), DEADLINE)
    assert (late.outcome, late.deadline, late.owed) == (Outcome.MISSING, MISSED, {Stage.ACKNOWLEDGED: MISSED})


def test_a_stage_is_not_missed_while_nothing_can_be_said_of_the_report() -> None:
    case = a_case(owed={Stage.ACKNOWLEDGED: 60})
    assert verdict(case, DEADLINE - 1).owed == {Stage.ACKNOWLEDGED: None}
    assert verdict(case, 2 * DEADLINE, {"mine": after(2 * DEADLINE)}).owed == {Stage.ACKNOWLEDGED: OURS}


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


# What holds for any case

ages = st.sampled_from([0.0, 1.0, 600.0, DEADLINE - 1, DEADLINE, OVER, 2 * DEADLINE, 5000.0, GIVE_UP, 2 * GIVE_UP])
queues = [place.queue for place in PLACES]
looks = st.dictionaries(st.sampled_from(queues), ages.map(after))
forged = st.one_of(
    st.builds(lambda sighting, why: replace(sighting, forgery=why), sightings, st.sampled_from(Forgery)),
    st.builds(report, st.just(MINE), number=st.integers(0, 9)),
    st.builds(done, st.sampled_from([Seen.PICKED_UP, Seen.CLOSED]), actors, place=st.just(MINE)),
    st.builds(
        reply,
        st.sampled_from([Seen.BOUNCE, Seen.OUT_OF_OFFICE, Seen.DELAY_NOTICE, Seen.DELIVERY_NOTICE]),
        place=st.sampled_from([CPR, JUNK, GENERAL, TICKETS]),
    ),
    st.builds(report, st.sampled_from([CPR, LEGAL, JUNK]), message_id=st.just("<forged@evil.example>")),
    st.builds(
        done,
        st.sampled_from([Seen.PICKED_UP, Seen.CLOSED]),
        actors,
        place=st.sampled_from([CPR, LEGAL, JUNK]),
        message_id=st.just("<forged@evil.example>"),
    ),
)


def goodness(found: Verdict) -> int:
    """How well a case stands for the CA: arrived is best, late next, and nothing else is better than another."""
    if found.outcome in (Outcome.ARRIVED, Outcome.LATE):
        return 2 if found.outcome is Outcome.ARRIVED else 1
    return 0


@settings(max_examples=300)
@given(cases, ages, looks, st.randoms(use_true_random=False))
def test_the_order_of_sightings_never_changes_the_verdict(case: Case, age: float, looked: dict, chance) -> None:  # type: ignore[no-untyped-def, type-arg]
    mixed = list(case.sightings)
    chance.shuffle(mixed)
    assert verdict(replace(case, sightings=tuple(mixed)), age, looked) == verdict(case, age, looked)


@settings(max_examples=300)
@given(cases, ages, looks, forged)
def test_a_forged_or_replayed_sighting_changes_nothing_but_its_count(
    case: Case, age: float, looked: dict[str, datetime], sighting: Sighting
) -> None:
    case = replace(case, message_id="<report@probe.example>")
    before, later = verdict(case, age, looked), verdict(case.with_sighting(sighting), age, looked)
    assert goodness(later) <= goodness(before)
    assert replace(later, forged={}) == replace(before, forged={})
    assert sum(later.forged.values()) == sum(before.forged.values()) + 1


@settings(max_examples=300)
@given(cases, ages, ages, looks, looks)
def test_more_time_alone_changes_nothing_that_was_decided(
    case: Case, age: float, more: float, looked: dict[str, datetime], again: dict[str, datetime]
) -> None:
    later_looks = {
        queue: max(times) for queue in queues if (times := [d[queue] for d in (looked, again) if queue in d])
    }
    now, later = verdict(case, age, looked), verdict(case, age + more, later_looks)
    assert goodness(later) == goodness(now)
    assert later.stages == now.stages
    if now.outcome is not None and now.outcome is not Outcome.INDETERMINATE:
        assert (later.outcome, later.place, later.reason) == (now.outcome, now.place, now.reason)
    if now.deadline in (DeadlineResult.MET, DeadlineResult.MISSED):
        assert later.deadline is now.deadline
    for stage, result in now.owed.items():
        assert result in (None, DeadlineResult.INDETERMINATE, later.owed[stage])
        assert later.owed[stage] is not DeadlineResult.MET or result is DeadlineResult.MET
    if now.final:
        assert later.final


@given(cases, ages, ages, looks)
def test_more_time_without_a_look_changes_no_deadline_result(
    case: Case, age: float, more: float, looked: dict[str, datetime]
) -> None:
    now, later = verdict(case, age, looked), verdict(case, age + more, looked)
    if now.deadline is not None:
        assert later.deadline is now.deadline
    assert {stage: result for stage, result in now.owed.items() if result}.items() <= later.owed.items()


@given(cases, ages)
def test_a_queue_that_was_not_read_is_never_missing(case: Case, age: float) -> None:
    found = verdict(case, age, {})
    assert found.outcome is not Outcome.MISSING


@given(cases, ages)
def test_what_is_owed_is_missed_unread_only_where_it_was_refused_or_came_too_late(case: Case, age: float) -> None:
    found = verdict(case, age, {})
    for stage, result in found.owed.items():
        if result is DeadlineResult.MISSED:
            assert (
                found.outcome in (Outcome.REJECTED, Outcome.FORM_ERROR) or found.stages[stage] > case.probe.owed[stage]
            )


@given(cases, ages, looks)
def test_what_is_owed_fits_the_stages_and_the_outcome(case: Case, age: float, looked: dict[str, datetime]) -> None:
    found = verdict(case, age, looked)
    assert found.owed.keys() == case.probe.owed.keys()
    assert {stage for stage, result in found.owed.items() if result is DeadlineResult.MET} == {
        stage for stage, limit in case.probe.owed.items() if found.stages.get(stage, float("inf")) <= limit
    }
    if found.outcome in (None, Outcome.INDETERMINATE):
        assert DeadlineResult.MISSED not in found.owed.values()


@given(cases, ages, looks)
def test_what_else_is_owed_changes_nothing_of_the_arrival(case: Case, age: float, looked: dict[str, datetime]) -> None:
    found = verdict(case, age, looked)
    alone = verdict(replace(case, probe=replace(case.probe, owed={})), age, looked)
    assert replace(found, owed={}, final=alone.final) == alone
    assert found.final is (alone.final and None not in found.owed.values())


@given(cases, looks)
def test_every_probe_ends(case: Case, looked: dict[str, datetime]) -> None:
    assert verdict(case, 2 * GIVE_UP, looked).final


@given(cases, ages, looks)
def test_arrived_means_seen_whole_in_every_monitored_queue(case: Case, age: float, looked: dict[str, datetime]) -> None:
    if verdict(case, age, looked).outcome is Outcome.ARRIVED:
        seen = [s for s in case.sightings if s.seen is Seen.REPORT and not s.forgery and s.place.role is Role.MONITORED]
        assert case.probe.expected <= {s.place.queue for s in seen}
        assert case.submission is not None or case.submitting_at is not None


BY_A_HUMAN = {
    Stage.PICKED_UP: (Seen.PICKED_UP, False),
    Stage.ANSWERED: (Seen.ANSWER, False),
    Stage.ANSWER_RECEIVED: (Seen.ANSWER, True),
}


@settings(max_examples=300)
@given(cases, ages, looks)
def test_what_a_human_owes_was_seen_done_by_one_where_it_is_expected(
    case: Case, age: float, looked: dict[str, datetime]
) -> None:
    for stage in verdict(case, age, looked).stages.keys() & BY_A_HUMAN.keys():
        seen, back = BY_A_HUMAN[stage]
        done = [s for s in case.sightings if s.seen is seen and s.by is not Actor.MACHINE and not s.forgery]
        if back:
            assert [s for s in done if s.place.role is Role.REPLIES]
        else:
            there = [s for s in done if s.place.role is Role.MONITORED and s.place.queue in case.probe.expected]
            assert [s for s in there if s.by is Actor.HUMAN]


@given(cases, ages, looks)
def test_a_verdict_makes_sense(case: Case, age: float, looked: dict[str, datetime]) -> None:
    found = verdict(case, age, looked)
    assert all(0 <= seconds <= timedelta(days=2).total_seconds() for seconds in found.stages.values())
    assert (found.deadline is DeadlineResult.INDETERMINATE) == (found.outcome is Outcome.INDETERMINATE)
    assert found.final <= (found.outcome is not None)
    assert (found.deadline is DeadlineResult.MET) <= (found.outcome is Outcome.ARRIVED)


def test_taken_is_not_arrived() -> None:
    found = verdict(a_case(submission=taken()), at=10)
    assert (found.outcome, found.stages) == (None, {Stage.ACCEPTED: 0.5})


# Clocks


@given(st.floats(0, 10_000), st.floats(0, 10_000), st.floats(-1e6, 1e6), st.sampled_from([0.0, 0.5, 1.0]))
def test_a_clock_is_off_by_at_least_what_is_told(sent: float, took: float, off: float, uncertainty: float) -> None:
    """A report that arrived ``sent`` after submission and was noticed ``took`` later, by a clock that is ``off``."""
    seen = replace(report(at=sent + off, noticed=sent + took), uncertainty=uncertainty)
    told = clock_offset(a_case(), seen)
    assert abs(told) <= abs(off) + 1e-5
    assert told == 0 or (told > 0) == (off > 0)
    assert abs(off) - abs(told) <= max(sent, took) + uncertainty + 1e-5


@pytest.mark.parametrize(
    ("arrived", "wanted"), [(0, 0.0), (5, 0.0), (10, 0.0), (-1, 0.0), (11, 0.0), (-61, -60.0), (41, 30.0)]
)
def test_a_clock_between_submission_and_noticing_is_taken_for_right(arrived: float, wanted: float) -> None:
    assert clock_offset(a_case(), report(at=arrived, noticed=10)) == wanted
