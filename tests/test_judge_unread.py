"""What nobody could look at: how long it is waited for, and that it is held against nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    BEFORE,
    CPR,
    DEADLINE,
    GENERAL,
    GIVE_UP,
    HELD,
    JUNK,
    LEGAL,
    a_case,
    after,
    cases,
    refused,
    reply,
    report,
    taken,
    uncertain,
)
from hypothesis import given
from hypothesis import strategies as st

from canary.judge import judge
from canary.model import Case, DeadlineResult, Failure, Outcome, Seen, Sighting, Stage, Submission, TimeSource

steps = st.floats(-400 * 86_400.0, 400 * 86_400.0).map(lambda seconds: timedelta(seconds=round(seconds, 3)))


@pytest.mark.parametrize(
    ("since", "give_up", "over"),
    [
        (None, GIVE_UP, GIVE_UP),
        (100.0, GIVE_UP, GIVE_UP),
        (40 * DEADLINE, GIVE_UP, GIVE_UP),
        (GIVE_UP - 100, GIVE_UP, GIVE_UP - 100 + DEADLINE),
        (GIVE_UP + 500, GIVE_UP, GIVE_UP + 500 + DEADLINE),
        (None, DEADLINE + 300, DEADLINE + 300),
        (None, DEADLINE, DEADLINE + 60),
        (7000.0, DEADLINE + 300, 7300.0),
    ],
)
def test_a_queue_that_cannot_be_read_is_waited_for_while_we_run(
    since: float | None, give_up: float, over: float
) -> None:
    case = a_case()
    case = replace(case, probe=replace(case.probe, give_up=give_up))
    tried = None if since is None else after(since)
    assert judge(case, after(over - 1), {}, tried).outcome is None
    given_up = judge(case, after(over), {}, tried)
    assert (given_up.outcome, given_up.deadline) == (Outcome.INDETERMINATE, DeadlineResult.INDETERMINATE)


@given(cases, st.floats(0, 3 * GIVE_UP), st.floats(0, 3 * GIVE_UP))
def test_every_case_has_an_end(case: Case, since: float, ran: float) -> None:
    probe = case.probe
    limit = max(probe.deadline, *probe.owed.values(), 60.0)
    over = max(probe.give_up, since + limit) + 60 + ran
    assert judge(case, after(over), {}, after(since)).final


@pytest.mark.parametrize(
    ("source", "uncertainty", "outcome"),
    [
        (TimeSource.NOTICED, 200.0, Outcome.INDETERMINATE),
        (TimeSource.NOTICED, 50.0, Outcome.LATE),
        (TimeSource.RECEIVED, 200.0, Outcome.LATE),
    ],
)
def test_what_may_have_been_there_in_time_is_not_said_to_be_late(
    source: TimeSource, uncertainty: float, outcome: Outcome
) -> None:
    seen = replace(report(CPR, DEADLINE + 100), source=source, uncertainty=uncertainty)
    verdict = judge(a_case(seen), after(DEADLINE + 200), {})
    assert (verdict.outcome, verdict.deadline, verdict.final) == (outcome, outcome.deadline_result, True)
    assert verdict.stages[Stage.ARRIVED] == DEADLINE + 100


def test_a_report_is_missed_once_its_queue_was_read_a_second_after_the_deadline() -> None:
    read = {"cpr": after(DEADLINE + 0.9)}
    assert judge(a_case(), after(DEADLINE + 5), read).deadline is None
    seen = report(CPR, at=DEADLINE - 0.6, noticed=DEADLINE + 0.4)  # it was stamped, and not readable at the deadline
    verdict = judge(a_case(seen), after(DEADLINE + 5), read)
    assert (verdict.outcome, verdict.deadline) == (Outcome.ARRIVED, DeadlineResult.MET)
    assert judge(a_case(), after(DEADLINE + 5), {"cpr": after(DEADLINE + 1)}).deadline is DeadlineResult.MISSED


JUST_BEGUN = after(3 * DEADLINE)
AT = after(3 * DEADLINE + 1)
ELSEWHERE = ("junk", "mine")


@pytest.mark.parametrize("stray", [report(JUNK), report(HELD), report(GENERAL), report(LEGAL), reply(Seen.BOUNCE)])
def test_what_went_astray_is_told_once_the_right_queue_was_read_since_we_began(stray: Sighting) -> None:
    case = a_case(stray)
    before = {"cpr": after(3 * DEADLINE - 1)}
    waiting = judge(case, AT, before, JUST_BEGUN, ELSEWHERE)
    assert (waiting.outcome, waiting.deadline, waiting.reason) == (None, None, "cpr not read yet")
    read = judge(case, AT, {"cpr": JUST_BEGUN}, JUST_BEGUN, ELSEWHERE)
    assert (read.outcome is None, read.deadline) == (False, DeadlineResult.MISSED)
    arrived = judge(case.with_sighting(report()), AT, {}, JUST_BEGUN, ELSEWHERE)
    assert arrived.deadline is not DeadlineResult.MISSED or stray.seen is Seen.BOUNCE


@pytest.mark.parametrize("stray", [report(JUNK), reply(Seen.BOUNCE)])
def test_what_went_astray_has_missed_its_deadline_once_the_right_queue_was_read_after_it(stray: Sighting) -> None:
    case, unread = a_case(stray), {"cpr": after(DEADLINE - 1)}
    waiting = judge(case, after(GIVE_UP - 1), unread)
    assert (waiting.outcome is None, waiting.deadline, waiting.final) == (False, None, False)
    given_up = judge(case, after(GIVE_UP), unread)
    assert (given_up.deadline, given_up.final) == (DeadlineResult.MISSED, True)


def test_nothing_is_missing_before_all_places_were_read_where_it_would_show_itself() -> None:
    read = {"cpr": AT}
    waiting = judge(a_case(), AT, read | {"junk": AT}, JUST_BEGUN, ELSEWHERE)
    assert (waiting.outcome, waiting.deadline) == (None, None)
    assert waiting.reason == "not in cpr; mine not read yet since the deadline"
    missing = judge(a_case(), AT, read | {"junk": AT, "mine": AT}, JUST_BEGUN, ELSEWHERE)
    assert (missing.outcome, missing.deadline) == (Outcome.MISSING, DeadlineResult.MISSED)


def test_a_place_elsewhere_that_cannot_be_read_is_waited_for_longer_when_we_have_just_begun() -> None:
    read = {"cpr": after(4 * DEADLINE)}
    assert judge(a_case(), after(4 * DEADLINE - 1), read, JUST_BEGUN, ELSEWHERE).outcome is None
    found = judge(a_case(), after(4 * DEADLINE), read, JUST_BEGUN, ELSEWHERE)
    assert (found.outcome, found.deadline) == (Outcome.MISSING, DeadlineResult.MISSED)
    assert found.reason.endswith("; junk, mine could not be read since the deadline")
    long_ago = after(-GIVE_UP)
    assert judge(a_case(), after(DEADLINE + 59), read, long_ago, ELSEWHERE).outcome is None
    assert judge(a_case(), after(DEADLINE + 60), read, long_ago, ELSEWHERE).outcome is Outcome.MISSING


@given(cases, st.floats(0, 2 * GIVE_UP), steps)
def test_a_clock_that_is_set_changes_no_verdict(case: Case, at: float, by: timedelta) -> None:
    looked = {queue: after(DEADLINE + 1) for queue in ("cpr", "legal")}
    moved = {queue: when + by for queue, when in looked.items()}
    assert judge(case.moved(by), after(at) + by, moved, after(0) + by) == judge(case, after(at), looked, after(0))


PASSED = a_case(report(BEFORE))


def test_what_is_in_transit_is_waited_for_until_the_deadline() -> None:
    waiting = judge(PASSED, after(DEADLINE - 1), {"cpr": after(DEADLINE - 1), "before": after(DEADLINE - 1)})
    assert (waiting.outcome, waiting.deadline, waiting.reason) == (None, None, "waiting")
    arrived = judge(PASSED.with_sighting(report(at=600)), after(DEADLINE), {})
    assert (arrived.outcome, arrived.deadline, arrived.duplicates) == (Outcome.ARRIVED, DeadlineResult.MET, 0)


def test_what_was_not_taken_on_by_the_deadline_was_left_there() -> None:
    read = {"cpr": after(DEADLINE + 1)}
    left = judge(PASSED, after(DEADLINE + 2), read)
    assert (left.outcome, left.place, left.deadline) == (Outcome.WRONG_QUEUE, "before", DeadlineResult.MISSED)
    assert left.reason == "left in before; not in cpr within 900 s"
    assert not left.final
    late = judge(PASSED.with_sighting(report(at=2 * DEADLINE)), after(2 * DEADLINE), read)
    assert (late.outcome, late.place) == (Outcome.LATE, "cpr")


@pytest.mark.parametrize("submission", [taken(), refused(Failure.OURS), uncertain()])
def test_what_is_in_transit_was_sent_and_nothing_is_said_while_the_queue_beyond_cannot_be_read(
    submission: Submission,
) -> None:
    case = a_case(report(BEFORE), submission=submission)
    reason = "cpr could not be read since the deadline; seen in before"
    waiting = judge(case, after(GIVE_UP - 1), {"before": after(GIVE_UP)})
    assert (waiting.outcome, waiting.reason) == (None, reason)
    over = judge(case, after(GIVE_UP), {"before": after(GIVE_UP)})
    assert (over.outcome, over.reason, over.final) == (Outcome.INDETERMINATE, reason, True)
    left = judge(case, after(GIVE_UP), {"cpr": after(GIVE_UP)})
    assert (left.outcome, left.place) == (Outcome.WRONG_QUEUE, "before")


def test_what_went_astray_too_is_told_so_and_not_as_left() -> None:
    case = a_case(report(BEFORE), report(JUNK))
    assert judge(case, after(20), {}).outcome is Outcome.JUNKED
