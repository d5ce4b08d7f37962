"""What a channel meant when a probe was sent: the probe's first event names the one that says so, and is held to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

from .findings import Findings, RefusedError, require
from .in_force import InForce, first_of
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

    @cached_property
    def _in_force(self) -> InForce:
        return InForce(self.log)

    def check(self, scheduled: Event) -> None:
        """One probe, by its first event."""
        with self.findings.one(MEANING, f"probe {scheduled.probe}"):
            told = self._named(scheduled)
            channel = scheduled.body["channel"]
            require(
                channel in told.body["channels"], f"is of the channel {channel!r:.60}, which {_event(told)} has not"
            )
            check_probe(scheduled.body, _day(scheduled), told.body["channels"][channel])
            self._check_in_force(scheduled, told)
            self._counted[channel, told.seq] += 1

    def tell(self) -> None:
        """What the channels of the sample meant, and where one came to mean something else."""
        facts = [self._fact(channel, seq, probes) for (channel, seq), probes in sorted(self._counted.items())]
        self.findings.facts["channels"] = facts
        changed = sorted(channel for channel, meanings in _meanings(facts).items() if meanings > 1)
        if changed:
            keys = {self.log.events[seq].body["sealed_by"] for _, seq in self._counted}
            lost = "" if len(keys) == 1 else "; a sealing key was lost meanwhile, so what it sealed looks changed too"
            self.findings.row(MEANING).said = f"changed within the sample: {', '.join(changed)}{lost}"
        if self.opened:
            self._tell_opened(facts)

    def _named(self, scheduled: Event) -> Event:
        seq = scheduled.body["configured"]
        require(type(seq) is int and 0 < seq < scheduled.seq, f"names no event before it that says so: {seq!r:.40}")
        require(seq in self.log.events, f"names event {seq}, which is not in the bundle")
        told = self.log.events[seq]
        require(told.kind == "configured", f"names event {seq}, which is {told.kind}")
        return told

    def check_recorded(self, event: Event) -> None:
        """Of an event that says what is in force, whether the log goes by it; one of somebody by hand is none."""
        if event.body["scheduled"] is not True or not self._in_force.is_told(event.seq):
            return
        with self.findings.one(MEANING, f"event {event.seq}"):
            require(self._in_force.has(event), "says what is in force, and by the checkpoints of the log it never was")

    def _check_in_force(self, scheduled: Event, told: Event) -> None:
        """That nothing newer was in force, but for what came while the probe began."""
        if not self._in_force.is_told(scheduled.seq):
            self.findings.unchecked(MEANING, "the log does not tell yet what was in force when some probes began")
            return
        if told.body["scheduled"] is not True:
            self._check_by_hand(scheduled, told)
            return
        named = first_of(told)
        for event in self._in_force.before(scheduled.seq):
            if event.seq == named:
                require(event.body["parts"] == told.body["parts"], f"names {_event(told)}, which is none of the "
                        f"{event.body['parts']} from {_event(event)} on")  # fmt: skip
                return
            late = event.at + self.tolerance >= scheduled.at
            require(late, f"names {_event(told)}, and {_event(event)} was in force")
        raise RefusedError(f"names {_event(told)}, which by the checkpoints of the log was not in force")

    def _check_by_hand(self, scheduled: Event, told: Event) -> None:
        """Whoever probes by hand has a configuration of his own: a gap, if his channel means something else by it."""
        channel = scheduled.body["channel"]
        newest = next(self._in_force.before(scheduled.seq), None)
        if newest is None:
            return
        parts = [e for e in self.log.kind("configured") if newest.seq <= e.seq < newest.seq + newest.body["parts"]]
        known = [part.body["channels"][channel] for part in parts if channel in part.body["channels"]]
        if known != [told.body["channels"][channel]]:
            self.findings.unchecked(MEANING, "some probes by hand went by something else than what was in force")

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
