"""The list of all probes against the running totals of the log: it has as many of each kind as were told as they came.

Totals stand in the event of every checkpoint, so they were fixed long before anybody knew what would be asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from .archive import Archive
from .commitment import COMMITTED
from .findings import Findings, require
from .limits import LARGEST_TOTALS
from .log import Log
from .period import Period, told
from .sample import Population

TOTALS, BY_CHANNEL = "the list adds up to the totals of the log", "the list adds up channel by channel"
_SHOWN = 5

Counts = Mapping[str, int]


def heads_within(log: Log, period: Period) -> list[int]:
    """The sizes of the checkpoints in the period's part of the log that are in the bundle, its end among them."""
    return sorted({size for size in log.heads if period.start < size <= period.end} | {period.end})


def check_totals(
    archive: Archive, log: Log, period: Period, population: Population, tolerance: timedelta, findings: Findings
) -> None:
    """What was told at each checkpoint, and what the list has up to it: scheduled, and ended by result and outcome.

    Those between the ends are there for probes and events that the seed picked, so nobody knew which they would be.
    """
    before, after = _totals(log, period.start), _totals(log, period.end)
    bound = findings.row(COMMITTED).checked > 0  # then there was all the time to have it told
    if period.end == log.newest.size and after is None and not bound:
        findings.unchecked(TOTALS, "the log does not tell yet of the checkpoint where the period ends")
        return
    for size in [period.start, *population.sizes] if period.start else population.sizes:
        with findings.one(TOTALS, f"checkpoint of {size} events"):
            _check_at_once(log, size, tolerance, findings)
    for size in population.sizes:
        with findings.one(TOTALS, f"at {size} events"):
            known, listed = _totals(log, size), sum(population.counted(size).values(), Counter[str]())
            require(before is not None and known is not None, "no event tells the totals")
            assert before is not None
            assert known is not None
            _compare(_counts(before["sums"]), _counts(known["sums"]), listed)
    if before is not None and after is not None:
        findings.facts["totals"] = {
            column: after["sums"].get(column, 0) - before["sums"].get(column, 0)
            for column in sorted(after["sums"].keys() | before["sums"].keys())
        }
        lost = findings.facts["totals"].get("unaccounted", 0)
        if lost > 0:
            findings.unchecked(TOTALS, f"{lost} more were due in this part of the log, and nothing tells why they were "
                               "not sent")  # fmt: skip
        with findings.one(TOTALS):
            _check_channels(archive, before, after, population.counted(period.end), findings)


def _check_at_once(log: Log, size: int, tolerance: timedelta, findings: Findings) -> None:
    """Whether the totals were told when the checkpoint was signed: before, or just after, whatever came next."""
    event, following = told(log, size), log.events.get(size + 1)
    require(event is not None, "no event tells of it")
    assert event is not None
    require(event.body["root"] == log.heads[size].root.hex(), f"event {event.seq} tells another root")
    if size + 1 in log.forgotten:
        findings.unchecked(TOTALS, "the events behind some checkpoints were emptied by retention")
        return
    require(following is not None, f"event {size + 1}, which follows it, is not in the bundle")
    assert following is not None
    steps = sum(abs(step.body["seconds"]) for step in log.kind("clock_stepped"))
    late = event.at - following.at
    require(
        event.seq == size + 1 or late <= tolerance + timedelta(seconds=steps),
        f"event {event.seq} tells of it {late.total_seconds():.0f} s after event {size + 1} had followed it",
    )


def _totals(log: Log, size: int) -> dict[str, Any] | None:
    event = told(log, size)
    if event is not None:
        return dict(event.body["totals"])
    return None if size else {"sums": {}, "channels": None}


def _counts(columns: Mapping[str, Any]) -> Counts:
    """Those columns of totals that a list has too."""
    for column, number in columns.items():
        require(type(number) is int and number >= 0, f"{column!r:.40} is {number!r:.40} in the totals")
    return {name: number for name, number in columns.items() if name.startswith(("scheduled", "result_", "outcome_"))}


def _compare(before: Counts, after: Counts, listed: Counts, of: str = "") -> None:
    wrong = [
        f"{column}: {listed.get(column, 0)} are listed, and the totals grew by {grown}"
        for column in sorted({*before, *after, *listed}, reverse=True)
        if (grown := after.get(column, 0) - before.get(column, 0)) != listed.get(column, 0)
    ]
    require(not wrong, f"{of}{'; '.join(wrong[:_SHOWN])}")


def _check_channels(
    archive: Archive, before: dict[str, Any], after: dict[str, Any], listed: Mapping[str, Counts], findings: Findings
) -> None:
    """The same by channel, where the tables at both ends were kept."""
    tables = [_table(archive, totals) for totals in (before, after)]
    if tables[0] is None or tables[1] is None:
        findings.row(TOTALS).said = "over all channels: the table of each was not kept at both ends"
        return
    with findings.one(BY_CHANNEL):
        for totals, table in zip((before, after), tables, strict=True):
            assert table is not None
            sums = sum(map(Counter, table.values()), Counter[str]())
            require(sums == Counter(totals["sums"]), "a table adds up to other sums than its checkpoint tells")
        for channel in sorted(tables[0].keys() | tables[1].keys() | listed.keys()):
            began, ended = (_counts(table.get(channel, {})) for table in tables if table is not None)
            _compare(began, ended, listed.get(channel, {}), f"channel {channel}: ")


def _table(archive: Archive, totals: dict[str, Any]) -> dict[str, dict[str, int]] | None:
    """The totals by channel; None if they were not kept. Those of an empty log need no file."""
    if totals["channels"] is None:
        return {}
    name = f"artefacts/{totals['channels']}"
    if name not in archive.files:
        return None
    require(archive.size(name) <= LARGEST_TOTALS, f"{name} is larger than a table of totals may be")
    raw = archive.read(name)
    require(sha256(raw).hexdigest() == totals["channels"], f"{name} is another file than the one that the event names")
    header, *lines = raw.decode("ascii").splitlines()
    columns = header.split(",")[1:]
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        channel, *numbers = line.split(",")
        right = len(numbers) == len(columns) and all(map(str.isdecimal, numbers))
        require(right and channel not in found, f"{name} is no table of totals")
        found[channel] = {column: int(number) for column, number in zip(columns, numbers, strict=True) if number != "0"}
    return found
