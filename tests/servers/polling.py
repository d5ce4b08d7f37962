"""Wait for a condition by asking again and again, never by hoping that a pause was long enough."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, timeout: float = 20.0, pause: float = 0.02) -> T:
    """The first true value of ``condition()``; AssertionError naming ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for: {what} (last value {value!r})")
        time.sleep(pause)


def listening(address: tuple[str, int]) -> bool:
    """Does something accept connections at this address?"""
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


def tail(path: str, lines: int = 30) -> str:
    """The last lines of a log file, for an error message; empty if there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])
    except FileNotFoundError:
        return ""
