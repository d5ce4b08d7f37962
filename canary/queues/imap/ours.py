"""Which messages of a folder are our own reports, so that they are not taken for people's that wait to be read.

They may be many, and are mostly next to each other: kept as ranges, and written as IMAP's sets are (RFC 9051,
``sequence-set``), in what is remembered of the folder.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_RANGES = 1000
"""Ranges that are remembered, the newest: some kilobytes. What is forgotten counts as anybody's."""


@dataclass(frozen=True, slots=True)
class UidSet:
    """Some UIDs: ascending ranges, each with its first and its last, none next to another."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def read(cls, text: str) -> UidSet:
        """What :meth:`__str__` wrote; raises ValueError for anything else."""
        parts = (part.partition(":") for part in text.split(",") if part)
        return cls(tuple((int(first), int(last or first)) for first, _, last in parts))

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in self.ranges)

    def __contains__(self, uid: int) -> bool:
        at = bisect_right(self.ranges, (uid, uid)) - 1
        return any(first <= uid <= last for first, last in self.ranges[max(at, 0) : at + 2])

    def having(self, uids: Iterable[int]) -> UidSet:
        """This set and these UIDs."""
        new = [(uid, uid) for uid in uids if uid not in self]
        return UidSet(tuple(_joined(sorted([*self.ranges, *new])))[-MOST_RANGES:]) if new else self

    def only(self, uids: Iterable[int], upto: int) -> UidSet:
        """This set, of the UIDs up to ``upto`` only those that are among ``uids``."""
        kept = [(uid, uid) for uid in sorted(uids) if uid <= upto and uid in self]
        beyond = [(max(first, upto + 1), last) for first, last in self.ranges if last > upto]
        return UidSet(tuple(_joined([*kept, *beyond])))


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ascending ranges, those that touch as one."""
    begun: tuple[int, int] | None = None
    for first, last in ranges:
        if begun is not None and first <= begun[1] + 1:
            begun = begun[0], max(begun[1], last)
        else:
            if begun is not None:
                yield begun
            begun = first, last
    if begun is not None:
        yield begun
