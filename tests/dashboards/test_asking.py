"""Queries are asked as Grafana asks them, and what a renderer prints is what the units mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dashboards.queries import View, expand, panel_interval, step_of, view_of
from tests.dashboards.render.looks import by_value, shown, ticks, with_unit

END = datetime(2026, 11, 24, 12, tzinfo=UTC)


def view(hours: float, **variables: str) -> View:
    return View(END - timedelta(hours=hours), END, variables)


def test_variables_are_filled_in() -> None:
    asked = 'increase(a{job=~"$job"}[$__rate_interval]) + b[$__range:1d] + ${canary}'
    assert expand(asked, view(1, job=".+", canary="c"), 60) == 'increase(a{job=~".+"}[120s]) + b[3600s:1d] + c'
    with pytest.raises(KeyError):
        expand("$unheard_of", view(1), 60)


def test_an_interval_is_a_scrape_longer_than_a_step() -> None:
    assert expand("[$__rate_interval]", view(1), 3600) == "[3630s]"


@pytest.mark.parametrize(
    ("interval", "hours", "step"), [("", 1, 30), ("", 24, 300), ("1d", 24, 86400), ("2h", 168, 7200), ("", 2160, 21600)]
)
def test_steps_fit_the_screen_and_the_panel(interval: str, hours: float, step: int) -> None:
    panel = {"interval": interval} if interval else {}
    assert step_of(panel, view(hours)) == step


def test_a_panel_without_an_interval_has_none() -> None:
    assert panel_interval({}) == 0


def test_a_view_is_what_a_dashboard_opens_with() -> None:
    variables = [
        {"name": "channel", "type": "query", "allValue": ".*"},
        {"name": "canary", "type": "constant", "query": "https://canary.example"},
    ]
    dashboard: dict[str, Any] = {"time": {"from": "now-7d"}, "templating": {"list": variables}}
    assert view_of(dashboard, END).seconds == 7 * 86400
    assert view_of(dashboard, END).variables == {"channel": ".*", "canary": "https://canary.example"}
    assert view_of(dashboard, END, channel="a").variables["channel"] == "a"


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0.9661, "percentunit", 2, "96.61%"),
        (0.2, "s", None, "200 ms"),
        (3600, "s", 0, "1 hour"),
        (259_200, "s", 0, "3 days"),
        (1340, "none", 0, "1340"),
        (1340, "short", None, "1.34 K"),
        (2**20, "bytes", None, "1 MiB"),
        (1_795_521_600_000 - 60_000, "dateTimeFromNow", None, "1 min ago"),
        (1_795_521_600_000, "dateTimeAsIso", None, "2026-11-24 12:00"),
    ],
)
def test_units(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert with_unit(value, unit, decimals, END.timestamp()) == text


def test_a_name_comes_before_a_threshold() -> None:
    steps = {"steps": [{"value": None, "color": "green"}, {"value": 1, "color": "red"}]}
    named = {"mappings": [{"options": {"0": {"text": "failing", "color": "#123456"}}}], "thresholds": steps}
    assert (shown(named, 0, 0), by_value(named, 0)) == ("failing", "#123456")
    assert (shown(named, 1, 0), by_value(named, 1)) == ("1", "#F2495C")
    assert shown(named, float("nan"), 0) == "-"


def test_axes_are_labelled_at_round_values() -> None:
    assert ticks(0, 1000, "s", log=False) == [0, 300, 600, 900]
    assert ticks(2, 4000, "s", log=True) == [10, 60, 600, 3600]
    assert ticks(0, 9, "short", log=False) == [0, 2, 4, 6, 8]
