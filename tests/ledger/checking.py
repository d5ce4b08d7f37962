"""What must be true of any ledger, however it came to be as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from canary.ledger import Ledger
from canary.ledger.state import Fold

HERE = Path(__file__).parent


def start(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """A program of this folder as a process of its own, its output a pipe."""
    return subprocess.Popen(
        [sys.executable, str(HERE / program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
    )


def is_whole(ledger: Ledger) -> None:
    """The numbers have no gap, and the state and the results are what follows from the events."""
    told = list(ledger.events())
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    ledger.refresh()
    fold = Fold(ledger.find)
    for event in told:
        fold.apply(event)
    assert fold.state() == ledger.state
    assert list(ledger.check_results()) == []
