"""Time and chance of the channels are those that they are opened with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHANNELS = Path(__file__).parents[2] / "canary" / "channels"
OWN_TIME = {"asyncio.sleep", "asyncio.wait_for", "datetime.now", "datetime.utcnow", "date.today"}
OWN_CHANCE = {"SystemRandom", "Random"}
"""May be named as types and made as defaults, never drawn from by a module on its own."""


def used(source: str) -> Iterator[str]:
    """What a module takes of time and chance by itself: names with dots, and modules that are nothing else."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in OWN_TIME:
            yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from ({alias.name for alias in node.names} & {"time", "random", "secrets"})
        elif isinstance(node, ast.ImportFrom) and node.module in {"time", "random", "secrets"}:
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name not in OWN_CHANCE)


@pytest.mark.parametrize("path", sorted(CHANNELS.rglob("*.py")), ids=lambda path: path.relative_to(CHANNELS).as_posix())
def test_a_module_has_no_time_and_no_chance_of_its_own(path: Path) -> None:
    assert list(used(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time", "from time import monotonic", "import asyncio\nawait asyncio.sleep(1)",
        "from datetime import datetime\ndatetime.now()", "import random", "from secrets import choice",
    ],
)  # fmt: skip
def test_what_has_is_found(source: str) -> None:
    assert list(used(source))
