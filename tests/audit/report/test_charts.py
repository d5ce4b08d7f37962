"""Charts are well-formed whatever a channel is called, say the same in grey, and stay small over a year."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.audit.report import charts
from canary.audit.report.counts import Counts, Latencies

YEAR = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
counts = st.builds(Counts, *[st.integers(0, 300)] * 4)
days = st.lists(st.sampled_from(YEAR[:40]), min_size=1, max_size=40, unique=True).map(sorted)


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def luminance(colour: str) -> float:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_shades_darken_as_things_get_worse() -> None:
    shades = [charts.shade(Counts(met, 1000 - met)) for met in (1000, 999, 995, 950, 10, 0)]
    light = [luminance(shade or "") for shade in shades]
    assert light == sorted(light, reverse=True)
    assert len(set(shades)) == 5
    assert all(a - b > 15 for a, b in pairwise(light[:5]))


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), days, st.data())
def test_a_strip_has_a_cell_for_every_change(name: str, some: list[date], data: st.DataObject) -> None:
    known = {day: data.draw(counts) for day in some if data.draw(st.booleans())}
    svg = drawn(charts.availability_strip([charts.Row(name, known)], some))
    assert name in [text.text or "" for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    kinds = [charts.shade(known.get(day)) or (day in known and known[day].total > 0) for day in some]
    changes = 1 + sum(before != after for before, after in pairwise(kinds))
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}rect"))) == changes


def test_a_good_year_is_one_cell() -> None:
    row = charts.Row("alias", dict.fromkeys(YEAR, Counts(288)))
    assert len(charts.availability_strip([row], YEAR)) < 20_000


@pytest.mark.parametrize(("number", "labels"), [(1, 1), (3, 3), (8, 8), (9, 1), (40, 2)])
def test_each_day_has_its_date_where_they_are_few(number: int, labels: int) -> None:
    svg = drawn(charts.availability_strip([charts.Row("alias", {})], YEAR[:number]))
    texts = [text.text or "" for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(text.startswith("2026-") for text in texts) == labels


latencies = st.lists(st.floats(0.001, 90_000.0), min_size=1, max_size=20).map(Latencies)


@given(st.lists(latencies, min_size=1, max_size=3), st.floats(1.0, 90_000.0))
def test_everything_stays_on_the_page(several: list[Latencies], deadline: float) -> None:
    svg = drawn(charts.latency_ranges([(f"c{n}", some, deadline) for n, some in enumerate(several)]))
    for line in svg.iter("{http://www.w3.org/2000/svg}line"):
        assert 0 <= float(line.get("x1", "")) <= charts.WIDTH
        assert 0 <= float(line.get("x2", "")) <= charts.WIDTH


def test_nothing_to_draw() -> None:
    assert charts.latency_ranges([("alias", Latencies(), 900.0)]) == ""
    drawn(charts.histogram(Latencies(), (1.0, 60.0)))
    drawn(charts.month_bars({"2026-01": Counts()}))
    drawn(charts.legend())
