"""The state that follows from the events: open cases and totals. A fold, so a restart arrives where it stood."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from canary.judge import judge
from canary.ledger.events import (
    CLOCK_EVERY,
    CLOCK_STEP,
    ON_PURPOSE,
    Event,
    EventKind,
    parse_time,
    read_probe,
    read_sighting,
    read_submission,
)
from canary.ledger.state.judged import note_absence, note_result
from canary.ledger.state.totals import ChannelTotals, Histogram, Totals, add
from canary.model import Case, DeadlineResult, Forgery, Outcome, Stage

_Recent = dict[str, deque[datetime]]
_SNAPSHOT: TypeAdapter[tuple[Totals, list[str], _Recent]] = TypeAdapter(tuple[Totals, list[str], _Recent])


@dataclass(slots=True)
class OpenProbe:
    """A case without an end, with what was already decided about it."""

    case: Case
    mark: str
    scheduled: tuple[int, datetime]
    """Number and time of its first event."""
    payload: str | None = None
    """The SHA-256 of exactly what was sent."""
    deadline: DeadlineResult | None = None
    confirming: bool = False


Read = Callable[[str, int], OpenProbe | None]
"""Finds a probe as it stood at an event."""


class Book:
    """The fold. ``read`` finds the case of a probe that has ended, for what is still seen of it."""

    def __init__(self, read: Read, totals: Totals | None = None, seq: int = 0) -> None:
        self._read = read
        self.totals = totals or Totals()
        self.seq = seq
        self.open: dict[str, OpenProbe] = {}
        self.recent: _Recent = {}
        """By channel: when the probes of the last hour were scheduled."""

    @classmethod
    def restore(cls, read: Read, snapshot: bytes, seq: int) -> Book:
        """The book as :meth:`snapshot` wrote it at event ``seq``."""
        totals, ids, recent = _SNAPSHOT.validate_json(snapshot)
        book = cls(read, totals, seq)
        book.recent = recent
        book.open = {probe: known for probe in ids if (known := read(probe, seq)) is not None}
        return book

    def snapshot(self) -> bytes:
        """The totals, the ids of the open probes, and what counts for the rate caps, as JSON."""
        return _SNAPSHOT.dump_json((self.totals, list(self.open), self.recent))

    def accepts(self, event: Event) -> bool:
        """Whether the event still says something new: two processes may both see a message or reach a verdict."""
        known = self.open.get(event.probe or "")
        match event.kind:
            case EventKind.FINISHED:
                return known is not None
            case EventKind.DEADLINE:
                return known is not None and known.deadline is None
            case EventKind.CONFIRM:
                return known is not None and not known.confirming
            case EventKind.SIGHTING:
                return not self._seen_before(event, known)
        return self._is_news(event)

    def _is_news(self, event: Event) -> bool:
        """Whether a hold begins or ends, or a clock is to be told; who threw or reset the kill switch always is."""
        body, totals = event.body, self.totals
        match event.kind:
            case EventKind.HELD:
                return totals.held.get(body["channel"]) != str(body["reason"])
            case EventKind.RELEASED:
                return body["channel"] in totals.held
            case EventKind.STOPPED_ALL:
                return totals.stopped is None or body["by"] is not None
            case EventKind.CLEARED:
                return totals.stopped is not None or body["by"] is not None
            case EventKind.CLOCK:
                return self.clock_is_news(body["queue"], body["offset"], event.at)
        return True

    def clock_is_news(self, queue: str, offset: float, at: datetime) -> bool:
        """Whether the offset of a queue's clock is to be told: it is once an hour, and when it has changed."""
        told, told_at = self.totals.clocks.get(queue, (0.0, 0.0))
        return abs(offset - told) > CLOCK_STEP or abs(at.timestamp() - told_at) >= CLOCK_EVERY.total_seconds()

    def _seen_before(self, event: Event, known: OpenProbe | None) -> bool:
        known = known or self._read(event.probe or "", self.seq)
        if known is None:
            return False
        sighting = read_sighting(event)
        return any(sighting.is_copy_of(other) for other in known.case.sightings)

    def apply(self, event: Event) -> None:
        """Take in one event; events come in the order of their numbers."""
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event)
        self.seq = event.seq

    def channel(self, slug: str, kind: str = "", queue: str = "") -> ChannelTotals:
        """The totals of a channel, made if there are none yet."""
        if slug not in self.totals.channels:
            self.totals.channels[slug] = ChannelTotals(kind, queue)
        return self.totals.channels[slug]

    def scheduled_since(self, channel: str, since: datetime) -> int:
        """How many probes a channel was sent since then, at most an hour back."""
        return sum(at > since for at in self.recent.get(channel, ()))

    def _scheduled(self, event: Event) -> None:
        probe = read_probe(event)
        self.open[probe.id] = OpenProbe(Case(probe), str(event.body["mark"]), (event.seq, event.at))
        totals = self.channel(probe.channel, probe.kind, min(probe.expected))
        totals.attempted += 1
        totals.turns += probe.in_turn
        totals.enabled = totals.enabled or probe.scheduled_at.timestamp()
        totals.last_attempt = probe.scheduled_at.timestamp()
        if probe.confirms:
            self.totals.confirmations.pop(probe.channel, None)
        recent = self.recent.setdefault(probe.channel, deque())
        recent.append(probe.scheduled_at)
        while recent[0] < probe.scheduled_at - timedelta(hours=1):
            recent.popleft()

    def _submitting(self, event: Event) -> None:
        if known := self.open.get(event.probe or ""):
            known.case = replace(known.case, submitting_at=event.at, message_id=event.body["message_id"])
            known.payload = event.body["payload"]

    def _submitted(self, event: Event) -> None:
        known = self.open.get(event.probe or "")
        if known is None:
            return
        submission = read_submission(event)
        if submission.accepted:
            self.channel(known.case.probe.channel).submitted += 1
        if submission.component:
            add(self.totals.errors, f"{submission.component}/{submission.own_reason}")
        self._change(known, replace(known.case, submission=submission), event.at)

    def _sighting(self, event: Event) -> None:
        sighting = read_sighting(event)
        known = self.open.get(sighting.probe) or self._read(sighting.probe, event.seq - 1)
        if known is None:
            add(self.totals.unattributed, (sighting.forgery or Forgery.UNKNOWN_ID).value)
            return
        self._change(known, known.case.with_sighting(sighting), event.at)

    def _change(self, known: OpenProbe, case: Case, at: datetime) -> None:
        """Replace a case, and count what the change shows: stages newly reached, duplicates, forgeries."""
        before, after = judge(known.case, at, {}), judge(case, at, {})
        known.case = case
        totals = self.channel(case.probe.channel)
        for stage in after.stages.keys() - before.stages.keys():
            histogram = totals.stages.setdefault(stage.value, Histogram())
            histogram.observe(after.stages[stage], case.probe.id, at.timestamp())
        note_absence(totals, case)
        totals.duplicates += max(0, after.duplicates - before.duplicates)  # counters never go back
        for reason, count in after.forged.items():
            add(totals.forged, reason.value, max(0, count - before.forged.get(reason, 0)))
        if after.outcome is None or after.outcome is before.outcome:  # a forgery, or a reply, shows nothing new
            return
        self._note_outcome(totals, case, after.outcome)
        if after.outcome is Outcome.ARRIVED:
            arrived = case.started_at.timestamp() + after.stages[Stage.ARRIVED]
            totals.last_success = max(totals.last_success, arrived)

    def _note_outcome(self, totals: ChannelTotals, case: Case, outcome: Outcome) -> None:
        """The channel's state is what the newest probe says; what is still seen of an older one does not change it."""
        scheduled = case.probe.scheduled_at.timestamp()
        if scheduled >= totals.last_judged:
            totals.last_outcome, totals.last_judged = outcome.value, scheduled

    def _deadline(self, event: Event) -> None:
        if known := self.open.get(event.probe or ""):
            known.deadline = DeadlineResult(event.body["result"])
            totals = self.channel(known.case.probe.channel)
            add(totals.deadline_results, known.deadline.value)
            self._note_outcome(totals, known.case, Outcome(event.body["outcome"]))
            note_result(self.totals, totals, known.case, known.deadline, event.at.timestamp())

    def _confirm(self, event: Event) -> None:
        if known := self.open.get(event.probe or ""):
            known.confirming = True
        due = parse_time(event.body["due"]).timestamp()
        self.totals.confirmations[event.body["channel"]] = (event.probe or "", due)

    def _finished(self, event: Event) -> None:
        known = self.open.pop(event.probe or "", None)
        if known is not None and event.body["outcome"]:
            totals = self.channel(known.case.probe.channel)
            add(totals.finished, event.body["outcome"])

    def _checked(self, event: Event) -> None:
        """A channel that revokes by machine was looked at, and nothing sent."""
        body, at = event.body, event.at.timestamp()
        totals = self.channel(body["channel"], body["kind"], body["queue"])
        totals.enabled, totals.last_attempt = totals.enabled or at, at
        totals.last_outcome = body["outcome"]
        if totals.last_outcome == Outcome.ARRIVED.value:
            totals.last_success = at

    def _trouble(self, event: Event) -> None:
        add(self.totals.errors, f"{event.body['component']}/{event.body['reason']}")

    def _paused(self, event: Event) -> None:
        for channel in event.body["channels"]:
            self.totals.paused[channel] = event.body["reason"]

    def _resumed(self, event: Event) -> None:
        for channel in event.body["channels"]:
            self.totals.paused.pop(channel, None)

    def _held(self, event: Event) -> None:
        self.totals.held[event.body["channel"]] = event.body["reason"]

    def _released(self, event: Event) -> None:
        slug = event.body["channel"]
        self.totals.held.pop(slug, None)
        if event.body["reason"] in ON_PURPOSE and slug in self.totals.channels:
            self.totals.channels[slug].resumed = event.at.timestamp()

    def _stopped_all(self, event: Event) -> None:
        self.totals.stopped = event.body["reason"]

    def _cleared(self, _: Event) -> None:
        self.totals.stopped = None

    def _clock(self, event: Event) -> None:
        self.totals.clocks[event.body["queue"]] = event.body["offset"], event.at.timestamp()

    def _clock_stepped(self, event: Event) -> None:
        """Move the start of what is in flight by as much as our clock was wrong, so that no latency is falsified."""
        by = timedelta(seconds=event.body["seconds"])
        for known in self.open.values():
            case = known.case
            if not case.sightings:
                known.case = replace(
                    case,
                    probe=replace(case.probe, scheduled_at=case.probe.scheduled_at + by),
                    submitting_at=case.submitting_at and case.submitting_at + by,
                    submission=case.submission and replace(case.submission, at=case.submission.at + by),
                )


_HANDLERS: dict[EventKind, Callable[[Book, Event], None]] = {
    EventKind.SCHEDULED: Book._scheduled,
    EventKind.SUBMITTING: Book._submitting,
    EventKind.SUBMITTED: Book._submitted,
    EventKind.SIGHTING: Book._sighting,
    EventKind.DEADLINE: Book._deadline,
    EventKind.CONFIRM: Book._confirm,
    EventKind.FINISHED: Book._finished,
    EventKind.CHECKED: Book._checked,
    EventKind.TROUBLE: Book._trouble,
    EventKind.PAUSED: Book._paused,
    EventKind.RESUMED: Book._resumed,
    EventKind.HELD: Book._held,
    EventKind.RELEASED: Book._released,
    EventKind.STOPPED_ALL: Book._stopped_all,
    EventKind.CLEARED: Book._cleared,
    EventKind.CLOCK: Book._clock,
    EventKind.CLOCK_STEPPED: Book._clock_stepped,
}
