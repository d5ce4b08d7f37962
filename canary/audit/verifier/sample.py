"""The population and the sample of it: that the auditor's seed, and nobody's choice, picked these probes.

The list of all probes is the operator's word. Three things hold it: it adds up to the totals that the log told as it
went, the sampled probes must be as it says, and so must events that are picked at random from the log itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from .archive import Archive
from .findings import Findings, RefusedError, require
from .limits import LONGEST_ROW
from .log import Event, Log, read_time
from .period import Period

HEADER = "probe,scheduled_seq,finished_seq,scheduled_at,channel,result,outcome"
POPULATION, SAMPLE = "population: complete and in order", "sample is the one that the seed gives"
SPOTS = "events picked at random are as the population has them"
_ROW = re.compile(
    r"([a-z2-7]{16}),([1-9][0-9]{0,15}),([1-9][0-9]{0,15}|),"
    r"([0-9TZ:.-]{27}),([a-z0-9-]{1,64}),(met|missed|indeterminate|),([a-z_]*)",
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
    """The list, counted. ``rows`` are those of the probes that were asked for; the period's alone are ``count``."""

    count: int = 0
    results: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    rows: dict[str, Listed] = field(default_factory=dict)
    numbered: dict[int, Listed] = field(default_factory=dict)
    """By number of an event that was asked for: the probe that it is said to begin, or to end."""
    sizes: list[int] = field(default_factory=list)
    """In order: the sizes of the log up to which lines are counted; the last is the end of the period's part."""
    began: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Probes that began in the part, by channel and how many of ``sizes`` do not have that event."""
    ended: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    """Likewise by channel, result and outcome those that ended in it."""
    lowest: list[str] = field(default_factory=list)
    """The sample: the probes whose ranks are the lowest, lowest first."""

    def counted(self, size: int) -> dict[str, Counter[str]]:
        """By channel: what the list has up to a size of the log, in the columns of the log's totals."""
        most, found = self.sizes.index(size), defaultdict[str, Counter[str]](Counter)
        for (channel, place), number in self.began.items():
            found[channel]["scheduled"] += number * (place <= most)
        for (channel, result, outcome, place), number in self.ended.items():
            found[channel][f"result_{result or 'undecided'}"] += number * (place <= most)
            found[channel][f"outcome_{outcome}"] += number * (place <= most and bool(outcome))
        return found


def rank(seed: str, probe: str) -> str:
    """What decides whether a probe is in the sample: SHA-256 of ``SEED/PROBE``, in hexadecimal."""
    return sha256(f"{seed}/{probe}".encode()).hexdigest()


class Lowest:
    """The ``size`` probes with the lowest ranks of all that are added; holds no more than those."""

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
    """Numbers of events to look at, of those beyond ``start`` up to ``end``, each once and in order.

    The i-th (from 0) is ``start`` + 1 + (SHA-256 of ``SEED/event/I``, as a number) modulo (``end`` - ``start``).
    """
    picked = (int(sha256(f"{seed}/event/{i}".encode()).hexdigest(), 16) for i in range(count if end > start else 0))
    return sorted({start + 1 + number % (end - start) for number in picked})


def read_population(
    archive: Archive,
    draw: tuple[str, int],
    period: Period,
    asked: tuple[set[str], set[int]],
    sizes: list[int],
    slack: timedelta,
) -> Population:
    """The list, read once and never held as a whole.

    ``draw`` are seed and size of the sample, ``asked`` the probes and the numbers of events to keep rows of; ``sizes``
    are those up to which to count, in order, the end of the period last. Times may be out of order by ``slack``. Raises
    RefusedError for a list that is not in order, or that has what lies outside.
    """
    found, lowest, last, newest = Population(sizes=sizes), Lowest(*draw), 0, period.since - slack
    for number, row in enumerate(_rows(archive), 2):
        began = row.scheduled > period.start
        wrong = _wrong(row, last, period) or (began and newest - row.at > slack and "is earlier than one before it")
        if wrong:
            raise RefusedError(f"line {number}: {row.probe} {wrong}")
        last, newest = row.scheduled, max(newest, row.at) if began else newest
        if began:
            found.began[row.channel, bisect_left(sizes, row.scheduled)] += 1
        if row.finished:
            found.ended[row.channel, row.result, row.outcome, bisect_left(sizes, row.finished)] += 1
        if began and period.since <= row.at < period.until:
            found.count += 1
            found.unfinished += row.finished == 0
            found.results[row.result or "none"] += 1
            lowest.add(row.probe)
        if row.probe in asked[0]:
            require(row.probe not in found.rows, f"line {number}: {row.probe} is there twice")
            found.rows[row.probe] = row
        for seq in (row.scheduled, row.finished):
            if seq in asked[1]:
                found.numbered[seq] = row
    found.lowest = lowest.probes()
    return found


