"""The list of all probes against the running totals of the log: it has as many of each kind as were told as they came.

Totals stand in the event of every checkpoint, so they were fixed long before anybody knew what would be asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from .archive import Archive
from .findings import Findings, require
from .limits import LARGEST_TOTALS
from .log import Log
from .period import Period, told
from .sample import Population

TOTALS, BY_CHANNEL = "the list adds up to the totals of the log", "the list adds up channel by channel"
_SHOWN = 5

Counts = Mapping[str, int]


def check_totals(archive: Archive, log: Log, period: Period, population: Population, findings: Findings) -> None:
    """What was told at both ends, and what the list has between them: scheduled, and ended by result and outcome."""
    before, after = _totals(log, period.start), _totals(log, period.end)
    if period.end == log.newest.size and after is None:
        findings.unchecked(TOTALS, "the log does not tell yet of the checkpoint where the period ends")
        return
    with findings.one(TOTALS):
        require(before is not None, f"no event tells the totals at {period.start} events")
        require(after is not None, f"no event tells the totals at {period.end} events")
        assert before is not None
        assert after is not None
        listed = sum(population.by_channel.values(), Counter[str]())
        _compare(_counts(before["sums"]), _counts(after["sums"]), listed)
        findings.facts["totals"] = {
            column: after["sums"].get(column, 0) - before["sums"].get(column, 0)
            for column in sorted(after["sums"].keys() | before["sums"].keys())
        }
        lost = findings.facts["totals"].get("unaccounted", 0)
        if lost > 0:
            findings.unchecked(TOTALS, f"{lost} more were due in this part of the log, and nothing tells why they were "
                               "not sent")  # fmt: skip
        _check_channels(archive, before, after, population, findings)


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
    archive: Archive, before: dict[str, Any], after: dict[str, Any], population: Population, findings: Findings
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
        for channel in sorted(tables[0].keys() | tables[1].keys() | population.by_channel.keys()):
            began, ended = (_counts(table.get(channel, {})) for table in tables if table is not None)
            _compare(began, ended, population.by_channel.get(channel, {}), f"channel {channel}: ")


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
