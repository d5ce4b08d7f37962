"""Canonical JSON (RFC 8785), by the standard library's C encoder wherever it says the same as rfc8785.

Six events a probe are written in it, and rfc8785 is Python: it costs ten times as much.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import rfc8785

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


def canonical(value: Any) -> bytes:
    """``value`` in its one form. What UTF-8 cannot say (half a surrogate pair) is written ``?``.

    Raises :class:`rfc8785.CanonicalizationError` for what JSON cannot say: other types, NaN, integers beyond 2**53.
    """
    return written(value)[0]


def written(value: Any) -> tuple[bytes, Any]:
    """:func:`canonical`, and what is read from it: a tuple has become a list, 1.0 is 1."""
    try:
        plain = _plain(value)
        return _encode(plain).encode(), plain
    except (_OtherwiseError, UnicodeEncodeError):
        pass
    try:
        form = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        form = rfc8785.dumps(_sayable(value))
    return form, json.loads(form)


class _OtherwiseError(Exception):
    """The two may differ here."""


def _plain(value: Any) -> Any:
    """``value`` with what Python writes as ECMAScript does (RFC 8785 section 3.2.2.3), or :class:`_OtherwiseError`."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        if not all(type(key) is str and key.isascii() for key in value):  # others are sorted by UTF-16 units
            raise _OtherwiseError
        return {key: _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item) for item in value]
    if kind is float and (value == 0 or 1e-4 <= abs(value) < 2**53):
        return int(value) if value.is_integer() else value
    if kind is int and -(2**53) < value < 2**53:
        return value
    raise _OtherwiseError


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_sayable(key): _sayable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(item) for item in value]
    return value
