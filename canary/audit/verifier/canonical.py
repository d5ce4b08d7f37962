"""Canonical JSON (RFC 8785): one way only to write a value, so no two readers can see two things in the same bytes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from .findings import RefusedError, require

_LARGEST_EXACT = 2**53 - 1
_POINT_LEFT, _POINT_RIGHT = -6, 21  # beyond, ECMAScript writes an exponent


def load(raw: bytes) -> Any:
    """The value of canonical JSON. Raises RefusedError for any other form, such as one that names a key twice."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RefusedError(f"not JSON: {error!s:.100}") from error
    require(dumps(value) == raw, "not canonical JSON (RFC 8785)")
    return value


def dumps(value: Any) -> bytes:
    """The canonical form of a value. Raises RefusedError for what it cannot say."""
    try:
        parts: list[str] = []
        _write(value, parts)
        return "".join(parts).encode("utf-8")
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        raise RefusedError("not sayable in canonical JSON") from error


def _write(value: Any, parts: list[str]) -> None:
    """Put the pieces of a value behind those that are there: no piece is copied from depth to depth."""
    if value is None or isinstance(value, bool | str):
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int | float):
        exact = isinstance(value, int) and abs(value) <= _LARGEST_EXACT
        parts.append(str(value) if exact else _number(float(value)))
    elif isinstance(value, dict):
        parts.append("{")
        for number, key in enumerate(sorted(value, key=lambda name: name.encode("utf-16-be"))):
            parts.append("," if number else "")
            _write(key, parts)
            parts.append(":")
            _write(value[key], parts)
        parts.append("}")
    else:
        parts.append("[")
        for number, item in enumerate(value):
            parts.append("," if number else "")
            _write(item, parts)
        parts.append("]")


def _number(value: float) -> str:
    """A number as ECMAScript writes it (ECMA-262 Number::toString): the shortest digits that read back the same."""
    if value == 0:
        return "0"
    require(value - value == 0, "a number that is not finite")
    sign, digits_, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, digits_))
    point = len(digits) + int(exponent)  # the value is 0.DIGITS times ten to this
    digits = digits.rstrip("0")
    if len(digits) <= point <= _POINT_RIGHT:
        text = digits.ljust(point, "0")
    elif 0 < point <= _POINT_RIGHT:
        text = f"{digits[:point]}.{digits[point:]}"
    elif _POINT_LEFT < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        text = f"{mantissa}e{point - 1:+d}"
    return "-" * sign + text
