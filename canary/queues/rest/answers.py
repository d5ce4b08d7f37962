"""What stands in an answer in JSON, by paths. Pure; every answer is foreign, and may be anything."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from canary.model import CanaryError

_LONGEST_WORD = 1000
_CUT = re.compile(r"([<>])([^<>]+)")


class UnlikeDescriptionError(CanaryError, ValueError):
    """An answer is not what the description of its system says; the text says where."""


def parsed(content: bytes) -> Any:
    """An answer in JSON. Raises UnlikeDescriptionError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        began = content[:60].decode(errors="replace")
        raise UnlikeDescriptionError(f"got {began!r}, want JSON ({type(error).__name__})") from None


def at(answer: Any, path: str | None) -> Any:
    """What stands at a path; None if nothing does."""
    steps, cuts = way(path) if path else ((), ())
    for step in steps:
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    for sign, text in cuts:
        if not isinstance(answer, str) or (sign == ">" and text not in answer):
            return None
        answer = answer.partition(text)[0 if sign == "<" else 2]
    return answer


@lru_cache(maxsize=1024)
def way(path: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The steps of a path, and how the text there is cut: at what, before (``<``) or after (``>``) it."""
    place, *cuts = _CUT.split(path)
    return tuple(place.split(".")), tuple(zip(cuts[::3], cuts[1::3], strict=True))


def word(answer: Any, path: str | None, longest: int = _LONGEST_WORD) -> str:
    """The text, number or truth at a path, as text, cut; "" if there is none."""
    found = at(answer, path)
    if isinstance(found, bool):
        return str(found).lower()
    return str(found)[:longest] if isinstance(found, str | int | float) else ""


def items(answer: Any, path: str | None) -> list[Any]:
    """The list at a path. Raises UnlikeDescriptionError if there is none."""
    found = at(answer, path)
    if not isinstance(found, list):
        raise UnlikeDescriptionError(f"got {type(found).__name__} at {path or 'the top'}, want a list")
    return found


def moment(answer: Any, path: str) -> datetime:
    """The time at a path, aware, UTC: ISO 8601, where one without a zone is UTC, or seconds since 1970 as a number.

    Raises UnlikeDescriptionError.
    """
    said, text = at(answer, path), word(answer, path, 60)
    try:
        if isinstance(said, int):
            return datetime.fromtimestamp(said, UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise UnlikeDescriptionError(f"got {text!r} at {path}, want a time as ISO 8601, or in seconds") from None
