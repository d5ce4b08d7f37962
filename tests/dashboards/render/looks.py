"""Colours, units and thresholds as a panel's JSON means them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

_COLOURS = {
    "green": "#73BF69", "yellow": "#FADE2A", "orange": "#FF9830", "red": "#F2495C", "blue": "#5794F2",
    "purple": "#B877D9", "dark-red": "#C4162A", "dark-orange": "#FA6400", "dark-purple": "#8F3BB8",
    "dark-blue": "#1F60C4", "light-blue": "#8AB8FF", "super-light-red": "#FFA6B0", "transparent": "none",
}  # fmt: skip
PALETTE = (
    "#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0", "#37872D", "#FADE2A",
    "#447EBC", "#C15C17", "#890F02",
)  # fmt: skip


def colour(name: str) -> str:
    """A colour of Grafana's by its name, or as it is written."""
    return _COLOURS.get(name, name)


def by_value(defaults: Json, value: float) -> str:
    """The colour of a value, from the mappings of a field or else from its thresholds."""
    named = mapping(defaults, value)
    if named and named.get("color"):
        return colour(named["color"])
    found = "blue"
    for step in defaults.get("thresholds", {}).get("steps", ()):
        if step.get("value") is None or value >= step["value"]:
            found = step["color"]
    return colour(found)


def mapping(defaults: Json, value: float) -> Json | None:
    """The value mapping that fits, if there is one."""
    for one in defaults.get("mappings") or ():
        found: Json | None = one["options"].get(f"{value:g}")
        if found:
            return found
    return None


def shown(defaults: Json, value: float, now: float) -> str:
    """A value as a panel prints it: named, or with its unit."""
    named = mapping(defaults, value)
    if named:
        return str(named["text"])
    if math.isnan(value):
        return "-"
    return with_unit(value, defaults.get("unit", "short"), defaults.get("decimals"), now)


def with_unit(value: float, unit: str, decimals: int | None, now: float = 0.0) -> str:
    """A number with one of the units that the dashboards use."""
    if unit == "percentunit":
        return f"{value * 100:.{2 if decimals is None else decimals}f}%"
    if unit == "dateTimeFromNow":
        return with_unit(now - value / 1000, "s", 0) + " ago"
    if unit == "dateTimeAsIso":
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M}"
    for size, name in _SCALES.get(unit, ()):
        if abs(value) >= size:
            number = _trimmed(value / size, decimals)
            return f"{number} {name.removesuffix('s') if number == '1' else name}"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{value * 1000:.0f} ms"
    return _trimmed(value, decimals) + (" s" if unit == "s" else "")


_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((604800, "weeks"), (86400, "days"), (3600, "hours"), (60, "min")),
    "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")),
    "short": ((1e6, "Mil"), (1e3, "K")),
}


def _trimmed(value: float, decimals: int | None) -> str:
    if decimals is None:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{value:.{decimals}f}"


def ticks(low: float, high: float, unit: str, *, log: bool) -> list[float]:
    """Where the value axis is labelled."""
    if log:
        usual = (1, 10, 60, 600, 3600, 21600, 86400) if unit == "s" else tuple(10.0**n for n in range(-2, 10))
        return [float(tick) for tick in usual if low <= tick <= high]
    span = (high - low) or 1
    steps = [m * 10.0**n for n in range(-4, 12) for m in (1, 2, 2.5, 5)]
    if unit == "s" and span > 60:
        steps = [30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000]
    step = next((s for s in steps if span / s <= 5), span)
    first = math.ceil(low / step)
    return [n * step for n in range(first, int(high / step) + 1)]
