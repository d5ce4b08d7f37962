"""A sample that the auditor draws and anyone can draw again with sha256sum.

The population is every probe that was scheduled in the period, with or without a result. Each is ranked by
SHA-256("SEED/PROBE-ID") in hexadecimal, in UTF-8 and without a line break; the lowest ranks are drawn. The list that is
hashed is every id in byte order, one a line, each with a line feed.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from canary.audit.period import Period
from canary.ledger.reader import LedgerReader

HEADER = "probe,scheduled_seq,finished_seq,scheduled_at,channel,result,outcome"
"""First line of the list of all probes."""


def rank(seed: str, probe: str) -> str:
    """What decides whether a probe is drawn."""
    return sha256(f"{seed}/{probe}".encode()).hexdigest()


class Lowest:
    """The ``size`` lowest ranks of all probes that are added; holds no more than those, however many there are."""

    def __init__(self, seed: str, size: int) -> None:
        self._seed, self._size = seed, size
        self._ranked: list[tuple[str, str]] = []

    def add(self, probe: str) -> None:
        """One more probe of the population."""
        ranked = rank(self._seed, probe), probe
        if len(self._ranked) < self._size or (self._ranked and ranked < self._ranked[-1]):
            insort(self._ranked, ranked)
            del self._ranked[self._size :]

    def probes(self) -> list[str]:
        """The sample, lowest rank first."""
        return [probe for _, probe in self._ranked]


def spots(seed: str, count: int, start: int, end: int) -> list[int]:
    """Numbers of events beyond ``start``, up to ``end``, that ``seed`` picks: each once, and in order."""
    if end <= start:
        return []
    ranks = (rank(seed, f"event/{number}") for number in range(count))
    return sorted({start + 1 + int(digits, 16) % (end - start) for digits in ranks})


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn: (rank, probe id), lowest rank first; of how many; and the SHA-256 of the list of all."""

    seed: str
    drawn: tuple[tuple[str, str], ...]
    population: int
    population_sha256: str


def draw(population: Iterable[str], seed: str, size: int, listed: Callable[[str], object] = str) -> Sample:
    """Draw ``size`` of the ids, which come in byte order; ``listed`` is called with each line of the list."""
    whole, lowest, number = sha256(), Lowest(seed, size), 0
    for probe in population:
        number += 1
        line = f"{probe}\n"
        whole.update(line.encode())
        listed(line)
        lowest.add(probe)
    drawn = tuple((rank(seed, probe), probe) for probe in lowest.probes())
    return Sample(seed, drawn, number, whole.hexdigest())


def population(ledger: LedgerReader, period: Period) -> Iterator[str]:
    """The id of every probe scheduled in the period, in byte order."""
    unfinished = sorted(event.probe or "" for event in ledger.unfinished(period.since, period.until))
    return heapq.merge(ledger.ended_ids(period.since, period.until), unfinished)
