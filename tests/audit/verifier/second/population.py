"""The part of the log that a period is about, the list of its probes, and whether that adds up."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

from .base import hexed, must, parsed
from .history import History, moment
from .life import Events, only

HEADER = "probe,scheduled_seq,finished_seq,scheduled_at,channel,result,outcome"
ROW = re.compile(
    r"[a-z2-7]{16},[1-9]\d{0,15},([1-9]\d{0,15})?,[0-9TZ:.-]{27},[a-z0-9-]{1,64},(met|missed|indeterminate)?,[a-z_]*",
    re.ASCII,
)


class Part:
    """Times and ends of a period, as a manifest or a commitment has it."""

    def __init__(self, stated: dict[str, Any]) -> None:
        must(stated.keys() == {"from", "to", "start", "end"}, "no period")
        self.stated = stated
        self.since, self.until = moment(stated["from"]), moment(stated["to"])
        self.start, self.end = stated["start"], stated["end"]
        must(type(self.start) is int and type(self.end) is int and 0 <= self.start <= self.end, "no period")
        must(self.since < self.until, "no period")

    def check(self, log: History, slack: timedelta) -> None:
        """From the newest checkpoint before the period on, to one that was signed after it."""
        signed = log.of("checkpoint")
        tells = next((event for event in signed if event["body"]["size"] == self.end), None)
        last = tells if self.end in log.emptied else log.events[self.end]
        must(self.end in log.heads and last is not None and last["when"] >= self.until, "ends too early")
        if self.start:
            told = next(event for event in signed if event["body"]["size"] == self.start)
            must(told["body"]["root"] == log.heads[self.start].root.hex(), "another beginning")
            must(told["when"] - slack <= self.since, "begins too late")
        follows = [event for event in signed if event["body"]["previous"] == self.start]
        if follows:
            must(follows[0]["when"] + slack > self.since, "begins too early")
        else:
            later = any(event["body"]["size"] > self.start for event in signed)
            must(not later and self.end == log.newest.size, "nothing tells what followed the beginning")


def committed(raw: bytes, part: Part, log: History, listed: bytes) -> None:
    """Whether the bundle is about what was bound to before."""
    said = parsed(raw)
    must(said.keys() == {"format", "origin", "period", "root", "population", "challenge"}, "no commitment")
    must(said["format"] == "cpr-canary-commitment@1" and said["origin"] == log.newest.origin, "no commitment")
    must(Part(said["period"]).stated == part.stated, "bound to another period")
    must(said["root"] == log.heads[part.end].root.hex(), "bound to another log")
    must(said["population"]["sha256"] == hexed(listed), "bound to another list")


class Listing:
    """The list of all probes. ``rows`` are by probe, ``numbered`` by the events that begin and end one."""

    def __init__(self, raw: bytes, part: Part, slack: timedelta) -> None:
        title, *lines = raw.decode("ascii").removesuffix("\n").split("\n")
        must(title == HEADER and raw.endswith(b"\n"), "no population")
        self.rows: dict[str, list[str]] = {}
        self.numbered: dict[int, tuple[str, str]] = {}
        self.sums: dict[str, Counter[str]] = {}
        self.within: list[str] = []
        last, newest = 0, None
        for line in lines:
            must(ROW.fullmatch(line), "no row")
            probe, *fields = line.split(",")
            begun, ended, at = int(fields[0]), int(fields[1] or 0), moment(fields[2])
            must(last < begun <= part.end and probe not in self.rows, "rows in another order")
            must(not ended or max(begun, part.start) < ended <= part.end, "an end out of order")
            must(ended or begun > part.start, "of another part of the log")
            must(ended or not fields[4] + fields[5], "a result without an end")
            last, self.rows[probe] = begun, [probe, *fields]
            self.numbered |= {begun: (probe, "scheduled")} | ({ended: (probe, "finished")} if ended else {})
            self._count(fields, part.start, part.end, self.sums)
            if begun > part.start:
                newest = max(newest or at, at)
                must(newest - at <= slack, "scheduled earlier than one before it")
                if part.since <= at < part.until:
                    self.within.append(probe)

    @staticmethod
    def _count(fields: list[str], start: int, end: int, sums: dict[str, Counter[str]]) -> None:
        begun, ended, _, channel, result, outcome = fields
        counted = sums.setdefault(channel, Counter())
        counted["scheduled"] += start < int(begun) <= end
        if ended and int(ended) <= end:
            counted[f"result_{result or 'undecided'}"] += 1
            counted[f"outcome_{outcome}"] += bool(outcome)

    def check_row(self, probe: str, events: Events, end: int) -> None:
        """Whether a probe is listed as its events tell."""
        events = [event for event in events if event["seq"] <= end]
        begun, ended, decided = (only(events, kind) for kind in ("scheduled", "finished", "deadline"))
        assert begun is not None
        must(self.rows[probe] == [
            probe, str(begun["seq"]), str(ended["seq"]) if ended else "", begun["at"],
            begun["body"]["channel"], decided["body"]["result"] if decided and ended else "",
            (ended["body"]["outcome"] or "") if ended else "",
        ], "listed otherwise")  # fmt: skip

    def check_pick(self, seq: int, log: History, start: int) -> None:
        """Whether an event that the seed picked is as the list has it."""
        event = log.events[seq]
        probe, body = event["probe"], event["body"]
        must(self.numbered.get(seq, (probe, event["kind"])) == (probe, event["kind"]), "listed as another event")
        if probe is None:
            return
        begun = next((e for e in log.of("scheduled") if e["probe"] == probe), None)
        row = self.rows.get(probe)
        if row is None and begun is not None:
            must(begun["seq"] <= start and event["kind"] != "finished", "not listed")
        elif row is not None:
            must(int(row[1]) in log.emptied if begun is None else int(row[1]) == begun["seq"], "never scheduled")
            same = {
                "scheduled": lambda: [str(seq), event["at"], body["channel"]] == [row[1], row[3], row[4]],
                "finished": lambda: [str(seq), body["outcome"] or ""] == [row[2], row[6]],
                "deadline": lambda: not row[2] or seq > int(row[2]) or body["result"] == row[5],
            }
            must(event["kind"] not in same or same[event["kind"]](), "listed otherwise")
        elif event["kind"] != "sighting" or body["forgery"] is None:
            must(any(number < seq for number in log.emptied), "never scheduled")

    def check_on_the_way(self, part: Part, log: History, slack: timedelta, *, bound: bool) -> None:
        """Whether it adds up to each checkpoint that is there too, whose totals were told when it was signed."""
        signed = {event["body"]["size"]: event for event in reversed(log.of("checkpoint"))}
        if part.end == log.newest.size and part.end not in signed and not bound:
            return
        before = signed[part.start]["body"]["totals"]["sums"] if part.start else {}
        stepped = timedelta(seconds=sum(abs(event["body"]["seconds"]) for event in log.of("clock_stepped")))
        for size in {part.end, *log.heads}:
            if not max(part.start, 1) <= size <= part.end:
                continue
            told = signed[size]
            must(told["body"]["root"] == log.heads[size].root.hex(), "another root")
            if size + 1 not in log.emptied and told["seq"] != size + 1:
                must(told["when"] - log.events[size + 1]["when"] <= slack + stepped, "told afterwards")
            sums: dict[str, Counter[str]] = {}
            for _, *fields in self.rows.values():
                self._count(fields, part.start, size, sums)
            grown(before, told["body"]["totals"]["sums"], sum(sums.values(), Counter()))

    def check_totals(self, part: Part, log: History, files: dict[str, bytes], *, bound: bool) -> None:
        """Whether the list has what the totals grew by, in sum and, where both tables are there, by channel."""
        told = {event["body"]["size"]: event["body"]["totals"] for event in log.of("checkpoint")}
        if part.end == log.newest.size and part.end not in told and not bound:
            return
        before, after = told[part.start] if part.start else {"sums": {}, "channels": None}, told[part.end]
        whole: Counter[str] = sum(self.sums.values(), Counter())
        grown(before["sums"], after["sums"], whole)
        tables = [_table(totals, files) for totals in (before, after)]
        if tables[0] is None or tables[1] is None:
            return
        for totals, table in zip((before, after), tables, strict=True):
            must(sum(map(Counter, (table or {}).values()), Counter()) == Counter(totals["sums"]), "other sums")
        for channel in {*tables[0], *tables[1], *self.sums}:
            grown(tables[0].get(channel, {}), tables[1].get(channel, {}), self.sums.get(channel, Counter()))


def grown(before: dict[str, int], after: dict[str, int], by: Counter[str]) -> None:
    for column in {*before, *after, *by}:
        counts = before.get(column, 0), after.get(column, 0)
        must(all(type(count) is int and count >= 0 for count in counts), "no count")
        if column.startswith(("scheduled", "result_", "outcome_")):
            must(counts[1] - counts[0] == by[column], f"{column} does not add up")


def _table(totals: dict[str, Any], files: dict[str, bytes]) -> dict[str, dict[str, int]] | None:
    """By channel and column; None where it is not in the bundle."""
    if totals["channels"] is None:
        return {}
    raw = files.get(f"artefacts/{totals['channels']}")
    if raw is None:
        return None
    header, *lines = (line.split(",") for line in raw.decode("ascii").splitlines())
    must(all(len(line) == len(header) and all(map(str.isdecimal, line[1:])) for line in lines), "no table")
    must(len({line[0] for line in lines}) == len(lines), "a channel twice")
    return {line[0]: {name: int(number) for name, number in zip(header[1:], line[1:], strict=True) if int(number)}
            for line in lines}  # fmt: skip
