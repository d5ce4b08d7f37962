"""Runs the queries of a dashboard as Grafana would: variables filled in, steps as wide as a screen needs them.

This is how the tests know that every panel has data, and how the pictures in the documentation are drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

Json = dict[str, Any]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_STEPS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Series:
    """One series of an answer: what a legend calls it, its labels, and (POSIX seconds, value) in order of time."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True)
class View:
    """What a dashboard is asked for: its range, and the values of its variables (as regular expressions)."""

    start: datetime
    end: datetime
    variables: Mapping[str, str]
    scrape: int = 30
    """Seconds between two scrapes: the ``timeInterval`` of Grafana's data source."""

    @property
    def seconds(self) -> int:
        """The length of the range."""
        return round((self.end - self.start).total_seconds())


def view_of(dashboard: Json, end: datetime, scrape: int = 30, **variables: str) -> View:
    """The range that ``dashboard`` opens with, ending at ``end``; variables that are not given are *All*."""
    found = re.fullmatch(r"now-(\d+)([smhdw])", dashboard["time"]["from"])
    assert found, dashboard["time"]
    there = dashboard["templating"]["list"]
    everything = {v["name"]: v["allValue"] for v in there if v.get("allValue")}
    constants = {v["name"]: v["query"] for v in there if v["type"] == "constant"}
    start = end - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    return View(start, end, everything | constants | variables, scrape)


def targets(dashboard: Json) -> Iterator[tuple[Json, Json]]:
    """Every (panel, target) of a dashboard."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel, target


def step_of(panel: Json, view: View, points: int = 600) -> int:
    """``$__interval`` in seconds: wide enough for the number of points, and at least the panel's own minimum."""
    least = max(panel_interval(panel), view.scrape, view.seconds / points)
    return next((step for step in _STEPS if step >= least), _STEPS[-1])


def panel_interval(panel: Json) -> int:
    """The panel's own minimum of ``$__interval`` in seconds, 0 if it has none."""
    text = panel.get("interval")
    return int(text[:-1]) * _UNITS[text[-1]] if text else 0


def expand(expr: str, view: View, step: int) -> str:
    """The expression with Grafana's and the dashboard's variables filled in."""
    values = {
        "__rate_interval": f"{max(step + view.scrape, 4 * view.scrape)}s",
        "__interval": f"{step}s",
        "__range": f"{view.seconds}s",
        **view.variables,
    }
    return re.sub(r"\$(?:(\w+)|{(\w+)})", lambda found: values[found[1] or found[2]], expr)


class Prometheus:
    """Asks a Prometheus at ``url``. Raises AssertionError for an error or a warning in its answer."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=120)

    def run(self, panel: Json, target: Json, view: View) -> list[Series]:
        """What a target of a panel shows; an instant query has one point a series."""
        step = step_of(panel, view)
        expr = expand(target["expr"], view, step)
        found = self.instant(expr, view.end) if target.get("instant") else self.range(expr, view, step)
        legend = target.get("legendFormat", "")
        return [Series(_named(legend, labels), labels, points) for labels, points in found]

    def instant(self, expr: str, at: datetime) -> list[tuple[Mapping[str, str], tuple[tuple[float, float], ...]]]:
        """The vector (or scalar) of an expression at a time."""
        data = self._ask("query", query=expr, time=at.timestamp())
        if data["resultType"] == "scalar":
            return [({}, _points([data["result"]]))]
        return [(series["metric"], _points([series["value"]])) for series in data["result"]]

    def range(
        self, expr: str, view: View, step: int
    ) -> list[tuple[Mapping[str, str], tuple[tuple[float, float], ...]]]:
        """The matrix of an expression over the range; steps are aligned as Grafana aligns them."""
        start = view.start.timestamp() // step * step
        end = max(start, view.end.timestamp() // step * step)
        data = self._ask("query_range", query=expr, start=start, end=end, step=step)
        return [(series["metric"], _points(series["values"])) for series in data["result"]]

    def _ask(self, what: str, **parameters: Any) -> Json:
        answer = self._client.post(f"/api/v1/{what}", data=parameters).json()
        assert answer["status"] == "success", (answer, parameters)
        assert not answer.get("warnings"), (answer["warnings"], parameters)
        assert not answer.get("infos"), (answer["infos"], parameters)
        data: Json = answer["data"]
        return data


def _points(pairs: list[list[Any]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(at), float(value)) for at, value in pairs)


def _named(legend: str, labels: Mapping[str, str]) -> str:
    if legend in ("", "__auto"):
        return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__") or "value"
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), legend).strip()
