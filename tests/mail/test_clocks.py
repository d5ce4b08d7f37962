"""Times by several clocks, put right by those that agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.mail.clocks import put_right


@pytest.mark.parametrize(
    ("times", "right"),
    [
        ([0, 1, 5, 9], [0, 1, 5, 9]),
        ([0, 300, 2, 3], [0, 2, 2, 3]),  # one that is ahead
        ([0, 1, -300, 3], [0, 1, 1, 3]),  # one that is behind
        ([0, -100, -90, -80, 10], [-100, -100, -90, -80, 10]),  # the first one is ahead of all
        ([5, 4], [4, 4]),  # either may be wrong: the later one is believed
    ],
)
def test_the_most_that_agree_stay(times: list[float], right: list[float]) -> None:
    assert put_right(times) == right


@given(st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30))
def test_times_never_go_back_and_none_that_agree_moves(times: list[float]) -> None:
    right = put_right(times)
    assert right == sorted(right)
    assert len(right) == len(times)
    assert set(right) <= set(times)
    assert put_right(right) == right
    if times == sorted(times):
        assert right == times
