"""What remains of a browser when the canary that had it is killed: nothing that runs, and nothing that the next does
not clear away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

STARTS = """
import asyncio, sys, time
from canary.clock import Clock
from canary.channels.forms.browser import Browser
from canary.channels.forms.settings import BrowserSettings
async def main():
    async with Browser(BrowserSettings(), Clock()).visit() as visited:
        page = await visited.context.new_page()
        print("ready", flush=True)
        await page.evaluate("for (;;);")
asyncio.run(main())
"""


@pytest.fixture
def cache() -> Iterator[Path]:
    """A folder with a short name, as Chromium wants it."""
    with TemporaryDirectory(prefix="c-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def test_nothing_is_left_of_a_canary_that_was_killed(cache: Path) -> None:
    """Not even where a page does not let go; and what another canary has is left alone."""
    environment = {**os.environ, "CACHE_DIRECTORY": str(cache)}
    ours = [subprocess.Popen([sys.executable, "-c", STARTS], env=environment, stdout=subprocess.PIPE) for _ in "ab"]
    for process in ours:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    left, kept = [next(f for f in cache.iterdir() if str(f) in tree(process.pid)) for process in ours]
    ours[0].kill()
    ours[0].wait()
    while str(left) in "".join(everything()):
        time.sleep(0.1)
    third = subprocess.Popen([sys.executable, "-c", STARTS], env=environment, stdout=subprocess.PIPE)
    assert third.stdout is not None
    assert third.stdout.readline() == b"ready\n"
    assert not left.exists()
    assert kept.exists()
    for process in (ours[1], third):
        process.kill()
        process.wait()
    while str(cache) in "".join(everything()):
        time.sleep(0.1)


def everything() -> list[str]:
    """The command lines of all processes: those of Chromium name its profile."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


def tree(pid: int) -> str:
    """The command lines of the browser that a process has begun, by way of its driver."""
    drivers = children(pid)
    return "".join(
        (Path("/proc") / str(browser) / "cmdline").read_bytes().decode(errors="replace")
        for driver in drivers
        for browser in children(driver)
    )


def children(pid: int) -> list[int]:
    tasks = (Path("/proc") / str(pid) / "task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
