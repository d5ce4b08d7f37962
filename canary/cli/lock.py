"""One schedule a state folder: a second `run` is refused."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canary.model import Component, OwnFaultError


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the lock of a state folder: two schedules on one ledger would send everything twice."""
    try:
        lock = (state / "run.lock").open("w", encoding="ascii")
    except OSError as error:
        raise OwnFaultError(Component.STORE, "unusable", f"cannot write in {state}: {error}") from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            detail = (
                f"another cpr-canary run already uses {state}; stop it first, or give this one another state folder"
            )
            raise OwnFaultError(Component.CONFIG, "already_running", detail) from error
        file.write(str(os.getpid()))
        file.flush()
        yield
