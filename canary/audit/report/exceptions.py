"""Exceptions: consecutive failed probes of a channel are one, from the first failure to the first good probe.

A failed probe missed its deadline, and there is an exception from the moment that this was decided: a report that may
still come late is waited for, and that changes nothing of it. It is open until a later probe has met its deadline. An
indeterminate one is our own fault: it neither makes an exception nor ends one.
The id of an exception is ``CHANNEL.PROBE``, of its first failed probe, so it is the same in every report. Of a channel
to which nothing is submitted, what looks at it found counts likewise, as ``CHANNEL.look-NUMBER`` (of the event).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from canary.ledger.decided_reader import DecidedReader
from canary.ledger.events import Event, EventKind, parse_time, timestamp
from canary.ledger.reader import LedgerReader
from canary.ledger.result_reader import Counted
from canary.model import DeadlineResult, Outcome

_LOOK = "look-"
_EVER, _NEVER = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))  # noqa: DTZ901  # made aware here
_MET, _MISSED = DeadlineResult.MET.value, DeadlineResult.MISSED.value


@dataclass(frozen=True, slots=True)
class Annotation:
    """What somebody wrote about an exception afterwards."""

    at: datetime
    by: str
    text: str
    cause: str | None
    bug: str | None
    """The address of a public report."""
    reference: str | None
    """The operator's own name of the incident."""


@dataclass(slots=True)
class Run:
    """Consecutive probes of a channel that went wrong alike: missed, or indeterminate."""

    channel: str
    kind: str
    first: str
    first_at: datetime
    outcome: str
    place: str | None
    reason: str
    last_at: datetime
    probes: int = 1
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)
    senders: set[str] = field(default_factory=set)
    variants: set[str] = field(default_factory=set)
    retest: str | None = None
    retest_at: datetime | None = None
    recovered_at: datetime | None = None
    """When the first good probe after it was in its queue."""
    detected_at: datetime | None = None
    """When the first failure was recorded as one."""
    confirmed: str | None = None
    """The outcome of the probe that was sent to confirm the first failure."""
    notes: tuple[Annotation, ...] = ()

    @property
    def id(self) -> str:
        """The same in every report: ``CHANNEL.FIRST-FAILED-PROBE``."""
        return f"{self.channel}.{self.first}"

    @property
    def by_looks(self) -> bool:
        """Whether the channel was looked at, and nothing submitted."""
        return self.first.startswith(_LOOK)

    @property
    def references(self) -> list[str]:
        """The incident and the public report that were noted, each once."""
        return list(dict.fromkeys(text for n in self.notes for text in (n.reference, n.bug) if text))

    def add(self, row: Counted) -> None:
        """One more probe that went wrong."""
        self.probes += 1
        self.last_at = parse_time(row.scheduled_at)
        self._note(row)

    def _note(self, row: Counted) -> None:
        self.causes[row.outcome or "", row.place or ""] += 1
        if not self.by_looks:
            self.senders.add(row.sender)
            self.variants.add(row.variant)
        if row.confirms == self.first:
            self.confirmed = row.outcome

    def close(self, row: Counted) -> None:
        """The first good probe after it."""
        self.retest, self.retest_at = row.probe, parse_time(row.scheduled_at)
        self.recovered_at = self.retest_at + timedelta(seconds=row.arrived or 0.0)

    @property
    def duration(self) -> timedelta | None:
        """From the first failed probe to the arrival of the first good one; None while there is none."""
        return self.recovered_at - self.first_at if self.recovered_at else None


def begin(row: Counted) -> Run:
    """The run that begins with this probe."""
    at = parse_time(row.scheduled_at)
    run = Run(row.channel, row.kind, row.probe, at, row.outcome or "", row.place, row.reason, at)
    run._note(row)
    return run


class Runs:
    """Gathers runs from the probes of each channel in the order of their schedule."""

    def __init__(self, wrong: Callable[[Counted], bool], good: Callable[[Counted], bool]) -> None:
        self._wrong, self._good = wrong, good
        self.open: dict[str, Run] = {}
        self.closed: list[Run] = []

    def feed(self, row: Counted) -> None:
        """Take in the next probe of its channel."""
        run = self.open.get(row.channel)
        if self._wrong(row):
            if run:
                run.add(row)
            else:
                self.open[row.channel] = begin(row)
        elif run and self._good(row):
            run.close(row)
            self.closed.append(self.open.pop(row.channel))

    def runs(self) -> list[Run]:
        """All of them, in the order in which they began."""
        return sorted([*self.closed, *self.open.values()], key=lambda run: (run.first_at, run.channel))


