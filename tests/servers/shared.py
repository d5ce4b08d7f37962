"""One program for all workers of a test run: whoever comes first starts it, whoever leaves last ends it."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import IO

from servers.polling import until

_STARTED: list[Popen[bytes]] = []
"""What this worker started, which others may end: kept, so that nobody warns of it."""


@contextmanager
def shared(folder: Path, start: Callable[[], Popen[bytes]]) -> Iterator[None]:
    """A program that lives beside ``folder``, the same for each worker that names it.

    A worker that dies leaves, too: what it holds are locks of files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pid = folder / "pid"
    with (folder / "changing").open("w") as changing, (folder / "users").open("w") as users:
        with _locked(changing):
            if not pid.exists():
                _STARTED.append(start())
                pid.write_text(str(_STARTED[-1].pid))
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _locked(changing):
                if _is_last(users):
                    _end(int(pid.read_text()))
                    pid.unlink()


@contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    until(lambda: _is_over(pid), f"the end of process {pid}", 60)


def _is_over(pid: int) -> bool:
    """Whether a process, of this worker or of another, is gone, or waits for that to be noticed."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"
