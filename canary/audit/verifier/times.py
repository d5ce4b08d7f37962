"""What others say about the times: time-stamping authorities and witnesses, against what the events say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography import x509

from . import stamps, tlog
from .archive import Archive
from .findings import Findings, require
from .log import Event, Log
from .windows import Proved, Stamped

TOKENS, WITHIN, COVERED = (
    "time-stamps",
    "no event is younger or older than a time-stamp allows",
    "covered by time-stamps",
)
WITNESSED = "cosignatures of witnesses"


def read_stamps(archive: Archive, log: Log, roots: Sequence[x509.Certificate], findings: Findings) -> list[Proved]:
    """The time-stamps that lead to a given root; whatever else is there fails."""
    stamped = {event.body.get("token"): event for event in log.kind("timestamped")}
    others: list[x509.Certificate] = []
    for name in archive.of("chain"):
        with findings.one(TOKENS, name):
            others += stamps.load_pem(archive.read(name))
    proved = []
    for name in archive.of("token"):
        raw = archive.read(name)
        if not roots:
            findings.unchecked(TOKENS, "no --tsa-ca was given: time-stamps and what they prove are not looked at")
            continue
        with findings.one(TOKENS, name):
            size = int(name.removeprefix("timestamps/").partition("-")[0])
            require(size in log.heads, f"there is no checkpoint of {size} events")
            stamp = stamps.check(raw, log.heads[size].raw, roots, others)
            event = stamped.get(sha256(raw).hexdigest())
            if event is not None:
                require(event.body["size"] == size and event.seq > size, f"event {event.seq} tells another time-stamp")
            every = event.body["every"] if event else 0
            require(type(every) in (int, float) and every >= 0, f"tells the interval {every!r:.40}")
            proved.append(Proved(size, stamp.at, stamp.accuracy, stamp.by, event.seq if event else None, every))
    if roots and not archive.of("token"):
        findings.row(TOKENS).checked += 1
        findings.failed(TOKENS, "--tsa-ca was given, and the bundle has no time-stamp")
    if proved:
        oldest, newest = min(p.at for p in proved), max(p.at for p in proved)
        findings.row(TOKENS).said = f"{len(proved)} from {oldest:%F %T} to {newest:%F %T} UTC"
    return proved


def check_within(log: Log, proved: list[Proved], tolerance: timedelta, findings: Findings) -> None:
    """Nothing in a head happened after its time-stamp; nothing behind the event of a time-stamp happened before it."""
    if not proved:
        findings.unchecked(WITHIN, "there is no verified time-stamp")
        return
    stamped = Stamped(proved)
    for event in log.events.values():
        with findings.one(WITHIN, f"event {event.seq}"):
            first, last = stamped.over(event.seq), stamped.before(event.seq + 1)
            if first is not None:
                in_time = event.at <= first.not_after + tolerance
                require(in_time, f"says {_shown(event)}, and was time-stamped on {first.at:%F %T}")
            if last is not None:
                follows = event.at >= last.not_before - tolerance
                require(follows, f"is back-dated to {_shown(event)}: it follows a time-stamp of {last.at:%F %T}")


def _shown(event: Event) -> str:
    return f"{event.at:%F %T}"


def read_witnesses(
    archive: Archive, log: Log, keys: Sequence[tlog.Key], tolerance: timedelta, findings: Findings
) -> dict[str, int]:
    """By witness: how large the largest head is that it cosigned, at a time when all events in it had happened."""
    cosigned = {str(key): 0 for key in keys}
    for name in archive.of("cosignature"):
        with findings.one(WITNESSED, name):
            head = tlog.Head.parse(archive.read(name))
            known = log.heads.get(head.size)
            require(name == f"cosignatures/{head.size}", f"is of {head.size} events")
            require(known is not None and known.note.text == head.note.text, "is of a checkpoint that is not there")
            assert known is not None
            genuine = set(known.note.signatures) <= set(head.note.signatures)
            require(genuine, "has another signature of the log than the checkpoint")
            for key in keys:
                time = head.note.signed_at(key)
                if time is None:
                    continue
                at = datetime.fromtimestamp(time, UTC)
                below = [event for event in log.events.values() if event.seq <= head.size]
                young = next((event for event in below if event.at > at + tolerance), None)
                require(young is None, f"was cosigned on {at:%F %T}, before event {young.seq if young else 0}")
                cosigned[str(key)] = max(cosigned[str(key)], head.size)
                findings.row(WITNESSED).said = f"newest of {head.size} events, on {at:%F %T} UTC by {key.name}"
    return cosigned


def check_covered(
    probes: dict[str, int], proved: list[Proved], cosigned: dict[str, int], stamped: bool, findings: Findings
) -> None:
    """Whether each probe, by the number of its last event, lies below a time-stamp and below every witness's head."""
    for probe, last in probes.items():
        if stamped:
            with findings.one(COVERED, f"probe {probe}"):
                require(any(stamp.size >= last for stamp in proved), f"no time-stamp is over its last event {last}")
        for witness, size in cosigned.items():
            with findings.one(WITNESSED, f"probe {probe}"):
                require(size >= last, f"{witness} has cosigned {size} events, and its last one is {last}")
