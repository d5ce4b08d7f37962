"""The charts of a report, as SVG of our own: they read the same in print, in grey and on a screen.

Shades get darker as things get worse, and what has no shade (no probes, our own fault) has a mark instead. Every number
that matters stands in a table as well. Text that is not ours is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from canary.audit.report.counts import Counts, Latencies
from canary.wording import latency

WIDTH = 700.0
"""Units of every chart's width; on a page it fills the column."""

_LABEL = 130.0
_ROW = 13.0
_FONT = 'font-family="DejaVu Sans, sans-serif"'
_INK, _FAINT, _LINE = "#1a1a1a", "#6b6b6b", "#b8b8b8"
_USUAL, _BAD = "#4d6b5c", "#c05a2b"
_TICKS = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 86_400.0, 7 * 86_400.0)
_FEW_DAYS = 8
"""So many days have a label each."""
_SHADES = ((1.0, "#d9e6df"), (0.999, "#b7cfc2"), (0.99, "#e0a458"), (0.9, "#c05a2b"), (0.0, "#5c0f0f"))
"""From at least this availability on, the shade; luminance falls from one to the next."""


@dataclass(frozen=True, slots=True)
class Row:
    """A channel's days in the availability strip."""

    name: str
    days: Mapping[date, Counts]


def shade(counts: Counts | None) -> str | None:
    """The fill of a day, or None where nothing was judged."""
    if counts is None or counts.availability is None:
        return None
    share = counts.availability
    return next(colour for bound, colour in _SHADES if share >= bound)


def availability_strip(rows: Sequence[Row], days: Sequence[date]) -> str:
    """A row a channel, a cell a day; neighbours of one shade are drawn as one, so a year of channels stays small."""
    cell = (WIDTH - _LABEL) / len(days)
    top = 26.0
    height = top + _ROW * len(rows) + 6
    parts = [*_month_marks(days, cell, height)]
    for number, row in enumerate(rows):
        y = top + number * _ROW
        parts.append(_text(_LABEL - 6, y + 9, row.name, anchor="end"))
        for start, length, kind in _runs(row, days):
            parts.append(_cell(_LABEL + start * cell, y + 1.5, length * cell, _ROW - 3, kind))
    for number, day in enumerate(days):
        if number and day.weekday() == 0:
            parts.append(_line(_LABEL + number * cell, top, _LABEL + number * cell, height - 6, "#ffffff", 0.6))
    return _svg(height, parts, f"Availability of {len(rows)} channels per day")


def legend() -> str:
    """What the shades of the strip mean."""
    words = ("every probe in time", "99.9 % or more", "99 % or more", "90 % or more", "below 90 %")
    entries = [(colour, word) for (_, colour), word in zip(_SHADES, words, strict=True)]
    parts, x = [], 0.0
    for kind, word in [*entries, ("ours", "only our own faults"), ("none", "no probes")]:
        parts += [_cell(x, 3, 16, 10, kind), _text(x + 21, 11.5, word)]
        x += 31 + 5.0 * len(word)
    return _svg(16, parts, "Legend")


def latency_ranges(rows: Sequence[tuple[str, Latencies, float]]) -> str:
    """Percentiles of each channel on a logarithmic scale: (name, latencies, deadline in seconds)."""
    known = [(name, latencies, deadline) for name, latencies, deadline in rows if latencies]
    if not known:
        return ""
    top, height = 20.0, 26.0 + _ROW * len(known)
    scale = _LogScale(
        min(min(latencies) for _, latencies, _ in known),
        max(max(*latencies, deadline, 10 * _TICKS[0]) for _, latencies, deadline in known),
    )
    parts = [*scale.axis(top, height - 4)]
    for number, (name, latencies, deadline) in enumerate(known):
        y = top + number * _ROW + _ROW / 2
        low, mid, high, most = (scale.x(latencies.quantile(q) or 0.0) for q in (0.05, 0.5, 0.95, 1.0))
        p99 = scale.x(latencies.quantile(0.99) or 0.0)
        parts += [
            _text(_LABEL - 6, y + 3, name, anchor="end"),
            _line(high, y, most, y, _LINE, 1),
            _line(low, y, high, y, "#3d5a4c", 4),
            _line(p99, y - 3.5, p99, y + 3.5, _INK, 1),
            f'<circle cx="{mid:.1f}" cy="{y:.1f}" r="3" fill="#ffffff" stroke="{_INK}" stroke-width="1.2"/>',
            _cross(most, y),
            _line(scale.x(deadline), y - 5.5, scale.x(deadline), y + 5.5, "#5c0f0f", 2),
        ]
    return _svg(height, parts, "Latency to arrival per channel")


