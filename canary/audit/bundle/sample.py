"""A sample that the auditor draws and anyone can draw again with sha256sum.

The population is every probe that was scheduled in the period, with or without a result. Each is ranked by
SHA-256("SEED/PROBE-ID") in hexadecimal, in UTF-8 and without a line break; the lowest ranks are drawn. The list that is
hashed is every id in byte order, one a line, each with a line feed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from canary.audit.period import Period
from canary.audit.verifier.sample import Lowest, rank
from canary.ledger.reader import LedgerReader


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
