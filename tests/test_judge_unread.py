"""What nobody could look at: how long it is waited for, and that it is held against nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import CPR, DEADLINE, GIVE_UP, a_case, after, cases, report
from hypothesis import given
from hypothesis import strategies as st

from canary.judge import judge
from canary.model import Case, DeadlineResult, Outcome, TimeSource

steps = st.floats(-400 * 86_400.0, 400 * 86_400.0).map(lambda seconds: timedelta(seconds=round(seconds, 3)))


@pytest.mark.parametrize(
    ("since", "give_up", "over"),
    [
        (None, GIVE_UP, 2 * DEADLINE),
        (100.0, GIVE_UP, 2 * DEADLINE),
        (DEADLINE + 100, GIVE_UP, 2 * DEADLINE + 100),
        (40 * DEADLINE, GIVE_UP, 41 * DEADLINE),
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
    ("source", "uncertainty", "result"),
    [
        (TimeSource.NOTICED, 200.0, DeadlineResult.INDETERMINATE),
        (TimeSource.NOTICED, 50.0, DeadlineResult.MISSED),
        (TimeSource.RECEIVED, 200.0, DeadlineResult.MISSED),
    ],
)
def test_what_may_have_been_there_in_time_is_late_and_not_missed(
    source: TimeSource, uncertainty: float, result: DeadlineResult
) -> None:
    seen = replace(report(CPR, DEADLINE + 100), source=source, uncertainty=uncertainty)
    verdict = judge(a_case(seen), after(DEADLINE + 200), {})
    assert (verdict.outcome, verdict.deadline) == (Outcome.LATE, result)


@given(cases, st.floats(0, 2 * GIVE_UP), steps)
def test_a_clock_that_is_set_changes_no_verdict(case: Case, at: float, by: timedelta) -> None:
    looked = {queue: after(DEADLINE + 1) for queue in ("cpr", "legal")}
    moved = {queue: when + by for queue, when in looked.items()}
    assert judge(case.moved(by), after(at) + by, moved, after(0) + by) == judge(case, after(at), looked, after(0))
