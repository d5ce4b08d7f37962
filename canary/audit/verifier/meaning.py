"""What a channel meant when a probe was sent: the probe's first event names the one that says so, and is held to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from .findings import Findings, require
from .log import Event, Log

MEANING = "probes are of their channel as it was configured then"
OPENED = "what you were told of sealed addresses is what was sealed"

_STAGES = ("acknowledged", "picked_up", "answered", "answer_received")
"""What may be owed, each by the channel's setting of that name with ``_within`` behind it."""
_TOLD = ("kind", "target", "queues", "disclosed_in", "approved_by", "interval", "deadline", "give_up")
"""What the verdict tells of a channel."""


@dataclass
class Meanings:
    """What every channel of the sample meant, by the event that says so; filled while probes are checked."""

    log: Log
    findings: Findings
    tolerance: timedelta
    opened: Mapping[str, str]
    """By SHA-256 of ``SALT/TEXT``: the text, as whoever sealed it told the auditor."""
    _counted: Counter[tuple[str, int]] = field(default_factory=Counter)

    def check(self, scheduled: Event) -> None:
        """One probe, by its first event."""
        with self.findings.one(MEANING, f"probe {scheduled.probe}"):
            told = self._named(scheduled)
            channel = scheduled.body["channel"]
            require(
                channel in told.body["channels"], f"is of the channel {channel!r:.60}, which {_event(told)} has not"
            )
            check_probe(scheduled.body, _day(scheduled), told.body["channels"][channel])
            self._check_newest(scheduled, told)
            self._counted[channel, told.seq] += 1

    def tell(self) -> None:
        """What the channels of the sample meant, and where one came to mean something else."""
        facts = [self._fact(channel, seq, probes) for (channel, seq), probes in sorted(self._counted.items())]
        self.findings.facts["channels"] = facts
        changed = sorted(channel for channel, meanings in _meanings(facts).items() if meanings > 1)
        if changed:
            self.findings.row(MEANING).said = f"changed within the sample: {', '.join(changed)}"
        if self.opened:
            self._tell_opened(facts)

    def _named(self, scheduled: Event) -> Event:
        seq = scheduled.body["configured"]
        require(type(seq) is int and 0 < seq < scheduled.seq, f"names no event before it that says so: {seq!r:.40}")
        require(seq in self.log.events, f"names event {seq}, which is not in the bundle")
        told = self.log.events[seq]
        require(told.kind == "configured", f"names event {seq}, which is {told.kind}")
        return told

    def _check_newest(self, scheduled: Event, told: Event) -> None:
        """That no other event of the schedule stands between, but for one that came while the probe began."""
        channel = scheduled.body["channel"]
        for event in self.log.kind("configured"):
            newer = told.seq < event.seq < scheduled.seq and event.at + self.tolerance < scheduled.at
            both = told.body["scheduled"] and event.body["scheduled"]
            require(
                not (newer and both and channel in event.body["channels"]),
                f"names {_event(told)}, and {_event(event)} was in force",
            )

    def _fact(self, channel: str, seq: int, probes: int) -> dict[str, Any]:
        event = self.log.events[seq]
        entry = event.body["channels"][channel]
        known = {name: self._open(entry[name]) for name in _TOLD}
        return {"channel": channel, "event": seq, "told": event.at.isoformat(), "probes": probes, **known}

    def _open(self, value: Any) -> Any:
        """``value`` with every sealed text in it that was opened."""
        if isinstance(value, dict):
            sealed = value.get("sealed")
            if isinstance(sealed, str) and sealed in self.opened:
                return {"sealed": sealed, "opened": self.opened[sealed]}
            return {key: self._open(item) for key, item in value.items()}
        return [self._open(item) for item in value] if isinstance(value, list) else value

    def _tell_opened(self, facts: list[dict[str, Any]]) -> None:
        sealed = {seal for fact in facts for seal in seals(fact)}
        row = self.findings.row(OPENED)
        row.checked = len(sealed & self.opened.keys())
        row.said = f"of {len(sealed)} in the sample"
        if not row.checked:
            self.findings.failed(OPENED, "nothing that you were told opens anything that was sealed")


def check_probe(body: Mapping[str, Any], day: str, channel: Mapping[str, Any]) -> None:
    """Whether a probe, as it was ``scheduled``, is one of the channel as configured. Raises RefusedError."""
    for name in ("kind", "deadline", "give_up"):
        require(body[name] == channel[name], f"has {name} {body[name]!r:.60}, and its channel {channel[name]!r:.60}")
    wanted, expected = channel["arrives_in"], body["expected"]
    told = f"is expected in {_listed(expected)}, and its channel arrives in {_listed(wanted)}"
    require(bool(wanted) and sorted(expected) == sorted(set(wanted)), told)
    _check_queues(channel["queues"], wanted)
    within = {stage: channel[f"{stage}_within"] for stage in _STAGES}
    owed = {stage: seconds for stage, seconds in within.items() if seconds is not None}
    require(body["owed"] == owed, f"owes {body['owed']!r:.120}, and its channel {owed!r:.120}")
    if body["in_turn"]:
        for name in ("sender", "variant"):
            require(body[name] in channel[f"{name}s"], f"is by the {name} {body[name]!r:.60}, not one of its channel's")
    require(
        body["blind"] is (day in channel["blind_on"]), f"is blind: {body['blind']}, which nobody approved for {day}"
    )
    require(not channel["reachability_only"], "was sent through a channel to which nothing is to be submitted")


def _check_queues(queues: Mapping[str, Any], wanted: Iterable[str]) -> None:
    """Each queue in which a report is expected is told, and is one in which reports are worked."""
    if queues.keys() == {"sha256"}:
        return  # too large for an event; the hash of it is told
    require(queues.keys() == set(wanted), f"its channel tells of the queues {_listed(queues)} alone")
    for queue, place in queues.items():
        require(place["role"] == "monitored", f"is expected in {queue!r:.60}, which is {place['role']!r:.40}")


def seals(value: Any) -> set[str]:
    """Every hash of a sealed text in a value."""
    if isinstance(value, dict):
        mine = {value["sealed"]} if isinstance(value.get("sealed"), str) else set()
        return mine.union(*map(seals, value.values()))
    return set().union(*map(seals, value)) if isinstance(value, list) else set()


def read_opened(text: str) -> dict[str, str]:
    """What a file of opened texts says: a line each, ``SALT/TEXT``; by the SHA-256 of the line. Raises RefusedError."""
    opened = {}
    for number, line in enumerate(text.splitlines(), 1):
        salt, slash, said = line.partition("/")
        require(bool(slash and salt and said), f"line {number} is no SALT/TEXT")
        opened[sha256(line.encode()).hexdigest()] = said
    return opened


def _meanings(facts: list[dict[str, Any]]) -> Counter[str]:
    """By channel: how many different things it meant."""
    apart = {(fact["channel"], str([fact[name] for name in _TOLD])) for fact in facts}
    return Counter(channel for channel, _ in apart)


def _day(event: Event) -> str:
    return f"{event.at:%Y-%m-%d}"


def _event(event: Event) -> str:
    return f"event {event.seq}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)[:200] or "nothing"
