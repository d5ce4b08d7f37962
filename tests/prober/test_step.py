"""One step of a probe: what needs no verdict is what a verdict would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from builders import CPR, DEADLINE, GIVE_UP, START, a_case, after, cases, report
from hypothesis import given
from hypothesis import strategies as st

from canary.judge import judge
from canary.ledger import OpenProbe
from canary.model import Case
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
