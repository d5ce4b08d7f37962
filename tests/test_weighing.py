"""Weighing: what the clocks of others are worth, and which sightings count, however often they are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import JUNK, a_case, report
from hypothesis import given
from hypothesis import strategies as st
from judging import verdict

from canary.model import Forgery, Outcome, Role
from canary.weighing import REPLAY_AFTER, clock_offset, latency, weigh


def test_the_mail_servers_clock_is_kept_within_what_we_know() -> None:
    ahead, behind = report(at=7000, noticed=30), report(at=-7000, noticed=30)
    assert latency(a_case(), ahead) == 30
    assert latency(a_case(), behind) == 0
    for sighting in (ahead, behind):
        assert verdict(a_case(sighting)).outcome is Outcome.ARRIVED


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


@given(st.data())
def test_the_order_of_telling_does_not_change_what_counts(data: st.DataObject) -> None:
    first, twice = report(at=10, number=1), report(at=20, number=2)
    replayed = report(at=11 + REPLAY_AFTER, number=3)
    forged, junked = report(number=4, forgery=Forgery.BAD_MAC), report(JUNK, at=30, number=5)
    told = data.draw(st.permutations([first, first, twice, replayed, forged, junked]))
    found = weigh(a_case(*told))
    assert found.reports == {("cpr", Role.MONITORED): first, (JUNK.queue, Role.JUNK): junked}
    assert found.duplicates == 1
    assert found.forged == {Forgery.BAD_MAC: 1, Forgery.REPLAYED: 1}