def histogram(latencies: Latencies, bounds: tuple[float, ...]) -> str:
    """How many reports arrived within each bound (in seconds), as bars with their numbers."""
    numbers = latencies.histogram(bounds)
    first = next((i for i, n in enumerate(numbers) if n), 0)
    last = max((i for i, n in enumerate(numbers) if n), default=0)
    shown = range(first, last + 1)
    labels = [f"≤ {latency(bounds[i])}" if i < len(bounds) else f"> {latency(bounds[-1])}" for i in shown]
    return _bars(
        labels, [float(numbers[i]) for i in shown], [f"{numbers[i]:,}" for i in shown], "Latency to arrival", _USUAL
    )


def month_bars(months: Mapping[str, Counts]) -> str:
    """The part of the judged probes of each month that missed its deadline, in percent; numbers above the bars."""
    shares = [
        100 * (1 - (counts.availability if counts.availability is not None else 1.0)) for counts in months.values()
    ]
    words = [
        f"{share:.3f} %" if counts.judged else "no probes"
        for share, counts in zip(shares, months.values(), strict=True)
    ]
    return _bars(list(months), shares, words, "Probes that missed their deadline, by month", _BAD)


def _bars(labels: Sequence[str], values: Sequence[float], words: Sequence[str], title: str, colour: str) -> str:
    width, base, tall = WIDTH / max(len(labels), 1), 96.0, 70.0
    most = max(values, default=0.0) or 1.0
    parts = [_line(0, base, WIDTH, base, _INK, 0.8)]
    for number, (label, value, word) in enumerate(zip(labels, values, words, strict=True)):
        middle, high = (number + 0.5) * width, tall * value / most
        bar = min(width * 0.6, 60.0)
        parts += [
            _box(middle - bar / 2, base - high, bar, high, f'fill="{colour}"'),
            _text(middle, base - high - 4, word, anchor="middle"),
            _text(middle, base + 12, label, anchor="middle", colour=_FAINT),
        ]
    return _svg(base + 18, parts, title)


def _runs(row: Row, days: Sequence[date]) -> list[tuple[int, int, str]]:
    """(first, how many, shade or mark) of neighbouring days that look the same."""
    runs: list[tuple[int, int, str]] = []
    for number, day in enumerate(days):
        counts = row.days.get(day)
        kind = shade(counts) or ("ours" if counts and counts.total else "none")
        if runs and runs[-1][2] == kind:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, kind)
        else:
            runs.append((number, 1, kind))
    return runs


def _cell(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A shaded cell; our own faults are hatched, and no probes is an empty frame with a line through it."""
    if kind.startswith("#"):
        return _box(x, y, width, height, f'fill="{kind}"')
    frame = _box(x, y, width, height, f'fill="#ffffff" stroke="{_LINE}" stroke-width="0.6"')
    if kind == "none":
        return frame + _line(x, y + height / 2, x + width, y + height / 2, _LINE, 0.6)
    steps = max(2, min(60, round(width / 3)))
    hatching = (
        _line(x + width * i / steps, y + height, x + width * (i + 1) / steps, y, _FAINT, 0.8) for i in range(steps)
    )
    return frame + "".join(hatching)


def _month_marks(days: Sequence[date], cell: float, height: float) -> list[str]:
    marks, free = [], 0.0
    for number, day in enumerate(days):
        if number and day.day != 1 and len(days) > _FEW_DAYS:
            continue
        x = _LABEL + number * cell
        marks.append(_line(x, 16, x, height - 4, _LINE, 0.8))
        if x >= free:
            marks.append(
                _text(
                    x + 2,
                    14,
                    f"{day:%Y-%m-%d}" if not number or len(days) <= _FEW_DAYS else f"{day:%Y-%m}",
                    colour=_FAINT,
                )
            )
            free = x + 62
    return marks


class _LogScale:
    """Seconds to the right of the labels, each ten times as far as the one before."""

    def __init__(self, low: float, high: float) -> None:
        self._low = max((tick for tick in _TICKS if tick <= low), default=_TICKS[0])
        high = max(high, 10 * self._low)
        self._high = min((tick for tick in _TICKS if tick >= high), default=high)

    def x(self, value: float) -> float:
        """Where ``value`` stands on the horizontal axis, in pixels."""
        part = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        return _LABEL + (WIDTH - _LABEL - 20) * min(part, 1.0)

    def axis(self, top: float, bottom: float) -> list[str]:
        """A line at each tick."""
        parts = []
        for tick in _TICKS:
            if self._low <= tick <= self._high:
                x = self.x(tick)
                parts += [
                    _line(x, top - 4, x, bottom, _LINE, 0.6),
                    _text(x, top - 8, latency(tick), anchor="middle", colour=_FAINT),
                ]
        return parts


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}" {_FONT}>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="8.5" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, style: str) -> str:
    return f'<rect x="{x:.2f}" y="{y:.1f}" width="{width:.2f}" height="{height:.1f}" {style}/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return f'<line x1="{x1:.2f}" y1="{y1:.1f}" x2="{x2:.2f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _cross(x: float, y: float) -> str:
    return _line(x - 2.5, y - 2.5, x + 2.5, y + 2.5, _INK, 1) + _line(x - 2.5, y + 2.5, x + 2.5, y - 2.5, _INK, 1)
