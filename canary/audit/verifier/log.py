"""The log in a bundle: whose keys sign it, its signed heads, and the events that its newest head proves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from . import canonical, tlog
from .archive import Archive
from .findings import Findings, RefusedError, require
from .limits import LARGEST_EVENTS

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_ROTATION = "cpr-canary/key-rotation@v1"

KEYS, HEADS, CONSISTENCY = "keys of the log", "signed checkpoints", "each checkpoint is the beginning of the newest"
EVENTS = "events are in the log, as they were written"


@dataclass(frozen=True)
class Event:
    """An event of the ledger: leaf ``seq`` - 1 of the log."""

    seq: int
    at: datetime
    kind: str
    body: dict[str, Any]
    probe: str | None


@dataclass
class Log:
    """What was found to be in the log. ``events`` are by number; of a forgotten one only the hash was there."""

    newest: tlog.Head
    heads: dict[int, tlog.Head] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)

    def kind(self, kind: str) -> list[Event]:
        """The events of a kind, in order."""
        return [self.events[seq] for seq in sorted(self.events) if self.events[seq].kind == kind]


def read_log(archive: Archive, keys: Sequence[tlog.Key], findings: Findings) -> Log | None:
    """Everything that the newest checkpoint vouches for; None if that checkpoint itself is not genuine."""
    with findings.one(HEADS, "checkpoint"):
        newest = tlog.Head.parse(archive.read("checkpoint"))
        require(newest.origin == archive.manifest["origin"], f"is of another log: {newest.origin!r:.120}")
    if findings.row(HEADS).failed:
        return None
    log = Log(newest)
    found = _read_events(archive, log, findings)
    chain = key_chain(found, newest.origin, keys, findings)
    _read_heads(archive, log, findings)
    for head in [newest, *log.heads.values()]:
        with findings.one(HEADS, f"checkpoint of {head.size} events"):
            _check_signed(head, keys, chain)
    log.heads[newest.size] = newest
    if findings.row(HEADS).failed or findings.row(KEYS).failed:
        log.events.clear()
        return None
    return log


def _read_events(archive: Archive, log: Log, findings: Findings) -> list[Event]:
    total = 0
    for name in archive.of("proof"):
        with findings.one(EVENTS, name):
            seq = int(name.removeprefix("proofs/").removesuffix(".tlog-proof"))
            extra, index, hashes, checkpoint = tlog.read_proof(archive.read(name))
            require(index == seq - 1, f"is of the leaf {index}, and event {seq} is leaf {seq - 1}")
            require(checkpoint == log.newest.raw, "is by another checkpoint than the bundle's")
            body = f"events/{seq}.json"
            if body not in archive.files:
                require(len(extra) == 32, f"has neither {body} nor the hash of a deleted event")
                tlog.check_inclusion(extra, index, log.newest.size, hashes, log.newest.root)
                log.forgotten.add(seq)
                continue
            require(not extra, f"has the hash of a deleted event, and {body} is there")
            raw = archive.read(body)
            total += len(raw)
            require(total <= LARGEST_EVENTS, f"the events have more than {LARGEST_EVENTS} bytes")
            event = read_event(raw)
            require(event.seq == seq, f"is of event {event.seq}")
            tlog.check_inclusion(tlog.leaf_hash(raw), index, log.newest.size, hashes, log.newest.root)
            log.events[seq] = event
    for name in archive.of("event"):
        if name in archive.unread:
            archive.read(name)
            findings.failed(EVENTS, f"{name}: nothing proves it")
    return [log.events[seq] for seq in sorted(log.events)]


def read_event(raw: bytes) -> Event:
    """An event from the bytes of its leaf. Raises RefusedError."""
    value = canonical.load(raw)
    require(isinstance(value, dict) and {"seq", "at", "kind", "body"} <= value.keys() <= _FIELDS, "is not an event")
    body, probe = value["body"], value.get("probe")
    kinds = isinstance(value["kind"], str) and isinstance(body, dict) and isinstance(probe, str | None)
    require(kinds and type(value["seq"]) is int, "is not an event")
    return Event(value["seq"], read_time(value["at"]), value["kind"], body, probe)


_FIELDS = {"seq", "at", "kind", "body", "probe"}


def read_time(text: str) -> datetime:
    """A time as events have it. Raises RefusedError."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise RefusedError(f"not a time: {text!r:.40}")
    return datetime.fromisoformat(text)


