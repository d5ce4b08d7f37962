"""Mistakes in a configuration file: where, what was found, what was wanted. Nothing here repeats a secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from canary.model import CanaryError

_SHOWN = 60  # characters of a wrong value that a message repeats


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake: ``where`` is the key with the keys around it, joined by dots; empty for the file itself."""

    file: str
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.where, self.message) if part)


class ConfigError(CanaryError, ValueError):
    """A configuration that is refused whole; its text lists the mistakes, one a line, in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def suggest(name: str, known: Iterable[str]) -> str:
    """What is wanted instead of the unknown ``name``: the nearest of the known ones, or one of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"want one of {', '.join(names)}" if names else "there is none"


def shown(value: Any) -> str:
    """A wrong value as a message repeats it: short, on one line, and of a container only that it is one."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=not str(value).isprintable(), default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "is_instance_of": "text",
}


def wording(error: ErrorDetails) -> str:
    """One of pydantic's errors in our words; not for a missing or unknown key, whose neighbours matter."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error":
        return _own(str(context["error"]), value)
    if kind in _WANTED:
        quotes = " in quotes" if kind == "string_type" and isinstance(value, bool | int | float) else ""
        return f"got {shown(value)}, want {_WANTED[kind]}{quotes}"
    if kind == "literal_error" or kind == "enum":
        return f"got {shown(value)}, want {context['expected'].replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        return f"got {shown(value)}, want text that matches {context['pattern']}"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"got {shown(value)}, want {bound}"
    if kind == "too_short":
        return f"got {context['actual_length']} entries, want at least {context['min_length']}"
    if kind in ("string_too_short", "string_too_long"):
        bound = f"at least {context['min_length']}" if "min_length" in context else f"at most {context['max_length']}"
        return f"got {shown(value)}, want {bound} characters"
    return error["msg"]


def _own(message: str, value: Any) -> str:
    """What a validator of ours says; where it tells only what it wanted, what it got is put before."""
    if message.startswith("wanted ") and ", got " not in message:
        return f"got {shown(value)}, want {message.removeprefix('wanted ')}"
    return message
