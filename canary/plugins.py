"""What installed packages add to ours, found by their entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any


def plugins(group: str) -> dict[str, Any]:
    """What installed packages have under an entry point group, by name."""
    return {point.name: point.load() for point in installed().select(group=group)}


@cache
def installed() -> Any:
    """Every entry point: all packages are looked through for it, once."""
    return entry_points()
