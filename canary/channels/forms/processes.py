"""The processes of a browser, as Linux shows them: how much memory they hold, a limit on each, and their end."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_LAST = 15
"""As of nice(1): how much is made way for others, at most 19."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its number, the process that began it, its group, and when it began, in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    began: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a process has: bytes of memory that nobody else could have for the asking, whether it is a page's, and how
    many seconds of a processor it has had."""

    pid: int
    memory: int
    page: bool
    seconds: float = 0.0


class Processes:
    """A browser with all that it began, which is its process group, and the driver that began it."""

    def __init__(self, browser: int) -> None:
        """Raises OSError if there is no process ``browser`` (any more)."""
        self._browser = _read(browser)
        self._driver = _read(self._browser.parent)

    def limit(self, data: int) -> None:
        """Let none of them, and none that they begin from now on, have more than ``data`` bytes that it can write to
        (RLIMIT_DATA of setrlimit(2)): a page that wants more is told that there is none, or ends.

        RLIMIT_AS is of no use: a renderer reserves more than a terabyte of addresses that it does not touch.
        """
        for pid in self._group():
            with suppress(OSError):  # it has ended meanwhile, or is not ours to limit: then the look is what bounds it
                _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
                most = data if hard == resource.RLIM_INFINITY else min(data, hard)
                resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))

    def look(self) -> list[Held]:
        """What each of them holds now, the driver's among them."""
        found = []
        for pid in (*self._group(), self._driver.pid):
            with suppress(OSError):  # it has ended meanwhile
                found.append(_held(pid))
        return found

    def stand_back(self, pid: int) -> None:
        """Let one of them have what others leave of the processors."""
        with suppress(OSError):
            if os.getpgid(pid) == self._browser.group:
                os.setpriority(os.PRIO_PROCESS, pid, _LAST)

    def end(self, pid: int | None = None) -> None:
        """Kill one of them, or all of the browser's: its driver sees that, and ends by itself or is :meth:`left`."""
        with suppress(OSError):
            if _read(self._browser.pid) != self._browser:
                return  # the number is somebody else's by now
            if pid is None:
                os.killpg(self._browser.group, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)

    def end_driver(self) -> None:
        """Kill the driver, of which it is known that it does not end by itself."""
        with suppress(OSError):
            if _read(self._driver.pid) == self._driver:
                os.kill(self._driver.pid, signal.SIGKILL)

    def _group(self) -> Iterator[int]:
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if _read(int(entry.name)).group == self._browser.group:
                        yield int(entry.name)


def _read(pid: int) -> Process:
    """From ``/proc/PID/stat``, see proc(5). The name in it may have any character, so what counts is the last ``)``."""
    fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[19]))


def _held(pid: int) -> Held:
    """Files that are mapped do not count: the program itself is, and the system may drop what it has of them."""
    folder = _PROC / str(pid)
    lines = (folder / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:"))]
    times = (folder / "stat").read_bytes().rpartition(b")")[2].split()[11:13]
    page = b"--type=renderer" in (folder / "cmdline").read_bytes()
    return Held(pid, 1024 * sum(sizes), page, sum(map(int, times)) / _TICKS)
