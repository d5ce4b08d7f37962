"""A process whose files cannot grow for a while, as on a full disk; prints what its ledger said, as JSON.

``full_disk.py FOLDER``. The limit is RLIMIT_FSIZE, which anybody may lower and raise again; SQLite meets it where it
would meet ENOSPC, in the write to its log.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from builders import a_probe, after, message

from canary.ledger import Event, EventKind, Ledger
from canary.ledger import events as record
from canary.model import OwnFaultError


def limit_files(to: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if to is None else to, hard))


def told(ledger: Ledger, *events: Event) -> str:
    """What came of an attempt to append, with a cursor."""
    try:
        added = ledger.append(*events, cursor=("cpr-mailbox", {"uid": len(events)})).result(timeout=60)
    except OwnFaultError as error:
        return f"{error.component}/{error.reason}"
    return f"{len(added)} added"


def trouble(size: int) -> Event:
    return Event(EventKind.TROUBLE, after(1), {"component": "imap", "reason": "login", "detail": "x" * size})


def main() -> None:
    folder = Path(sys.argv[1])
    ledger = Ledger(folder)
    found: dict[str, Any] = {"before": told(ledger, trouble(10))}
    limit_files((folder / "ledger.sqlite-wal").stat().st_size + 20_000)
    probe = record.scheduled(a_probe(), "m" * 40)
    found["full"] = [told(ledger, probe, trouble(60_000), trouble(60_000), trouble(10)) for _ in range(3)]
    found["not_written"] = ledger.not_written
    found["open"] = sorted(ledger.state.open)
    found["channels"] = len(ledger.state.totals.channels)
    found["known"] = ledger.known(a_probe().id)
    found["cursor"] = ledger.cursor("cpr-mailbox")
    found["seq"] = ledger.state.seq
    limit_files(None)
    found["after"] = told(ledger, probe, record.submitting(a_probe().id, after(0), None, message(0)))
    found["numbers"] = [event.seq for event in ledger.events()]
    ledger.close()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
