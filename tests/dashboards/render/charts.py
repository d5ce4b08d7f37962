"""The panels with a time axis, as SVG: state timeline, lines and bars, heatmap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from tests.dashboards.queries import Series, View
from tests.dashboards.render.looks import PALETTE, Json, by_value, colour, ticks, with_unit

GRID, TEXT = "#2c3235", "#a7abb3"
LEGEND = 46
"""Pixels below a chart for its times and its legend."""

Span = tuple[float, float, float]
"""Start, end, and the value that a series had between them."""

_CLOCK_STEPS = (900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800)


@dataclass(frozen=True)
class Frame:
    """The drawing area of a chart, its time range, and how far its points stand apart in seconds."""

    width: int
    height: int
    view: View
    step: int
    left: int = 64
    bottom: int = 22

    def x(self, at: float) -> float:
        """The place of a time."""
        start = self.view.start.timestamp()
        part = (at - start) / self.view.seconds
        return self.left + max(0.0, min(1.0, part)) * (self.width - self.left - 8)

    def time_axis(self) -> Iterator[str]:
        """Grid lines and times."""
        step = next(s for s in _CLOCK_STEPS if self.view.seconds / s <= max(3, self.width // 110))
        at = datetime.fromtimestamp(math.ceil(self.view.start.timestamp() / step) * step, UTC)
        while at <= self.view.end:
            x = self.x(at.timestamp())
            label = f"{at:%d %b}" if step >= 86400 else f"{at:%H:%M}" if at.hour or at.minute else f"{at:%d %b}"
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{self.height - self.bottom}" stroke="{GRID}"/>'
            yield _text(min(x, self.width - 24), self.height - self.bottom + 16, label, "middle")
            at += timedelta(seconds=step)


def timeline(panel: Json, series: Sequence[Series], frame: Frame) -> str:
    """A state timeline: a row a series."""
    defaults = panel["fieldConfig"]["defaults"]
    frame = replace(frame, left=150, bottom=LEGEND)
    room = (frame.height - frame.bottom - 4) / max(1, len(series))
    parts = list(frame.time_axis())
    for n, one in enumerate(series):
        top = 4 + n * room
        parts.append(_text(frame.left - 8, top + room / 2 + 4, one.name, "end"))
        for start, end, value in runs(one, frame.step):
            x, fill = frame.x(start), by_value(defaults, value)
            width = frame.x(min(end, frame.view.end.timestamp())) - x
            parts.append(
                f'<rect x="{x:.1f}" y="{top + room * 0.08:.1f}" width="{max(width, 1):.1f}" height="{room * 0.8:.1f}" '
                f'fill="{fill}" opacity="0.85"/>'
            )
    names = sorted(defaults["mappings"][0]["options"].values(), key=lambda name: name["index"])
    named = [(name["text"], colour(name["color"])) for name in names]
    return _svg(frame, [*parts, _legend(named, frame)])


def graph(panel: Json, series: Sequence[tuple[str, Series]], frame: Frame, alerts: Sequence[Span]) -> str:
    """Lines, or stacked bars with lines over them, and the thresholds; times with a firing alert underlined."""
    frame = replace(frame, bottom=LEGEND)
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults.get("custom", {})
    looks = [(one, _own(panel, one.name, ref, n)) for n, (ref, one) in enumerate(series)]
    stacked = custom.get("drawStyle") == "bars"
    log = custom.get("scaleDistribution", {}).get("type") == "log"
    scale = _Scale.of(defaults, [one for one, _ in looks], frame, log=log, stacked=stacked)
    parts = [*frame.time_axis(), *scale.axis(defaults.get("unit", "short"))]
    bases: dict[float, float] = {}
    for one, own in looks:
        if stacked and not own.get("line"):
            parts += _bars(one, own["colour"], frame, scale, bases)
        else:
            parts.append(_line(one, own, frame, scale))
    parts += _thresholds(defaults, frame, scale)
    parts += [
        f'<rect x="{frame.x(a):.1f}" y="{frame.height - frame.bottom - 3}" height="3" fill="#F2495C" opacity="0.6" '
        f'width="{max(2.0, frame.x(b) - frame.x(a)):.1f}"/>'
        for a, b, _ in alerts
    ]
    return _svg(frame, [*parts, _legend([(one.name, own["colour"]) for one, own in looks], frame)])


def heatmap(series: Sequence[Series], frame: Frame) -> str:
    """A classic histogram: a row a bucket, counts made of the cumulative ones as Grafana does it."""
    rows = sorted(series, key=lambda one: float(one.labels["le"]))
    below: dict[float, float] = {}
    cells: list[tuple[float, int, float]] = []
    for n, row in enumerate(rows):
        cells += [(at, n, max(0.0, value - below.get(at, 0.0))) for at, value in row.points]
        below = dict(row.points)
    most = max((count for *_, count in cells), default=1) or 1
    room = (frame.height - frame.bottom - 4) / max(1, len(rows))
    parts = list(frame.time_axis())
    for n, row in enumerate(rows):
        le = float(row.labels["le"])
        label = "more" if math.isinf(le) else with_unit(le, "s", None)
        parts.append(_text(frame.left - 6, 4 + (len(rows) - 1 - n) * room + room / 2 + 4, label, "end"))
    for at, n, count in cells:
        if count > 0.3:
            x, top = frame.x(at - frame.step), 4 + (len(rows) - 1 - n) * room
            parts.append(
                f'<rect x="{x + 0.5:.1f}" y="{top + 0.5:.1f}" width="{max(1.0, frame.x(at) - x - 1):.1f}" '
                f'height="{room - 1:.1f}" fill="#5794F2" opacity="{0.15 + 0.85 * (count / most) ** 0.4:.2f}"/>'
            )
    return _svg(frame, parts)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    log: bool
    frame: Frame

    @classmethod
    def of(cls, defaults: Json, series: Sequence[Series], frame: Frame, *, log: bool, stacked: bool) -> _Scale:
        values = [value for one in series for _, value in one.points if math.isfinite(value)]
        totals: dict[float, float] = {}
        for one in series if stacked else ():
            for at, value in one.points:
                totals[at] = totals.get(at, 0.0) + value
        steps = [s["value"] for s in defaults.get("thresholds", {}).get("steps", ()) if s.get("value")]
        high = max(
            [*values, *totals.values(), *(steps if "thresholdsStyle" in defaults.get("custom", {}) else [])] or [1]
        )
        low = min(values, default=0.0)
        if log:
            return cls(math.log10(max(low, 0.1)) - 0.1, math.log10(max(high, 1)) + 0.15, True, frame)
        low, high = defaults.get("min", low), defaults.get("max", high)
        return cls(
            low - (0 if "min" in defaults else 0.05 * (high - low)), high + 0.06 * (high - low or 1), False, frame
        )

    def y(self, value: float) -> float:
        if self.log:
            value = math.log10(value) if value > 0 else self.low
        part = (value - self.low) / ((self.high - self.low) or 1)
        return 4 + (1 - max(0.0, min(1.0, part))) * (self.frame.height - self.frame.bottom - 8)

    def axis(self, unit: str) -> Iterator[str]:
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        for tick in ticks(low, high, unit, log=self.log):
            y = self.y(tick)
            yield f'<path d="M{self.frame.left} {y:.1f}H{self.frame.width - 8}" stroke="{GRID}"/>'
            yield _text(self.frame.left - 6, y + 4, with_unit(tick, unit, 1 if unit == "percentunit" else None), "end")


def _own(panel: Json, name: str, ref: str, n: int) -> dict[str, Any]:
    """How a series is drawn: by the palette, or as an override by its name says."""
    found: dict[str, Any] = {"colour": PALETTE[n % len(PALETTE)]}
    for override in panel["fieldConfig"].get("overrides", ()):
        if override["matcher"]["options"] in (name, ref):
            for one in override["properties"]:
                if one["id"] == "color":
                    found["colour"] = colour(one["value"]["fixedColor"])
                if one["id"] == "custom.drawStyle":
                    found["line"] = True
                if one["id"] == "custom.lineStyle":
                    found["dash"] = "8 6"
    return found


def _line(one: Series, own: dict[str, Any], frame: Frame, scale: _Scale) -> str:
    path, before = [], float("-inf")
    for at, value in one.points:
        if not math.isfinite(value):
            before = float("-inf")
            continue
        path.append(f"{'L' if at - before <= 1.5 * frame.step else 'M'}{frame.x(at):.1f} {scale.y(value):.1f}")
        before = at
    dash = f' stroke-dasharray="{own["dash"]}"' if "dash" in own else ""
    return f'<path d="{" ".join(path)}" fill="none" stroke="{own["colour"]}" stroke-width="1.6"{dash}/>'


def _bars(one: Series, fill: str, frame: Frame, scale: _Scale, bases: dict[float, float]) -> Iterator[str]:
    """Each bar stands over the interval that it counts: the one before its time."""
    for at, value in one.points:
        if not math.isfinite(value) or value < 0.01:
            continue
        base = bases.get(at, 0.0)
        bases[at] = base + value
        x, y = frame.x(at - frame.step), scale.y(base + value)
        width = max(1.0, (frame.x(at) - x) * 0.85)
        yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{scale.y(base) - y:.1f}" fill="{fill}"/>'


def _thresholds(defaults: Json, frame: Frame, scale: _Scale) -> Iterator[str]:
    if "thresholdsStyle" in defaults.get("custom", {}):
        for step in defaults["thresholds"]["steps"]:
            if step.get("value") is not None:
                y = scale.y(step["value"])
                yield (
                    f'<line x1="{frame.left}" x2="{frame.width - 8}" y1="{y:.1f}" y2="{y:.1f}" '
                    f'stroke="{colour(step["color"])}" stroke-dasharray="8 6" stroke-width="1.3"/>'
                )


def runs(one: Series, step: int) -> Iterator[Span]:
    """Neighbouring points with the same value."""
    run: Span | None = None
    for at, value in one.points:
        if run and value == run[2] and at - run[1] <= step / 2:
            run = (run[0], at + step, value)
        else:
            if run:
                yield run
            run = (at, at + step, value)
    if run:
        yield run


def _legend(named: Sequence[tuple[str, str]], frame: Frame) -> str:
    """Below the chart, as much as fits in one line."""
    parts, x = [], 10.0
    for name, fill in named:
        width = 24 + 6.6 * len(name)
        if x + width > frame.width - 20:
            parts.append(_text(x, frame.height - 8, "…", "start"))
            break
        parts.append(f'<rect x="{x}" y="{frame.height - 14}" width="12" height="4" rx="2" fill="{fill}"/>')
        parts.append(_text(x + 17, frame.height - 8, name, "start"))
        x += width
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:g}" text-anchor="{anchor}" fill="{TEXT}" font-size="11.5">{escape(words)}</text>'


def _svg(frame: Frame, parts: Sequence[str]) -> str:
    return f'<svg width="{frame.width}" height="{frame.height}">{"".join(parts)}</svg>'
