"""Real processes, as Linux shows them: none of them a browser, which starts like any other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from servers.polling import until

from canary.channels.forms.processes import Processes

MIB = 1 << 20
TAKES = """
import subprocess, sys
held = "import sys; input(); held = b'x' * int(sys.argv[1]); print(len(held)); input()"
subprocess.run([sys.executable, "-c", held, sys.argv[1], "--type=" + "renderer"], stdin=sys.stdin)
"""


@pytest.fixture
def browser() -> Iterator[subprocess.Popen[str]]:
    """A process that leads a group, with a child that takes 64 MiB once it is given a line, and waits for another."""
    with subprocess.Popen(
        [sys.executable, "-c", TAKES, str(64 * MIB)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def line(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def child_of(processes: Processes, browser: int) -> int:
    """Waits until the child is there: it is started by the process."""
    while True:
        found = [held.pid for held in processes.look() if held.page and held.pid != browser]
        if found:
            return found[0]


def test_what_a_page_holds_is_told_apart(browser: subprocess.Popen[str]) -> None:
    processes = Processes(browser.pid)
    page = child_of(processes, browser.pid)
    line(browser)
    assert browser.stdout is not None
    assert int(browser.stdout.readline()) == 64 * MIB
    held = {one.pid: one for one in processes.look()}
    assert held[page].memory > 64 * MIB
    assert not held[browser.pid].page
    assert len(held) == 3  # and the driver, which is ourselves here


def test_who_is_limited_gets_no_more(browser: subprocess.Popen[str]) -> None:
    processes = Processes(browser.pid)
    child_of(processes, browser.pid)
    processes.limit(48 * MIB)
    line(browser)
    _, said = browser.communicate(timeout=60)
    assert "MemoryError" in said


def test_who_works_without_an_end_makes_way(browser: subprocess.Popen[str]) -> None:
    processes = Processes(browser.pid)
    page = child_of(processes, browser.pid)
    line(browser)  # its start alone may be less than a tick, and then it waits
    until(lambda: next(one.seconds for one in processes.look() if one.pid == page) > 0, "a tick of the processor")
    processes.stand_back(page)
    processes.stand_back(os.getpid())  # which is none of its
    nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (page, browser.pid, os.getpid())]
    assert nice == [15, nice[2], nice[2]]
    assert nice[2] < 15


def test_one_or_all_of_them_end_and_nobody_else(browser: subprocess.Popen[str]) -> None:
    processes = Processes(browser.pid)
    page = child_of(processes, browser.pid)
    processes.end(page)
    assert browser.wait(timeout=60) == 0
    processes.end()  # it is gone: its number may be anybody's
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as other:
        Processes(other.pid).end()
        assert other.wait(timeout=60) == -9
