"""What is handed in and not kept, since so much like it is: counted, and told to the ledger now and then."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from canary.ledger import Event, Ledger
from canary.ledger import events as record
from canary.model import Flood

_SOON = timedelta(seconds=10)
"""How long a count is gathered at least before it is recorded."""
_PART = 10
"""A count of a probe is gathered for as long as one part in so many of the probe's age: so a flood that does not end
is told in ever fewer events."""
_NOBODYS = timedelta(hours=1)
"""How long a count is gathered that is of no probe we know."""
_MOST = 10_000
"""Floods of single probes that are told apart; those beyond are counted together, by channel."""


@dataclass(slots=True)
class _Count:
    number: int
    since: datetime
    due: datetime


class Floods:
    """Counts of what was not kept. Callable from any thread; nothing here waits for the disk.

    What is counted and not recorded yet is lost if the process is killed, never if it is stopped.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._counts: dict[Flood, _Count] = {}
        self._next: datetime | None = None
        self._changing = threading.Lock()

    def count(self, flood: Flood, number: int, began: datetime | None, now: datetime) -> None:
        """Count ``number`` more of a flood; ``began`` is when its probe did, None for one of no probe we know."""
        with self._changing:
            if len(self._counts) >= _MOST and flood not in self._counts:
                flood, began = replace(flood, probe=None), None
            known = self._counts.get(flood)
            if known is not None:
                known.number += number
                return
            wait = _NOBODYS if began is None else max(_SOON, (now - began) / _PART)
            self._enter(flood, _Count(number, now, now + wait))

    def record(self, now: datetime, *, everything: bool = False) -> None:
        """Have recorded what was gathered for long enough, or ``everything``."""
        with self._changing:
            if not everything and (self._next is None or now < self._next):
                return
            due = {flood: count for flood, count in self._counts.items() if everything or count.due <= now}
            for flood in due:
                del self._counts[flood]
            self._next = min((count.due for count in self._counts.values()), default=None)
        events = [record.flood(now, flood, count.number, count.since) for flood, count in due.items()]
        if events:
            self._ledger.append(*events).add_done_callback(partial(self._written, due, now))

    def move(self, by: timedelta) -> None:
        """Our clock was set: nothing is recorded later for that."""
        with self._changing:
            for count in self._counts.values():
                count.since, count.due = count.since + by, count.due + by
            self._next = self._next and self._next + by

    def _written(self, told: dict[Flood, _Count], now: datetime, added: Future[list[Event]]) -> None:
        """What could not be recorded is counted still."""
        if added.exception() is None:
            return
        with self._changing:
            for flood, count in told.items():
                again = self._counts.get(flood)
                number = count.number + (again.number if again else 0)
                self._enter(flood, _Count(number, count.since, now + _SOON))

    def _enter(self, flood: Flood, count: _Count) -> None:
        self._counts[flood] = count
        self._next = count.due if self._next is None else min(self._next, count.due)
