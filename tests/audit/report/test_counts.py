"""Counting agrees with doing it by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canary.audit.report.counts import Counts, Latencies
from canary.wording import percent

results = st.sampled_from(["met", "missed", "indeterminate", None])
values = st.lists(st.sampled_from([0.5, 1.0, 2.5, 60.0, 900.0, 5000.0]), min_size=1)


@given(st.lists(results))
def test_our_own_faults_are_in_no_share(several: list[str | None]) -> None:
    counts = Counts()
    for result in several:
        counts.add(result)
    met, missed = several.count("met"), several.count("missed")
    assert counts.availability == (met / (met + missed) if met + missed else None)
    assert counts.total == len(several)


@given(values, st.floats(0.01, 1.0))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(several: list[float], share: float) -> None:
    found = Latencies(several).quantile(share)
    assert found is not None
    assert sum(value <= found for value in several) >= share * len(several)
    assert sum(value < found for value in several) < share * len(several)


@given(values, st.sampled_from([(1.0,), (1.0, 60.0), (0.1, 0.5, 900.0)]))
def test_a_histogram_loses_none(several: list[float], bounds: tuple[float, ...]) -> None:
    numbers = Latencies(several).histogram(bounds)
    assert sum(numbers) == len(several)
    assert numbers[-1] == sum(value > bounds[-1] for value in several)
    assert numbers[0] == sum(value <= bounds[0] for value in several)


@given(st.integers(1, 3_000_000), st.integers(0, 5))
def test_only_what_is_whole_is_100_percent(judged: int, missed: int) -> None:
    share = max(judged - missed, 0) / judged
    assert (percent(share) == "100 %") == (missed == 0)
