"""The judge: what must hold for any case at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from builders import (
    CPR,
    DEADLINE,
    GENERAL,
    GIVE_UP,
    JUNK,
    LEGAL,
    MINE,
    PLACES,
    TICKETS,
    actors,
    after,
    cases,
    done,
    reply,
    report,
    sightings,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import OVER, verdict

from canary.judge import reached
from canary.model import (
    Actor,
    Case,
    DeadlineResult,
    Forgery,
    Outcome,
    Role,
    Seen,
    Sighting,
    Stage,
    Verdict,
)

ages = st.sampled_from([0.0, 1.0, 600.0, DEADLINE - 1, DEADLINE, OVER, 2 * DEADLINE, 5000.0, GIVE_UP, 2 * GIVE_UP])
queues = [place.queue for place in PLACES]
looks = st.dictionaries(st.sampled_from(queues), ages.map(after))
forged = st.one_of(
    st.builds(lambda sighting, why: replace(sighting, forgery=why), sightings, st.sampled_from(Forgery)),
    st.builds(report, st.just(MINE), number=st.integers(0, 9)),
    st.builds(done, st.sampled_from([Seen.PICKED_UP, Seen.CLOSED]), actors, place=st.just(MINE)),
    st.builds(
        reply,
        st.sampled_from([Seen.BOUNCE, Seen.OUT_OF_OFFICE, Seen.DELAY_NOTICE, Seen.DELIVERY_NOTICE, Seen.UNSURE]),
        place=st.sampled_from([CPR, JUNK, GENERAL, TICKETS]),
    ),
    st.builds(
        report, st.sampled_from([CPR, LEGAL, JUNK]), message_id=st.just("<forged@evil.example>"), intact=st.none()
    ),
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
    assert replace(later, forged={}, reason="") == replace(before, forged={}, reason="")
    untold = {Outcome.MISSING, Outcome.INDETERMINATE}
    assert later.reason == before.reason or (later.outcome in untold and "does not count" in later.reason)
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


@settings(max_examples=300)
@given(cases, ages, looks)
def test_where_a_report_is_said_to_be_is_what_the_verdict_goes_by(
    case: Case, age: float, looked: dict[str, datetime]
) -> None:
    assert reached(case) <= case.probe.expected
    assert (reached(case) == case.probe.expected) is (Stage.ARRIVED in verdict(case, age, looked).stages)


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
