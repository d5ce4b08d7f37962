"""A transaction: once it is over, nothing of it is left behind but the state that it arrived at."""

from __future__ import annotations

import gc
from pathlib import Path

from builders import START

from canary.ledger import Event, EventKind, Ledger


def folds() -> list[object]:
    return [known for known in gc.get_objects() if type(known).__name__ == "Fold"]


def test_what_was_published_goes_with_the_next_state_and_waits_for_no_search_for_garbage(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, inline=True)
    event = Event(EventKind.TROUBLE, START, {"component": "imap", "reason": "login", "detail": "no"})
    gc.collect()
    gc.disable()
    try:
        others = folds()
        ledger.append(event).result()
        before = id(ledger.state)
        ledger.append(event).result()
        assert len(folds()) == len(others)
        assert before != id(ledger.state)
    finally:
        gc.enable()
        ledger.close()