def failures() -> Runs:
    """Gathers exceptions: consecutive probes that missed their deadline."""
    return Runs(lambda row: row.deadline == _MISSED, lambda row: row.deadline == _MET)


def own_faults() -> Runs:
    """Gathers what was our own fault, likewise; any judged probe ends it."""
    return Runs(
        lambda row: row.deadline not in (_MET, _MISSED) and row.outcome == Outcome.INDETERMINATE,
        lambda row: row.deadline in (_MET, _MISSED),
    )


def before(decided: DecidedReader, row: Counted) -> list[Counted]:
    """The probes of the channel of ``row``, a failed one, since the last good one before it: oldest first."""
    earlier: list[Counted] = []
    for known in decided.before(row.channel, parse_time(row.scheduled_at)):
        if known.deadline == _MET:
            break
        earlier.append(known)
    return earlier[::-1]


def follow(decided: DecidedReader, fold: Runs, since: datetime) -> None:
    """Read on after ``since`` for every run that is still open, until it ends or the ledger does."""
    for channel in list(fold.open):
        for row in decided.since(channel, since):
            fold.feed(row)
            if channel not in fold.open:
                break


def looked(ledger: LedgerReader, since: datetime, until: datetime) -> list[Run]:
    """The exceptions that looks tell of, with a failed one from ``since`` on and before ``until``.

    A probe that meets its deadline ends one too: a channel may come to be one to which reports are submitted.
    """
    fold, decided = failures(), DecidedReader(ledger)
    for event in ledger.events(kind=EventKind.CHECKED):
        fold.feed(_look(event))
    for channel, run in fold.open.items():
        good = next((row for row in decided.since(channel, run.first_at) if row.deadline == _MET), None)
        if good:
            run.close(good)
    return [run for run in fold.runs() if run.first_at < until and run.last_at >= since]


def _look(event: Event) -> Counted:
    body, at = event.body, timestamp(event.at)
    outcome = Outcome(body["outcome"])
    return Counted(
        f"{_LOOK}{event.seq}", body["channel"], "", "", outcome.value, outcome.deadline_result.value, None, 0, 0, 0,
        0.0, at, body["kind"], None, body["detail"], None,
    )  # fmt: skip


def complete(ledger: LedgerReader, runs: Iterable[Run], notes: dict[str, tuple[Annotation, ...]]) -> None:
    """Fill in when each was detected, and what was noted about it."""
    for run in runs:
        times = {EventKind.FINISHED: run.first_at} if run.by_looks else ledger.times(run.first)
        signs = [times[kind] for kind in (EventKind.CONFIRM, EventKind.DEADLINE) if kind in times]
        run.detected_at = min(signs, default=times.get(EventKind.FINISHED))
        run.notes = notes.get(run.id, ())


def notes_of(events: Iterable[Event]) -> dict[str, tuple[Annotation, ...]]:
    """By exception: what was noted, in order, from ``annotated`` events."""
    found: dict[str, list[Annotation]] = {}
    for event in events:
        body = event.body
        if body:  # retention may have emptied it
            note = Annotation(
                event.at, body["by"], body["note"], body.get("cause"), body.get("bug"), body.get("reference")
            )
            found.setdefault(body["exception"], []).append(note)
    return {name: tuple(notes) for name, notes in found.items()}


def annotation(run: Run, note: Annotation) -> Event:
    """The event that adds a note to an exception."""
    said = {"note": note.text, "by": note.by, "cause": note.cause, "bug": note.bug, "reference": note.reference}
    of = None if run.by_looks else run.first
    return Event(EventKind.ANNOTATED, note.at, {"exception": run.id, "channel": run.channel, **said}, of)


def find(ledger: LedgerReader, name: str) -> Run | None:
    """The exception with this id, as it stands now; None if there is none."""
    channel, _, probe = name.rpartition(".")
    if probe.startswith(_LOOK):
        return next((run for run in looked(ledger, _EVER, _NEVER) if run.id == name), None)
    decided = DecidedReader(ledger)
    row = decided.probe(probe)
    if row is None or row.channel != channel or row.deadline != _MISSED:
        return None
    if any(known.deadline == _MISSED for known in before(decided, row)):
        return None  # in the middle of one
    fold = failures()
    for known in decided.since(channel, parse_time(row.scheduled_at)):
        fold.feed(known)
        if fold.closed:
            break
    return fold.runs()[0]
