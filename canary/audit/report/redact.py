"""Addresses of people, taken out of what a report shows. Pure; on by default.

Who approved, ordered or noted something stays as it was written: an approval by nobody is none. So does what the
configuration discloses as a channel's own address.

The domain stays, since it tells whose system spoke. The part before the @ goes, and so does a name that stands in front
of an address in angle brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

REDACTED = "[redacted]"

_AT = re.compile(r"(?:@|＠|﹫|%40|=40|\s?[\[({]\s?at\s?[\])}]\s?)+", re.IGNORECASE)
_NOT_LOCAL = re.compile(r"[\s<>()\[\]{},;:\"]")
_NAME_WORDS = 4

_KEPT = frozenset({"approved_by", "by", "target", "in_words", "remark"})
"""Fields and keys whose value stays: who approved it, what is disclosed, and words that are made of such values alone,
or of what was redacted before."""

T = TypeVar("T")


def redact(text: str) -> str:
    """``text`` without the local part of any address in it, and without a name that stands before ``<address>``."""
    parts: list[str] = []
    done = 0
    for at in _AT.finditer(text):
        before = text[done : at.start()]
        kept = _without_local_part(before)
        if kept != before:
            bracketed = kept.endswith("<")
            parts += [_without_name(kept[:-1]) + "<" if bracketed else kept, REDACTED]
        else:
            parts.append(before)
        parts.append(at[0])
        done = at.end()
    return "".join([*parts, text[done:]])


def _without_local_part(text: str) -> str:
    """``text`` without what ends it: a quoted string, or characters that may stand in a local part."""
    if text.endswith('"'):
        return text[: max(text.rfind('"', 0, -1), 0)]
    end = len(text)
    while end and not _NOT_LOCAL.match(text[end - 1]):
        end -= 1
    return text[:end]


def _without_name(text: str) -> str:
    """``text`` without the name that ends it: a quoted one, or words that do not begin with a small letter."""
    bare = text.rstrip()
    if bare.endswith('"'):
        return bare[: max(bare.rfind('"', 0, -1), 0)] + REDACTED + " "
    words = bare.rsplit(" ", _NAME_WORDS)
    name = len(words)
    while (
        name > max(len(words) - _NAME_WORDS, 0) and words[name - 1][:1].isalpha() and not words[name - 1][0].islower()
    ):
        name -= 1
    if name == len(words):
        return text
    return " ".join([*words[:name], REDACTED, ""])


def redacted(value: T) -> T:
    """``value`` with every text in it redacted but those that stay, however deep: dataclasses, mappings, sequences."""
    return _walk(value)  # type: ignore[no-any-return]


def _walk(value: Any) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else redact(value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if f.init and f.name not in _KEPT]
        return replace(value, **{name: _walk(getattr(value, name)) for name in names})
    if isinstance(value, Mapping):
        return {_walk(key): item if key in _KEPT else _walk(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_walk, value))
    return value
