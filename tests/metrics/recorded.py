"""Ledgers with something in them to export, made without a mail system."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from canary.config import load
from canary.keyring import open_keyring
from canary.ledger import Event, Ledger
from canary.ledger import events as record
from canary.mark import new_probe_id
from canary.metrics import PREFIX, registry
from canary.model import (
    Actor,
    DeadlineResult,
    Failure,
    Outcome,
    Place,
    Probe,
    Role,
    Seen,
    Sighting,
    Stage,
    Submission,
    TimeSource,
    Verdict,
    Way,
)
from canary.prober.loop import Prober

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def settings(
    folder: Path,
    channels: int = 2,
    kind: str = "email",
    deadline: str = "15m",
    queues: tuple[str, ...] = ("cpr",),
    name: str = "problem-report-{}",
    **web: str,
) -> Path:
    """A configuration of channels of one kind, each into all of these queues, that is never connected."""
    (folder / "secret").write_text("secret", encoding="utf-8")
    server = {"host": "localhost", "port": 993, "username": "u", "password": {"file": "secret"}}
    mailbox = {
        "kind": "imap",
        "server": server,
        "folders": [{"name": queue.upper(), "queue": queue, "role": "monitored"} for queue in queues],
    }
    whole = {
        "operator": {"name": "Test CA", "domains": ["ca.test"], "verify": "call 4711"},
        "state": "state",
        "web": {"listen": "127.0.0.1:0", **web},
        "watch": {"desk": mailbox},
        "senders": {"researcher": {"name": "R", "address": "r@persona.test", "submission": server}},
        "channels": {
            name.format(n): {
                "kind": kind,
                "to": f"problem-report-{n}@ca.test",
                "arrives_in": list(queues),
                "deadline": deadline,
                "approved_by": "the tests",
            }
            for n in range(channels)
        },
    }
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return path


def opened(path: Path) -> Prober:
    """A prober that is not running."""
    config = load(path)
    return Prober(config, Ledger(config.state, inline=True), open_keyring(config.state / "mark.key"))


def probed(
    ledger: Ledger,
    channel: str,
    seconds: float | None = 3.0,
    *,
    at: datetime = NOW,
    kind: str = "email",
    sender: str = "researcher",
    variant: str = "plain",
    expected: tuple[str, ...] = ("cpr",),
    reached: tuple[str, ...] = ("cpr",),
    replies: tuple[Seen, ...] = (),
    deeds: tuple[Seen, ...] = (),
    failure: Failure | None = None,
    way: Way | None = None,
) -> str:
    """Record a whole probe sent at ``at`` that took so many seconds to reach these queues, or never did (None).

    ``deeds`` are what a human did with it there.
    """
    probe = Probe(
        id=new_probe_id(),
        channel=channel,
        kind=kind,
        sender=sender,
        variant=variant,
        scheduled_at=at,
        expected=frozenset(expected),
        deadline=900,
        give_up=86400,
    )
    ledger.append(record.scheduled(probe, "m" * 40))
    ledger.append(record.submitting(probe.id, at, "<m@persona.test>", "0" * 64))
    submission = Submission(at, accepted=failure is None, seconds=0.2, failure=failure)
    ledger.append(record.submitted(probe.id, at, submission, {}))
    if seconds is not None:
        for queue in reached:
            place = Place(queue, Role.MONITORED)
            ledger.append(seen(probe.id, Seen.REPORT, place, at + timedelta(seconds=seconds), way=way))
            for deed in deeds:
                ledger.append(seen(probe.id, deed, Place(queue, Role.MONITORED), at + timedelta(seconds=seconds)))
        for number, reply in enumerate(replies):
            place = Place("researcher-replies", Role.REPLIES)
            ledger.append(seen(probe.id, reply, place, at + timedelta(seconds=seconds), f"{number + 2:064x}"))
    arrived = seconds is not None and set(expected) <= set(reached)
    outcome = _outcome(arrived, failure)
    result = {Outcome.ARRIVED: DeadlineResult.MET, Outcome.INDETERMINATE: DeadlineResult.INDETERMINATE}.get(
        outcome, DeadlineResult.MISSED
    )
    end = at + timedelta(seconds=900)
    ledger.append(record.deadline(probe.id, end, result, outcome))
    stages = {Stage.ARRIVED: seconds} if seconds is not None and arrived else {}
    verdict = Verdict(outcome, result, final=True, place="cpr", reason="", stages=stages, duplicates=0, forged={})
    ledger.append(record.finished(probe.id, end, verdict)).result()
    return probe.id


def seen(probe: str, what: Seen, place: Place, at: datetime, message: str = "1" * 64, way: Way | None = None) -> Event:
    """Something was seen of a probe, in this message."""
    sighting = Sighting(
        what,
        probe,
        place,
        at,
        TimeSource.RECEIVED,
        1.0,
        at,
        message,
        "<m@persona.test>",
        intact=True,
        where=place.queue,
        by=Actor.HUMAN,
        way=way,
    )
    return record.sighting(at, sighting, f"watcher of {place.queue}")


def _outcome(arrived: bool, failure: Failure | None) -> Outcome:
    if failure is not None:
        return {Failure.OURS: Outcome.INDETERMINATE, Failure.REJECTED: Outcome.REJECTED}[failure]
    return Outcome.ARRIVED if arrived else Outcome.MISSING


def sample(prober: Prober, name: str, **labels: str) -> float | None:
    """A value as it is exported."""
    return registry(prober).get_sample_value(PREFIX + name, labels)


def of(channel: str, kind: str = "email", queue: str = "cpr", **labels: str) -> dict[str, str]:
    """The labels of a channel, and more."""
    return {"channel": channel, "kind": kind, "queue": queue, **labels}
