"""What is imported when it is first needed: a table of kinds names classes whose libraries only a prober uses."""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any


def later(where: str) -> Callable[..., Any]:
    """A function that calls what stands at ``where`` (``module:name``), and imports that module the first time."""

    def call(*arguments: Any) -> Any:
        return resolve_name(where)(*arguments)

    return call
