"""One schedule a state folder: a second `run` is refused."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canary.model import Component, OwnFaultError
from canary.private import open_private


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the lock of a state folder: two schedules on one ledger would send everything twice."""
    try:
        descriptor = open_private(state / "run.lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise OwnFaultError(Component.STORE, "unusable", f"cannot write in {state}: {error}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            detail = (
                f"another cpr-canary run already uses {state}; stop it first, or give this one another state folder"
            )
            raise OwnFaultError(Component.CONFIG, "already_running", detail) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
