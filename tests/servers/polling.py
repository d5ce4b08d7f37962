"""Wait for a condition by asking again and again, never by hoping that a pause was long enough."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
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


def tail(path: Path, lines: int = 30) -> str:
    """The last lines of a log file, for an error message; empty if there is no such file."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def until_ready(server: str, addresses: Iterable[tuple[str, int]], *logs: Path) -> None:
    """Wait until a server accepts connections at every address; AssertionError with the end of its logs if not."""
    for address in addresses:
        try:
            until(partial(listening, address), f"{server} at {address[0]}:{address[1]}")
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *map(tail, logs)])) from None
