"""A process whose state folder is made read-only under it, and writable again; prints what its ledger said, as JSON.

``read_only.py FOLDER``. Whoever is root writes where they may not, so root becomes nobody first. The database's own
files are open already and stay writable, as they would not on a medium that turned read-only: for those SQLite itself
is told to refuse, with the error that it has for a read-only medium.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders import after

from canary.ledger import Event, EventKind, Ledger
from canary.model import OwnFaultError

NOBODY = 65534


def become_nobody(folder: Path) -> None:
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def told(work: Callable[[], Any]) -> str:
    try:
        work()
    except OwnFaultError as error:
        return f"{error.component}/{error.reason}"
    return "done"


def writable(folder: Path, yes: bool) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod((0o700 if path.is_dir() else 0o600) if yes else (0o500 if path.is_dir() else 0o400))


def refuse(ledger: Ledger, switch: str) -> None:
    ledger._connection.execute(f"PRAGMA query_only={switch}")


def attempts(ledger: Ledger) -> list[str]:
    trouble = Event(EventKind.TROUBLE, after(1), {"component": "imap", "reason": "login", "detail": "no"})
    return [told(lambda: ledger.append(trouble).result(timeout=60)), told(lambda: ledger.keep(os.urandom(99)))]


def main() -> None:
    folder = Path(sys.argv[1])
    state = folder / "state"
    ledger = Ledger(state)
    found: dict[str, Any] = {"before": attempts(ledger)}
    become_nobody(folder)
    writable(state, False)
    refuse(ledger, "ON")
    found["read-only"] = attempts(ledger)
    found["not_written"] = ledger.not_written
    writable(state, True)
    refuse(ledger, "OFF")
    found["after"] = attempts(ledger)
    found["numbers"] = [event.seq for event in ledger.events()]
    ledger.close()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
