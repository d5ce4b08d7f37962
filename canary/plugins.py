"""What installed packages add to ours, found by their entry points. None can take others along, nor replace ours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from canary.budgets import PLUGIN

T = TypeVar("T")


class Kinds(dict[str, T]):
    """What can be used, by name; ``refused`` are those that are installed and cannot be, with why, in words."""

    def __init__(self, own: Mapping[str, T]) -> None:
        super().__init__(own)
        self.refused: dict[str, str] = {}


def with_plugins(own: Mapping[str, T], group: str, why_not: Callable[[Any], str]) -> Kinds[T]:
    """Ours, and what installed packages have under an entry point group.

    ``why_not`` says what is wrong with one of theirs; empty if it is as it must be. What raises while it is loaded or
    looked at, or does not end within :data:`canary.budgets.PLUGIN`, is refused alone.
    """
    kinds = Kinds(own)
    for point in installed().select(group=group):
        if point.name in own:
            kinds.refused[point.name] = f"{_origin(point)} calls a kind by the name of one of ours"
            continue
        kind, why = _loaded(point, why_not)
        if why:
            kinds.refused[point.name] = f"{_origin(point)} cannot be used: {why}"
        else:
            kinds[point.name] = kind
    return kinds


def _loaded(point: EntryPoint, why_not: Callable[[Any], str]) -> tuple[Any, str]:
    """The object behind an entry point, and why it cannot be used."""
    found: list[tuple[Any, str]] = []

    def load() -> None:
        try:
            kind = point.load()
            found.append((kind, why_not(kind)))
        except BaseException as error:  # a package may also exit
            found.append((None, repr(error)))

    thread = threading.Thread(target=load, name=f"plug-in {point.name}", daemon=True)
    thread.start()
    thread.join(PLUGIN.seconds)
    return found[0] if found else (None, str(PLUGIN.too_late()))


def _origin(point: EntryPoint) -> str:
    package = point.dist.name if point.dist is not None else "a package"
    return f"{package} ({point.value})"


@cache
def installed() -> Any:
    """Every entry point: all packages are looked through for it, once."""
    return entry_points()
