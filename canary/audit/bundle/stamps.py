"""The time-stamps that a ledger tells of, and those of them that say the most about an event."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from canary.ledger import EventKind
from canary.ledger.reader import LedgerReader

_NO_TIMESTAMPS = {"timestamp", "evidence", "evidence_key", "unusable", "not_written"}
"""What a ``trouble`` event calls a fault by which no time-stamp is had."""


@dataclass(frozen=True, slots=True)
class RecordedStamp:
    """A time-stamp of the checkpoint of ``size`` events, recorded in event ``seq``; ``token`` is the artefact."""

    size: int
    seq: int
    tsa: str
    token: str


class RecordedStamps:
    """Every time-stamp of a checkpoint whose size is among ``sizes``. Reads the ledger once."""

    def __init__(self, ledger: LedgerReader, sizes: Set[int]) -> None:
        self._ledger = ledger
        self._of: dict[str, list[RecordedStamp]] = {}
        for e in ledger.events(kind=EventKind.TIMESTAMPED):
            if e.body["size"] in sizes:
                stamp = RecordedStamp(e.body["size"], e.seq, e.body["tsa"], e.body["token"])
                self._of.setdefault(stamp.tsa, []).append(stamp)

    def around(self, earliest: Iterable[int], latest: Iterable[int]) -> set[RecordedStamp]:
        """Of each authority: the newest time-stamp recorded up to each event number of ``earliest``.

        And the first one of a checkpoint that has each of ``latest``.
        """
        found: set[RecordedStamp] = set()
        earliest, latest = set(earliest), set(latest)
        for stamps in self._of.values():
            found |= {stamp for seq in earliest for stamp in _upto(stamps, seq)}
            found |= {stamp for seq in latest for stamp in _over(stamps, seq)}
        return found

    def told(self, events: Iterable[int], carried: Iterable[int]) -> set[int]:
        """Numbers of the events that tell why the time-stamps around each of these may be far apart.

        The first fault and the first beginning of the canary between them; the log's first event where none is before.
        ``carried`` are the sizes of checkpoints that reports carried: the time-stamps before those count too.
        """
        windows = {self._window(seq) for seq in events} | {(self._window(size + 1)[0], None) for size in carried}
        faults = [e.seq for e in self._ledger.events(kind=EventKind.TROUBLE) if e.body.get("reason") in _NO_TIMESTAMPS]
        begun = [e.seq for e in self._ledger.events(kind=EventKind.STARTED)]
        found = {1 for below, _ in windows if not below}
        for told in (faults, begun):
            for below, upto in windows:
                found |= {seq for seq in told[bisect_right(told, below) :][:1] if upto is None or seq <= upto}
        return found

    def _window(self, seq: int) -> tuple[int, int | None]:
        """The size of the newest checkpoint that was stamped before an event (0 for none), of the first with it."""
        before = [stamp.size for stamps in self._of.values() for stamp in _upto(stamps, seq - 1)]
        over = [stamp.size for stamps in self._of.values() for stamp in _over(stamps, seq)]
        return max(before, default=0), min(over, default=None)


def _upto(stamps: list[RecordedStamp], seq: int) -> Iterator[RecordedStamp]:
    """The newest one that was recorded up to event ``seq``."""
    place = bisect_right(stamps, seq, key=lambda stamp: stamp.seq)
    yield from stamps[max(0, place - 1) : place]


def _over(stamps: list[RecordedStamp], seq: int) -> Iterator[RecordedStamp]:
    """The first one of a checkpoint that has event ``seq``."""
    place = bisect_left(stamps, seq, key=lambda stamp: stamp.size)
    yield from stamps[place : place + 1]
