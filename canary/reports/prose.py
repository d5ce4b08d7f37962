"""The words of the reports: read from ``texts/``, and said a little differently each time.

A text file has sections (``# body``). In a section each line is one way to say something, and a blank line stands
between one thing to say and the next. ``<red|blue>`` is a choice within a line, ``{host}`` a fact filled in last, and
``\\n`` a line break.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from random import Random

Slot = tuple[str, ...]
"""The ways to say one thing."""

_CHOICE = re.compile(r"<([^<>]*)>")
_SPACES = re.compile(r" {2,}")


@cache
def load(name: str) -> Mapping[str, tuple[Slot, ...]]:
    """The sections of ``texts/NAME.txt``, each as its slots in order. ``name`` is one of ours, never input."""
    text = (files(__package__) / "texts" / f"{name}.txt").read_text(encoding="utf-8")
    sections: dict[str, list[list[str]]] = {}
    slots: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("# "):
            slots = sections.setdefault(line.removeprefix("# "), [[]])
        elif line:
            slots[-1].append(line.replace("\\n", "\n"))
        elif slots[-1]:
            slots.append([])
    return {title: tuple(tuple(slot) for slot in found if slot) for title, found in sections.items()}


def say(slot: Slot, facts: Mapping[str, str], rng: Random) -> str:
    """One way to say it, with its facts. Raises KeyError for a fact that is not there."""
    chosen = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), rng.choice(slot))
    return _SPACES.sub(" ", chosen).strip(" ").format_map(facts)


def some(slots: tuple[Slot, ...], rng: Random) -> list[Slot]:
    """About half of the given ways to say something, as slots of their own, in any order."""
    lines = [line for slot in slots for line in slot]
    return [(line,) for line in rng.sample(lines, rng.randint(0, min(3, len(lines))))]
