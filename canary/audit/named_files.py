"""The files that events name: each is there and is what its name says, or retention told that it deleted it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple

from canary.ledger import Event, EventKind
from canary.ledger.reader import LedgerReader

_AT_ONCE = 50_000
"""Events whose files are looked at before it is asked which of those that are gone retention deleted."""


class _Deletion(NamedTuple):
    """Event ``seq`` tells that files were deleted which events from ``first`` to ``last`` named the last time."""

    seq: int
    first: int
    last: int


class NamedFiles:
    """Those of one ledger; ``number`` is how many were looked at. Holds those of 50,000 events in memory at a time."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger
        self.number = 0

    def check(self, progress: Callable[[int], object]) -> Iterator[str]:
        """What is wrong, a sentence each; ``progress`` is told up to which event. Raises OwnFaultError."""
        head, deletions = self._ledger.head(), self._deletions()
        size, left = head.seq if head else 0, dict[str, int]()
        for after in range(0, size, _AT_ONCE):
            upto = min(after + _AT_ONCE, size)
            gone = yield from self._gone(after, upto)
            left |= self._untold(gone, (one for one in deletions if one.first <= upto and one.last > after))
            progress(upto)
        if left:  # named again by an older event, or deleted since this began
            left = self._untold(left, self._deletions())
        for name, seq in left.items():
            yield f"event {seq} names the file {name}, which is not kept; nothing says that it was deleted"

    def _deletions(self) -> list[_Deletion]:
        told = self._ledger.events(kind=EventKind.FORGOTTEN)
        return [_Deletion(e.seq, e.body["first"], e.body["last"]) for e in told if "artefacts" in e.body]

    def _gone(self, after: int, upto: int) -> Generator[str, None, dict[str, int]]:
        """Returns the files of these events that are not there, with the number of the event; tells of changed ones."""
        gone: dict[str, int] = {}
        for event in self._ledger.events(after=after, upto=upto):
            for name in named_by(event):
                self.number += 1
                if self._ledger.artefacts.get(name) is not None:
                    continue
                if self._ledger.artefacts.path(name).exists():
                    yield f"the file {name}, which event {event.seq} names, is not what it was"
                else:
                    gone[name] = event.seq
        return gone

    def _untold(self, gone: dict[str, int], deletions: Iterable[_Deletion]) -> dict[str, int]:
        """Those of ``gone`` that none of these deletions explains: a later event needs a later one."""
        left = dict(gone)
        for told in deletions if gone else ():
            for event in self._ledger.events(after=told.seq - 1, upto=told.seq):
                for name in event.body["artefacts"]:
                    if left.get(name, told.last + 1) <= told.last:
                        del left[name]
        return left


def named_by(event: Event) -> Iterator[str]:
    """The SHA-256 of each file that an event names."""
    body = event.body
    match event.kind:
        case EventKind.SUBMITTING:
            yield body["payload"]
        case EventKind.SUBMITTED:
            yield from body["artefacts"].values()
        case EventKind.SIGHTING if body["message"]:
            yield body["message"]
        case EventKind.TIMESTAMPED:
            yield body["token"]
