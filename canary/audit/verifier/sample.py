"""The population and the sample of it: that the auditor's seed, and nobody's choice, picked these probes.

The list of all probes is the operator's word. Two things hold it: the sampled probes must be as it says, and events
picked at random from the log itself must belong to probes that are on it.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from .archive import Archive
from .findings import Findings, RefusedError, require
from .limits import LONGEST_ROW
from .log import Event, Log, read_time

HEADER = "probe,scheduled_seq,finished_seq,scheduled_at,channel,result,outcome"
POPULATION, SAMPLE = "population: complete and in order", "sample is the one that the seed gives"
SPOTS = "events picked at random belong to probes of the population"
_ROW = re.compile(
    r"(?P<probe>[a-z2-7]{16}),(?P<scheduled>[1-9][0-9]{0,15}),(?P<finished>[1-9][0-9]{0,15}|),"
    r"(?P<at>[0-9TZ:.-]{27}),(?P<channel>[a-z0-9-]{1,64}),(?P<result>met|missed|indeterminate|),(?P<outcome>[a-z_]*)",
    re.ASCII,
)


@dataclass(frozen=True)
class Listed:
    """A probe as the list of all has it; ``finished`` is 0, result and outcome are empty, where there is none yet."""

    probe: str
    scheduled: int
    finished: int
    at: datetime
    channel: str
    result: str
    outcome: str


@dataclass
class Population:
    """The list, counted. ``rows`` are those of the probes that were asked for."""

    count: int = 0
    results: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    rows: dict[str, Listed] = field(default_factory=dict)
    lowest: list[str] = field(default_factory=list)
    """The sample: the probes whose ranks are the lowest, lowest first."""


def rank(seed: str, probe: str) -> str:
    """What decides whether a probe is in the sample: SHA-256 of ``SEED/PROBE``, in hexadecimal."""
    return sha256(f"{seed}/{probe}".encode()).hexdigest()


class Lowest:
    """The ``size`` probes with the lowest ranks of all that are added; holds no more than those."""

    def __init__(self, seed: str, size: int) -> None:
        self._seed, self._size = seed, size
        self._heap: list[tuple[int, str]] = []  # the highest rank on top

    def add(self, probe: str) -> None:
        """One more probe of the population."""
        item = (-int(rank(self._seed, probe), 16), probe)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, item)
        elif self._heap and item > self._heap[0]:
            heapq.heapreplace(self._heap, item)

    def probes(self) -> list[str]:
        """The sample, lowest rank first."""
        return [probe for _, probe in sorted(self._heap, reverse=True)]


def spots(seed: str, count: int, start: int, end: int) -> list[int]:
    """Numbers of events to look at, of those beyond ``start`` up to ``end``, each once and in order.

    The i-th (from 0) is ``start`` + 1 + (SHA-256 of ``SEED/event/I``, as a number) modulo (``end`` - ``start``).
    """
    picked = (int(sha256(f"{seed}/event/{i}".encode()).hexdigest(), 16) for i in range(count if end > start else 0))
    return sorted({start + 1 + number % (end - start) for number in picked})


def read_population(
    archive: Archive, seed: str, size: int, span: tuple[datetime, datetime], log: tuple[int, int], wanted_: set[str]
) -> Population:
    """The list, read once and never held as a whole.

    ``span`` is the period, ``log`` the sizes of the log at its ends, ``wanted_`` the probes to keep rows of. Raises
    RefusedError for a list that is not in order, or that has what lies outside.
    """
    found, lowest = Population(), Lowest(seed, size)
    last = log[0]
    for number, row in enumerate(_rows(archive), 2):
        in_order = last < row.scheduled <= log[1] and (row.finished == 0 or row.scheduled < row.finished <= log[1])
        require(in_order, f"line {number}: {row.probe} is out of order, or not of the period's part of the log")
        require(span[0] <= row.at < span[1], f"line {number}: {row.probe} was not scheduled in the period")
        last = row.scheduled
        found.count += 1
        found.unfinished += row.finished == 0
        found.results[row.result or "none"] += 1
        if row.probe in wanted_:
            require(row.probe not in found.rows, f"line {number}: {row.probe} is there twice")
            found.rows[row.probe] = row
        lowest.add(row.probe)
    found.lowest = lowest.probes()
    return found


def _rows(archive: Archive) -> Iterator[Listed]:
    lines = _lines(archive)
    require(next(lines, "") == HEADER, "population.csv begins with another line")
    for line in lines:
        row = _ROW.fullmatch(line)
        require(row is not None, f"population.csv has a line that is none of a probe: {line!r:.120}")
        assert row is not None
        yield Listed(
            row["probe"],
            int(row["scheduled"]),
            int(row["finished"] or 0),
            read_time(row["at"]),
            row["channel"],
            row["result"],
            row["outcome"],
        )


def _lines(archive: Archive) -> Iterator[str]:
    rest = b""
    for piece in archive.pieces("population.csv"):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("ascii")
        require(len(rest) <= LONGEST_ROW, "population.csv has a line that is too long")
    require(not rest, "population.csv does not end with a line end")


def check_row(row: Listed | None, events: list[Event]) -> None:
    """Whether a probe is on the list as its events tell it. Raises RefusedError."""
    require(row is not None, "is not in the population")
    assert row is not None
    by_kind = {event.kind: event for event in events}
    scheduled, finished, decided = (by_kind.get(kind) for kind in ("scheduled", "finished", "deadline"))
    derived = (
        scheduled and (scheduled.seq, scheduled.at, scheduled.body["channel"]),
        finished.seq if finished else 0,
        decided.body["result"] if decided and finished else "",
        (finished.body["outcome"] or "") if finished else "",
    )
    listed = ((row.scheduled, row.at, row.channel), row.finished, row.result, row.outcome)
    if derived != listed:
        raise RefusedError(f"is in the population otherwise than in its events: {listed} and {derived}")


def check_spots(
    log: Log,
    numbers: list[int],
    population: Population,
    span: tuple[datetime, datetime],
    start: int,
    findings: Findings,
) -> None:
    """Whether the events with these numbers are there, and their probes in the population."""
    for seq in numbers:
        with findings.one(SPOTS, f"event {seq}"):
            if seq in log.forgotten:
                continue
            require(seq in log.events, "was picked by the seed and is not in the bundle")
            probe = log.events[seq].probe
            if probe is None:
                continue
            scheduled = next((e for e in log.kind("scheduled") if e.probe == probe), None)
            row = population.rows.get(probe)
            if scheduled is not None:
                listed = row is not None and row.scheduled == scheduled.seq
                other = not span[0] <= scheduled.at < span[1]
                require(listed or other, f"is of the probe {probe}, which is not in the population")
            elif row is not None:
                require(row.scheduled in log.forgotten, f"is of the probe {probe}, and no event tells its schedule")
            elif log.events[seq].kind == "sighting" and log.events[seq].body["forgery"] is not None:
                continue  # forged, with the id of no probe
            else:
                gone = any(first <= start for first, _ in log.emptied)
                require(gone, f"is of the probe {probe}, and no event tells when that was scheduled")
                findings.unchecked(SPOTS, "some probes began before the period, and those events were deleted")
