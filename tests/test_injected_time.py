"""Everything asks the clock that it is given: nothing in the package knows the time, or waits, by itself.

The limits of asyncio itself are by the time of its loop, which on simulated time is the clock's. How long a library
waits for an answer of a server (``timeout`` of a client) is its own affair: servers are not simulated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "canary"
THE_CLOCK = "clock.py"

MODULES = {"time", "sched", "_thread"}
"""Whoever imports one of these can only want the time of the machine."""
ASKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("asyncio", "sleep"),
    ("threading", "Timer"), ("uuid", "uuid1"), ("utils", "formatdate"), ("utils", "localtime"), ("utils", "make_msgid"),
}  # fmt: skip
WORDS = {name for _, name in ASKS} - {"now"}
"""Such functions, where they are imported by name."""
WAITS = {"wait", "wait_for", "join", "result", "get", "acquire", "select", "poll", "exception"}
"""Methods that wait no longer than they are told, by ``timeout``."""
FIRST = {"wait", "wait_for", "select", "poll"}
"""Those that may be told by an argument without a name."""

BY_ITSELF = {
    (
        "channels/forms/controls.py",
        "wait_for with a limit",
    ): "it waits for a browser's page, which knows no clock of ours",
    ("queues/imap/wire.py", "poll with a limit"): "it waits for a server's socket, which knows no clock of ours",
    ("simulated.py", "select with a limit"): "it is the loop that makes simulated time pass, and waits for nothing",
    ("watched_loop.py", "select with a limit"): "it is the loop itself that rests",
}
"""What may be done without the clock, by file: each with its reason."""


def asked(source: str) -> Iterator[tuple[int, str]]:
    """Line and words of whatever in a module knows the time, or waits, by itself."""
    for node in ast.walk(ast.parse(source)):
        for what in _asked(node):
            yield node.lineno, what  # type: ignore[attr-defined]


def _asked(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"import {name.name}" for name in names if name.name in MODULES)
        case ast.ImportFrom(module=str(module), names=names):
            if module in MODULES:
                yield f"from {module} import"
            yield from (name.name for name in names if name.name in WORDS)
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if (owner, name) in ASKS:
            yield f"{owner}.{name}"
        case ast.Call(func=ast.Attribute(attr="time"), args=[], keywords=[]):
            yield "time()"
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args, keywords=keywords) if name in WAITS:
            limited = any(word.arg == "timeout" for word in keywords) or (name in FIRST and bool(args))
            if limited and not _is_ours(owner):
                yield f"{name} with a limit"


def _is_ours(owner: ast.expr) -> bool:
    """Whether it is asyncio, or a clock."""
    match owner:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.lstrip("_") in ("asyncio", "clock")
    return False


def modules() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", modules())
def test_a_module_asks_its_clock(module: str) -> None:
    found = list(asked((PACKAGE / module).read_text()))
    if module == THE_CLOCK:
        assert found
        return
    assert [(line, what) for line, what in found if (module, what) not in BY_ITSELF] == []


def test_every_exception_is_still_one() -> None:
    found = {(module, what) for module in modules() for _, what in asked((PACKAGE / module).read_text())}
    assert BY_ITSELF.keys() <= found


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import time as clock",
        "from time import monotonic",
        "datetime.now(UTC)",
        "datetime.datetime.now(UTC)",
        "f = datetime.now",
        "date.today()",
        "await asyncio.sleep(1)",
        "from asyncio import sleep",
        "loop.time()",
        "asyncio.get_running_loop().time()",
        "stopping.wait(10)",
        "self._news.wait_for(ready, 10)",
        "thread.join(timeout=10)",
        "future.result(timeout=10)",
        "queue.get(timeout=1)",
        "poller.poll(1000)",
        "formatdate()  # and\nfrom email.utils import formatdate",
        "email.utils.make_msgid()",
    ],
)
def test_who_does_not_is_found(source: str) -> None:
    assert list(asked(source))


@pytest.mark.parametrize(
    "source",
    [
        "clock.now()",
        "self._clock.wait(stopping, 10)",
        "await clock.sleep(1)",
        "await asyncio.wait(tasks, timeout=10)",
        "await asyncio.wait_for(event.wait(), 10)",
        "await event.wait()",
        "','.join(words)",
        "settings.get(name)",
        "moment.date()",
    ],
)
def test_who_does_is_left_alone(source: str) -> None:
    assert list(asked(source)) == []
