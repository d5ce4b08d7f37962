"""The faults of ours on which it rests that something of a probe is called indeterminate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from canary.ledger import Event, EventKind
from canary.ledger.event_reader import EventReader
from canary.model import DeadlineResult

_TOLD_BY = (EventKind.TROUBLE, EventKind.STARTED)
"""What went wrong; and that a prober began, which did not run before."""


def faults(ledger: EventReader, events: Iterable[Event]) -> Iterator[int]:
    """The numbers of the newest such events between the first of a probe's and each that calls it indeterminate."""
    begun = 0
    for event in events:
        begun = begun or event.seq
        if DeadlineResult.INDETERMINATE in (event.body.get("outcome"), *event.body.get("owed", {}).values()):
            told = ledger.events(kind=_TOLD_BY, after=begun, upto=event.seq, newest=1)
            yield from (fault.seq for fault in told)
