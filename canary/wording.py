"""How reports and the command line write numbers, times and texts that are not ours."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

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


def clock(length: timedelta | float | None) -> str:
    """A length of time (a number is seconds) in hours, minutes and seconds, so that a column compares: ``25:03:09``."""
    if length is None:
        return NONE
    left = round(length.total_seconds() if isinstance(length, timedelta) else length)
    return f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"


def seconds(value: float | None) -> str:
    """Seconds as such, with the digits that were measured: ``0.512``, ``4.9``, ``18``, ``4 320``."""
    if value is None:
        return NONE
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}".replace(",", "\u202f")


def shown(text: str | None, longest: int = _LONGEST) -> str:
    """A text that is not ours: on one line, cut, and without characters that print nothing or turn the line around."""
    if not text:
        return NONE
    line = printable(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[:longest]} … ({len(line)} characters)"


def printable(text: str) -> str:
    """A text whose lines stay, without what moves a cursor, rings, turns a line around or is no character at all.

    Other spaces than ours become one; what prints nothing, or is half a surrogate pair, becomes U+FFFD.
    """
    if text.isprintable():
        return text
    return _UNPRINTED.sub(lambda found: found[0] if found[0].isprintable() else _instead(found[0]), text)


_UNPRINTED = re.compile(r"\r\n|[^\n -~]")
_AS_TEXT = {"\r\n": "\n", "\u202f": "\u202f", "\xa0": "\xa0"}
"""What stays: an end of line, and the spaces that we write between digits ourselves."""


def _instead(character: str) -> str:
    return _AS_TEXT.get(character) or (" " if character.isspace() else "\ufffd")


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON for machines that a terminal takes as well: what prints nothing is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNPRINTED.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)