def _wrong(row: Listed, last: int, period: Period) -> str:
    """What is wrong with a line behind one of event ``last``; empty if nothing is."""
    if not last < row.scheduled <= period.end:
        return "is out of order, or not of the period's part of the log"
    if not row.finished:
        if row.scheduled <= period.start:
            return "neither began nor ended in the period's part of the log"
        return "has a result, and has not ended" if row.result or row.outcome else ""
    if not max(row.scheduled, period.start) < row.finished <= period.end:
        return "is said to have ended before it began, or not in the period's part of the log"
    return ""


def _rows(archive: Archive) -> Iterator[Listed]:
    lines = _lines(archive)
    require(next(lines, "") == HEADER, "population.csv begins with another line")
    for line in lines:
        row = _ROW.fullmatch(line)
        if row is None:
            raise RefusedError(f"population.csv has a line that is none of a probe: {line!r:.120}")
        probe, scheduled, finished, at, *named = row.groups()
        yield Listed(probe, int(scheduled), int(finished or 0), read_time(at), *named)


def _lines(archive: Archive) -> Iterator[str]:
    rest = b""
    for piece in archive.pieces("population.csv"):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("ascii")
        require(len(rest) <= LONGEST_ROW, "population.csv has a line that is too long")
    require(not rest, "population.csv does not end with a line end")


def check_row(row: Listed | None, events: list[Event], end: int) -> None:
    """Whether a probe is on the list as its events up to number ``end`` tell it. Raises RefusedError."""
    require(row is not None, "is not in the population")
    assert row is not None
    by_kind = {event.kind: event for event in events if event.seq <= end}
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


def check_spots(log: Log, numbers: list[int], population: Population, start: int, findings: Findings) -> None:
    """Whether the events with these numbers are there, and as the list of all probes has them."""
    for seq in numbers:
        if seq in log.forgotten:
            findings.unchecked(SPOTS, f"event {seq} was picked, and had been emptied by retention: it tells nothing")
            continue
        with findings.one(SPOTS, f"event {seq}"):
            require(seq in log.events, "was picked by the seed and is not in the bundle")
            event, row = log.events[seq], population.numbered.get(seq)
            if row is not None:
                kind = "scheduled" if row.scheduled == seq else "finished"
                same = (event.probe, event.kind) == (row.probe, kind)
                require(same, f"is {event.kind} of {event.probe}, and the list has it as {kind} of {row.probe}")
            if event.probe is not None:
                _check_spot(log, event, event.probe, population, start, findings)


def _check_spot(log: Log, event: Event, probe: str, population: Population, start: int, findings: Findings) -> None:
    scheduled = next((e for e in log.kind("scheduled") if e.probe == probe), None)
    row = population.rows.get(probe)
    if row is None and scheduled is not None:
        outside = scheduled.seq <= start and event.kind != "finished"
        require(outside, f"is of the probe {probe}, which is not in the population")
    elif row is not None:
        begun = row.scheduled in log.forgotten if scheduled is None else row.scheduled == scheduled.seq
        require(begun, f"is of the probe {probe}, and no event tells its schedule as the list does")
        _check_listed(event, row)
    elif event.kind != "sighting" or event.body["forgery"] is None:  # a forged one may have the id of no probe
        gone = any(number < event.seq for number in log.forgotten)
        require(gone, f"is of the probe {probe}, and no event tells when that was scheduled")
        findings.unchecked(SPOTS, "some probes began before the period, and those events were deleted")


def _check_listed(event: Event, row: Listed) -> None:
    """Whether the list says of a probe what this one event of it does."""
    body, wrong = event.body, f"is of the probe {row.probe}, of which the list says {row}"
    match event.kind:
        case "scheduled":
            right = (event.seq, event.at, body["channel"]) == (row.scheduled, row.at, row.channel)
        case "finished":
            right = (event.seq, body["outcome"] or "") == (row.finished, row.outcome)
        case "deadline":
            right = not row.finished or event.seq > row.finished or body["result"] == row.result
        case _:
            return
    require(right, wrong)
