"""One row a finished probe, so that a report over millions of them is SQL. Derived: the events are what counts.

A row says what was known when the probe ended; what is seen of it later is in the events alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json

from canary.ledger.canonical import canonical
from canary.ledger.events import Event, EventKind, parse_time, read_owed, read_probe, timestamp, write_owed
from canary.model import DeadlineResult, Outcome, Probe, Stage

SOURCES = (EventKind.SCHEDULED, EventKind.DEADLINE, EventKind.FINISHED)
"""The kinds of event that a row is made from."""


class Result(NamedTuple):
    """A finished probe. Stages are seconds from submission, None where the stage was not reached by then.

    ``owed`` is what became of each stage that was owed. ``outcome`` is None only if nothing could be said, ``deadline``
    only if the probe ended before its deadline was judged. ``confirms`` is the id of the failed probe that this one was
    sent to confirm. A tuple, since there are millions: a dataclass of so many fields takes three times as long to make.
    """

    probe: str
    scheduled_seq: int
    finished_seq: int
    channel: str
    kind: str
    sender: str
    variant: str
    scheduled_at: datetime
    outcome: Outcome | None
    deadline: DeadlineResult | None
    place: str | None
    reason: str
    accepted: float | None
    arrived: float | None
    acknowledged: float | None
    picked_up: float | None
    answered: float | None
    answer_received: float | None
    closed: float | None
    owed: Mapping[Stage, DeadlineResult | None]
    confirms: str | None
    blind: bool


COLUMNS = Result._fields


def result(probe: Probe, scheduled: tuple[int, datetime], deadline: DeadlineResult | None, finished: Event) -> Result:
    """The row of a probe; ``scheduled`` are number and time of its first event, ``finished`` is its last one."""
    body = finished.body
    stages = body["stages"]
    return Result(
        probe=probe.id,
        scheduled_seq=scheduled[0],
        finished_seq=finished.seq,
        channel=probe.channel,
        kind=probe.kind,
        sender=probe.sender,
        variant=probe.variant,
        scheduled_at=scheduled[1],
        outcome=Outcome(body["outcome"]) if body["outcome"] else None,
        deadline=deadline,
        place=body["place"],
        reason=body["reason"],
        accepted=stages.get(Stage.ACCEPTED.value),
        arrived=stages.get(Stage.ARRIVED.value),
        acknowledged=stages.get(Stage.ACKNOWLEDGED.value),
        picked_up=stages.get(Stage.PICKED_UP.value),
        answered=stages.get(Stage.ANSWERED.value),
        answer_received=stages.get(Stage.ANSWER_RECEIVED.value),
        closed=stages.get(Stage.CLOSED.value),
        owed=read_owed(body.get("owed", {})),
        confirms=probe.confirms,
        blind=probe.blind,
    )


def recompute(events: Iterable[Event]) -> Iterator[Result]:
    """The rows that follow from events of the kinds :data:`SOURCES`, in the order in which the probes ended.

    A probe whose first event is not there (any more) has none. Holds only the probes without an end in memory.
    """
    open_: dict[str, tuple[Event, DeadlineResult | None]] = {}
    for event in events:
        probe = event.probe or ""
        if event.kind is EventKind.SCHEDULED:
            open_[probe] = event, None
        elif probe in open_ and event.kind is EventKind.DEADLINE:
            open_[probe] = open_[probe][0], DeadlineResult(event.body["result"])
        elif probe in open_ and event.kind is EventKind.FINISHED:
            first, decided = open_.pop(probe)
            yield result(read_probe(first), (first.seq, first.at), decided, event)


def to_row(row: Result) -> dict[str, Any]:
    """A result as the table has it."""
    plain = {"scheduled_at": timestamp(row.scheduled_at), "owed": canonical(write_owed(row.owed)).decode()}
    return {name: getattr(row, name) for name in COLUMNS} | plain


def from_row(row: Sequence[Any]) -> Result:
    """The inverse of :func:`to_row`, from the columns in the order of :data:`COLUMNS`."""
    known = dict(zip(COLUMNS, row, strict=True))
    known["scheduled_at"] = parse_time(known["scheduled_at"])
    known["outcome"] = Outcome(known["outcome"]) if known["outcome"] else None
    known["deadline"] = DeadlineResult(known["deadline"]) if known["deadline"] else None
    known["blind"] = bool(known["blind"])
    known["owed"] = read_owed(from_json(known["owed"]))
    return Result(**known)


def differences(kept: Iterable[Result], wanted: Iterable[Result]) -> Iterator[str]:
    """What the table (``kept``) says otherwise than the events, a sentence each; both ordered by ``finished_seq``."""
    rows, true_rows = iter(kept), iter(wanted)
    row, true = next(rows, None), next(true_rows, None)
    while row or true:
        if true is None or (row and row.finished_seq < true.finished_seq):
            assert row is not None
            yield f"probe {row.probe} is in the table, and event {row.finished_seq} does not say that it ended"
            row = next(rows, None)
        elif row is None or true.finished_seq < row.finished_seq:
            yield f"probe {true.probe}, which ended with event {true.finished_seq}, is not in the table"
            true = next(true_rows, None)
        else:
            yield from _columns(row, true)
            row, true = next(rows, None), next(true_rows, None)


def _columns(row: Result, true: Result) -> Iterator[str]:
    if row == true:
        return
    for name, found, wanted in zip(COLUMNS, row, true, strict=True):
        if found != wanted:
            yield f"probe {true.probe}: {name} is {_shown(found)} in the table, and {_shown(wanted)} in the events"


def _shown(value: Any) -> str:
    return timestamp(value) if isinstance(value, datetime) else repr(str(value)) if value is not None else "none"
