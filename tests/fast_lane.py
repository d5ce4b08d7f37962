"""The fast lane: the tests that start no program and no whole canary, found by where they are and what they import.

They need no package of Debian.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
STARTERS = {
    "subprocess",
    "canary.audit.report.make",  # PDF by libraries of the system
    "canary.audit.report.pdf",
    "canary.channels.forms.browser",
    "canary.cli.main",  # any command
    "canary.demo.ca",  # its servers are our own, and slow to start
    "canary.evidence.hsm",
    "pkcs11",
}
"""Whoever imports one of these, or a module of the tests that does, may start a program."""


def is_slow(item: pytest.Item) -> bool:
    """Whether a test runs a whole canary, or its file, or that of a fixture that it asks for, may start a program."""
    if TESTS / "e2e" in item.path.parents:
        return True
    fixtures: dict[str, Any] = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009  # pytest tells it nowhere else
    files = {Path(found[-1].func.__code__.co_filename) for found in fixtures.values()}
    return any(may_start(file) for file in {item.path, *files} if TESTS in file.parents)


@cache
def may_start(file: Path) -> bool:
    """Whether a file of the tests, or another one that it imports, imports one of :data:`STARTERS`."""
    names = _imported(file)
    return bool(names & STARTERS) or any(may_start(other) for other in map(_file, names) if other not in (None, file))


def _imported(file: Path) -> set[str]:
    """What a file imports: modules, and what may be one (``from servers import debian``)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _file(module: str) -> Path | None:
    """The file of a module of the tests."""
    path = TESTS.joinpath(*module.removeprefix("tests.").split(".")).with_suffix(".py")
    return path if path.is_file() else None


def refuse_programs() -> None:
    """From now on nothing may be started: a test that does so does not belong here, and fails."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("subprocess.Popen", "os.posix_spawn", "os.exec") and arguments[0] != "uname":  # asked by xdist
            raise RuntimeError(f"started in the fast lane, see {__file__}: {arguments[:2]}")

    sys.addaudithook(refuse)
