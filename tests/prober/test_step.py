"""One step of a probe: what needs no verdict is what a verdict would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import CPR, DEADLINE, GIVE_UP, JUNK, START, a_case, after, cases, refused, report
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.judge import judge
from canary.ledger import EventKind, OpenProbe
from canary.ledger.events import timestamp
from canary.model import Case, DeadlineResult, Failure
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
    assert owed(unread, GIVE_UP - 1) == []  # once its queue can be read, it tells
    assert owed(unread, GIVE_UP + 1) == [timestamp(after(GIVE_UP + 61))]


def test_our_own_fault_is_not_confirmed_while_nothing_failed() -> None:
    assert owed(OpenProbe(a_case(submission=refused(Failure.OURS)), "m" * 40, (1, START)), 1) == []


moments = st.lists(st.tuples(ages, looks, st.booleans()), max_size=8).map(
    lambda told: sorted(told, key=lambda at: at[0])
)


@settings(max_examples=300)
@given(cases, moments)
def test_no_end_contradicts_what_was_decided_at_the_deadline(
    case: Case, told: list[tuple[float, dict[str, datetime], bool]]
) -> None:
    """Sightings come in one by one, in whatever order of their stamps, between looks at whatever was read by then."""
    known, coming = OpenProbe(replace(case, sightings=()), "m" * 40, (1, START)), list(case.sightings)
    for age, looked, one_more in [*told, (2 * GIVE_UP, {}, False), (3 * GIVE_UP, {}, False)]:
        if one_more and coming:
            known = replace(known, case=known.case.with_sighting(coming.pop()))
        for event in step(known, case.started_at + timedelta(seconds=age), looked, confirm_after=60).events:
            if event.kind is EventKind.DEADLINE:
                known = replace(known, deadline=DeadlineResult(event.body["result"]))
            elif event.kind is EventKind.FINISHED:
                outcome = event.body["outcome"]
                assert (outcome == "arrived") is (known.deadline is DeadlineResult.MET)
                assert not (outcome == "indeterminate" and known.deadline is DeadlineResult.MISSED)
                return
    raise AssertionError("it has no end")


@pytest.mark.parametrize(
    ("read", "stamped", "result", "outcome"),
    [
        (DEADLINE + 0.2, DEADLINE - 0.6, DeadlineResult.MET, "arrived"),
        (DEADLINE + 1.0, DEADLINE - 0.6, DeadlineResult.MISSED, "late"),
        (DEADLINE + 1.0, DEADLINE + 0.2, DeadlineResult.MISSED, "late"),
    ],
)
def test_what_is_stamped_at_the_deadline_ends_as_it_was_decided(
    read: float, stamped: float, result: DeadlineResult, outcome: str
) -> None:
    known = OpenProbe(a_case(), "m" * 40, (1, START))
    found = [event.body["result"] for event in step(known, after(read), {"cpr": after(read)}, 60).events[:1]]
    known = replace(known, deadline=DeadlineResult(found[0]) if found else None)
    known = replace(known, case=known.case.with_sighting(report(at=stamped, noticed=DEADLINE + 2)))
    ended = step(known, after(DEADLINE + 3), {"cpr": after(DEADLINE + 3)}, 60).events
    found += [event.body["result"] for event in ended if event.kind is EventKind.DEADLINE]
    assert (found, ended[-1].kind, ended[-1].body["outcome"]) == ([result], EventKind.FINISHED, outcome)
