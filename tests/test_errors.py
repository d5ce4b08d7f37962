"""Every error of ours stands under one root."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import canary
from canary.model import CanaryError
from canary.queues.loop import StoppedError

SIGNALS = {StoppedError}
"""What ends a thread that is to stop: caught by whoever started it, and nothing went wrong."""

ALONE = "canary.audit.verifier."
"""Imports nothing of ours."""


def errors() -> Iterator[type[BaseException]]:
    """The exceptions that a caller may see, of all modules."""
    for module in pkgutil.walk_packages(canary.__path__, "canary."):
        if module.name.startswith(ALONE) or module.name.endswith(".__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            own = isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == module.name
            if own and not name.startswith("_"):
                yield value


def test_every_error_stands_under_one_root() -> None:
    found = set(errors())
    assert len(found) > 5
    assert {error for error in found - SIGNALS if not issubclass(error, CanaryError)} == set()


def test_what_is_also_an_error_of_python_stands_under_that_too() -> None:
    values = {error.__name__ for error in errors() if issubclass(error, ValueError)}
    assert {"ConfigError", "NoteError", "UnreadableError"} <= values
