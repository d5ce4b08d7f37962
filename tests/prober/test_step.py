"""One step of a probe: what needs no verdict is what a verdict would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from builders import CPR, DEADLINE, GIVE_UP, JUNK, START, a_case, after, cases, refused, report
from hypothesis import given
from hypothesis import strategies as st

from canary.judge import judge
from canary.ledger import OpenProbe
from canary.ledger.events import timestamp
from canary.model import Case, Failure
from canary.prober.schedule import next_look
from canary.prober.step import Decision, step

ages = st.one_of(st.floats(0, 2 * GIVE_UP), st.sampled_from([0.0, DEADLINE - 1e-6, DEADLINE, DEADLINE + 1e-6, GIVE_UP]))
looks = st.dictionaries(st.just("cpr"), ages.map(after))
under_way = st.builds(lambda case: replace(case, sightings=()), cases)


@given(under_way | cases, ages, looks)
def test_what_is_only_under_way_is_looked_at_when_a_verdict_would_have_it(
    case: Case, age: float, looked: dict[str, datetime]
) -> None:
    now = case.started_at + timedelta(seconds=age)
    verdict = judge(case, now, looked)
    decided = step(OpenProbe(case, "m" * 40, (1, START)), now, looked, confirm_after=60)
    if verdict.outcome is None and not verdict.final:
        assert decided == Decision((), next_look(case.started_at, case.probe, verdict, now))
    else:
        assert decided.events or decided.again == next_look(case.started_at, case.probe, verdict, now)


def test_what_was_seen_is_decided_at_the_deadline() -> None:
    seen = OpenProbe(a_case(report(CPR)), "m" * 40, (1, START))
    assert [event.kind for event in step(seen, after(1), {}, confirm_after=60).events] == []
    assert [event.kind for event in step(seen, after(DEADLINE), {}, confirm_after=60).events] == [
        "deadline",
        "finished",
    ]


def confirming(case: Case) -> OpenProbe:
    return OpenProbe(replace(case, probe=replace(case.probe, confirms="firstprobe222222")), "m" * 40, (1, START))


def owed(known: OpenProbe, age: float) -> list[str]:
    """When another probe is owed that is to show whether it stays so."""
    events = step(known, after(age), {}, confirm_after=60).events
    return [event.body["due"] for event in events if event.kind == "confirm"]


def test_a_failure_is_confirmed_by_a_second_probe_whatever_the_interval() -> None:
    assert owed(OpenProbe(a_case(report(JUNK)), "m" * 40, (1, START)), 11) == [timestamp(after(71))]
    assert owed(OpenProbe(a_case(report(CPR)), "m" * 40, (1, START)), DEADLINE) == []


def test_a_confirmation_that_fails_or_arrives_is_not_confirmed() -> None:
    assert owed(confirming(a_case(report(JUNK))), 11) == []
    assert owed(confirming(a_case(report(JUNK))), DEADLINE) == []
    assert owed(confirming(a_case(report(CPR))), DEADLINE) == []


def test_a_confirmation_that_tells_nothing_has_another_follow_no_sooner_than_a_report_may_take() -> None:
    """Our submission server is down at that moment: the channel is neither known good nor bad."""
    assert owed(confirming(a_case(submission=refused(Failure.OURS))), 1) == [timestamp(after(DEADLINE))]
    unread = confirming(a_case())
    assert owed(unread, 2 * DEADLINE + 1) == [timestamp(after(2 * DEADLINE + 61))]


def test_our_own_fault_is_not_confirmed_while_nothing_failed() -> None:
    assert owed(OpenProbe(a_case(submission=refused(Failure.OURS)), "m" * 40, (1, START)), 1) == []