def key_chain(
    events: list[Event], origin: str, keys: Sequence[tlog.Key], findings: Findings
) -> list[tuple[int, tlog.Key]]:
    """Which key signs from which event on: those that a given key leads to, by statements that both keys signed."""
    chain: list[tuple[int, tlog.Key]] = []
    for event in events:
        if event.kind != "key_rotated":
            continue
        with findings.one(KEYS, f"event {event.seq}"):
            old, new = _read_rotation(event)
            if new.name != origin:
                continue
            if chain:
                require(old == chain[-1][1], f"the key {new.id.hex()} took over from one that had not signed before")
            chain.append((event.seq, new))
    row = findings.row(KEYS)
    trusted = [str(key) for key in keys if key in [known for _, known in chain]]
    if chain and not trusted:
        row.checked += 1
        findings.failed(KEYS, "none of the given keys is one of this log's: " + ", ".join(str(key) for _, key in chain))
    row.checked += not chain
    row.said = f"{len(chain)} key(s), newest {chain[-1][1]}" if chain else "the bundle names no key but the given"
    return chain


def _read_rotation(event: Event) -> tuple[tlog.Key | None, tlog.Key]:
    body = event.body
    old = tlog.Key.parse(body["old"]) if body["old"] is not None else None
    new, statement = tlog.Key.parse(body["new"]), tlog.Note.parse(body["statement"].encode())
    lines = [_ROTATION, f"from {old or 'none'}", f"to {new}", f"at {_format_time(event.at)}", f"until {body['until']}"]
    require(statement.text == "".join(f"{line}\n" for line in lines), "the statement says something else")
    for key in (new, *([old] if old else [])):
        require(statement.signed_at(key) is not None, f"the statement is not signed by {key.id.hex()}")
    return old, new


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _check_signed(head: tlog.Head, keys: Sequence[tlog.Key], chain: list[tuple[int, tlog.Key]]) -> None:
    """By the key that signed at that size, as the log tells it, else by one of the given; and by nobody unknown."""
    before = [key for seq, key in chain if seq <= head.size]
    known = before[-1:] if before else [key for key in keys if key.type == tlog.ED25519]
    every = {*known, *(key for _, key in chain), *keys}
    signed = {key for key in every if head.note.signed_at(key) is not None}  # and none that is not genuine
    names = " or ".join(str(key) for key in known)
    require(any(key in signed and key.name == head.origin for key in known), f"is not signed by {names}")
    require(len(signed) == len(head.note.signatures), "has a signature by a key that is none of this log's")


def _read_heads(archive: Archive, log: Log, findings: Findings) -> None:
    """Every older head, if it is proved to be the beginning of the newest."""
    for name in archive.of("head"):
        with findings.one(CONSISTENCY, name):
            head = tlog.Head.parse(archive.read(name))
            require(name == f"checkpoints/{head.size}", f"is of {head.size} events")
            require(head.origin == log.newest.origin, f"is of another log: {head.origin!r:.120}")
            require(head.size < log.newest.size, f"is not older than the newest, of {log.newest.size} events")
            proof = f"consistency/{head.size}-{log.newest.size}"
            require(proof in archive.files, f"{proof} is not there")
            old, hashes, newer = tlog.read_consistency(archive.read(proof))
            require(old == head.size and newer == log.newest.raw, f"{proof} is between other checkpoints")
            tlog.check_consistency(head.size, log.newest.size, hashes, head.root, log.newest.root)
            log.heads[head.size] = head
    for name in archive.of("consistency"):
        if name in archive.unread:
            archive.read(name)
            findings.failed(CONSISTENCY, f"{name}: there is no such checkpoint")
    if not archive.of("head"):
        findings.row(CONSISTENCY).said = "the bundle has one checkpoint only"


def check_order(log: Log, tolerance: timedelta, what: str, findings: Findings) -> None:
    """Whether the times of events follow their numbers: a later event does not say to have been earlier.

    Events of several threads may swap by moments, and a clock that was set back has an event of its own.
    """
    newest: Event | None = None
    for seq in sorted(log.events):
        event = log.events[seq]
        with findings.one(what, f"event {seq}"):
            if event.kind == "clock_stepped" and newest is not None:
                newest = Event(newest.seq, newest.at + timedelta(seconds=min(0, event.body["seconds"])), "", {}, None)
            if newest is not None and newest.at - event.at > tolerance:
                raise RefusedError(
                    f"says {_format_time(event.at)}, and event {newest.seq} before it {_format_time(newest.at)}"
                )
        if newest is None or event.at > newest.at:
            newest = event
