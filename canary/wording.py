"""How reports and the command line write numbers, times and texts that are not ours."""

from __future__ import annotations

from datetime import datetime, timedelta

_LONGEST = 400
NONE = "–"


def percent(share: float | None) -> str:
    """Three decimals, cut and never rounded up: only what is whole is 100 %."""
    if share is None:
        return NONE
    return f"{int(share * 100_000) / 1000:.3f} %" if share < 1 else "100 %"


def number(value: int | None) -> str:
    """With thin gaps between thousands."""
    return NONE if value is None else f"{value:,}".replace(",", "\u202f")


def several(count: int, thing: str) -> str:
    """A number and its noun: ``1 exception``, ``2 exceptions``."""
    return f"{number(count)} {thing}{'' if count == 1 else 's'}"


def hours(value: float) -> str:
    """A limit in seconds, in hours."""
    return f"{value / 3600:g} h"


def moment(at: datetime | None) -> str:
    """A time in UTC, to the second."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def latency(value: float | None) -> str:
    """Seconds, in the unit that reads best."""
    if value is None:
        return NONE
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"


def duration(length: timedelta | None) -> str:
    """A length of time in its two largest units."""
    if length is None:
        return NONE
    left = round(length.total_seconds())
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if left >= size or (size == 1 and not parts):
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def shown(text: str | None, longest: int = _LONGEST) -> str:
    """A text that is not ours: on one line, cut, and without characters that print nothing or turn the line around."""
    if not text:
        return NONE
    line = " ".join(text.split())
    line = line if line.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line if len(line) <= longest else f"{line[:longest]} … ({len(line)} characters)"
