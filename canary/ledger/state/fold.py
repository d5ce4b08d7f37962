"""The fold: a state and the events after it give the next state. Pure but for finding what is known of ended probes.

The state that it began with never changes, and a fold that is dropped never happened. Maps that have an entry for each
probe or channel share with it all but what is changed: a copy of thousands at each commit costs more than what changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from immutables import Map

from canary.decided import by_what_is_seen
from canary.ledger.events import (
    ON_PURPOSE,
    Event,
    EventKind,
    parse_time,
    read_probe,
    read_sighting,
    read_submission,
)
from canary.ledger.state.due_events import configured, each, hold_began, hold_ended, started
from canary.ledger.state.judged import with_absence, with_failure, with_form, with_result, with_way
from canary.ledger.state.replacing import replace
from canary.ledger.state.state import RECENT, OpenProbe, State, clock_is_news
from canary.ledger.state.surplus import surplus
from canary.ledger.state.totals import UNDECIDED, ChannelTotals, Histogram, Totals, counted
from canary.model import Case, DeadlineResult, Failure, Forgery, Outcome, Stage, Surplus

Find = Callable[[str, int], OpenProbe | None]
"""Finds a probe as it stood at an event."""

_REMEMBERED = 100
"""Ended probes that a fold need not find again each time that something more is seen of them."""


class Fold:
    """Takes in events one after the other. ``find`` finds the case of a probe that has ended, for what is seen late."""

    def __init__(self, find: Find, state: State | None = None) -> None:
        state = state or State()
        totals = state.totals
        self._find = find
        self.seq = state.seq
        self.open = Map(state.open).mutate()
        self._ended: dict[str, OpenProbe] = {}
        self._recent = Map(state.recent).mutate()
        self._channels = Map(totals.channels).mutate()
        self._errors = dict(totals.errors)
        self._by_variant, self._by_sender = totals.by_variant, totals.by_sender
        self._unattributed = totals.unattributed
        self._paused, self._held = dict(totals.paused), dict(totals.held)
        self._stopped, self._down_since = totals.stopped, totals.down_since
        self._clocks, self._confirmations = dict(totals.clocks), dict(totals.confirmations)

    def state(self) -> State:
        """The state that was arrived at. The fold is not to be used any more."""
        totals = Totals(
            channels=self._channels.finish(),
            errors=self._errors,
            by_variant=self._by_variant,
            by_sender=self._by_sender,
            unattributed=self._unattributed,
            paused=self._paused,
            stopped=self._stopped,
            down_since=self._down_since,
            held=self._held,
            clocks=self._clocks,
            confirmations=self._confirmations,
        )
        return State(self.seq, self.open.finish(), totals, self._recent.finish())

    def apply(self, event: Event) -> None:
        """Take in one event; events come in the order of their numbers."""
        if event.kind is not EventKind.SIGHTING:
            self._ended.pop(event.probe or "", None)
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event)
        if event.kind.of_probe and (known := self.open.get(event.probe or "")):
            self.open[known.case.probe.id] = replace(known, events=(*known.events, event.seq))
        self.seq = event.seq

    def accepts(self, event: Event) -> bool:
        """Whether the event still says something new: two processes may both see a message or reach a verdict."""
        if event.kind is EventKind.SIGHTING:
            return not self._seen_before(event)
        known = self.open.get(event.probe or "")
        match event.kind:
            case EventKind.FINISHED:
                return known is not None
            case EventKind.DEADLINE:
                return known is not None and known.deadline is None
            case EventKind.CONFIRM:
                return known is not None and not known.confirming
        return self._is_news(event)

    def _is_news(self, event: Event) -> bool:
        """Whether a hold begins or ends, or a clock is to be recorded; who threw or reset the kill switch always is."""
        body = event.body
        match event.kind:
            case EventKind.HELD:
                return self._held.get(body["channel"]) != str(body["reason"])
            case EventKind.RELEASED:
                return body["channel"] in self._held
            case EventKind.STOPPED_ALL:
                return self._stopped is None or body["by"] is not None
            case EventKind.CLEARED:
                return self._stopped is not None or body["by"] is not None
            case EventKind.CLOCK:
                return clock_is_news(self._clocks.get(body["queue"]), body["offset"], event.at)
        return True

    def _seen_before(self, event: Event) -> bool:
        known = self._known(event.probe or "")
        if known is None or not known.case.sightings:
            return False
        sighting = read_sighting(event)
        return any(sighting.is_copy_of(other) for other in known.case.sightings)

    def _known(self, probe: str) -> OpenProbe | None:
        """A probe, open or ended, as it stands."""
        known = self.open.get(probe) or self._ended.get(probe)
        if known is None and (known := self._find(probe, self.seq)) is not None:
            if len(self._ended) >= _REMEMBERED:
                del self._ended[next(iter(self._ended))]
            self._ended[probe] = known
        return known

    # A probe's events

    def _scheduled(self, event: Event) -> None:
        probe = read_probe(event)
        self.open[probe.id] = OpenProbe(Case(probe), str(event.body["mark"]), (event.seq, event.at))
        at = probe.scheduled_at
        totals = self._channels.get(probe.channel) or ChannelTotals(probe.kind, min(probe.expected))
        self._channels[probe.channel] = replace(
            totals,
            attempted=totals.attempted + 1,
            turns=totals.turns + probe.in_turn,
            due=totals.due.taken(at.timestamp()) if probe.in_turn else totals.due,
            enabled=totals.enabled or at.timestamp(),
            last_attempt=at.timestamp(),
        )
        if probe.confirms:
            self._confirmations.pop(probe.channel, None)
        recent = self._recent.get(probe.channel, ())
        self._recent[probe.channel] = (*(before for before in recent if before >= at - RECENT), at)

    def _submitting(self, event: Event) -> None:
        if known := self.open.get(event.probe or ""):
            case = replace(known.case, submitting_at=event.at, message_id=event.body["message_id"])
            self.open[known.case.probe.id] = replace(known, case=case, payload=event.body["payload"])

    def _submitted(self, event: Event) -> None:
        known = self.open.get(event.probe or "")
        if known is None:
            return
        submission = read_submission(event)
        totals = self._totals_of(known)
        self._channels[known.case.probe.channel] = replace(
            with_form(totals, event.body.get("form")),
            sent=totals.sent + (submission.uncertain or submission.failure is not Failure.OURS),
            submitted=totals.submitted + submission.accepted,
        )
        if submission.component:
            self._count_error(f"{submission.component}/{submission.own_reason}")
        self._change(known, replace(known.case, submission=submission), event)

    def _sighting(self, event: Event) -> None:
        sighting = read_sighting(event)
        known = self._known(sighting.probe)
        if known is None:
            self._count_surplus(None, sighting.forgery or Forgery.UNKNOWN_ID)
        elif why := surplus(known.case, sighting):
            self._count_surplus(known.case.probe.channel, why)
        else:
            self._change(known, known.case.with_sighting(sighting), event)
            self._channels[known.case.probe.channel] = with_way(self._totals_of(known), sighting)

    def _flood(self, event: Event) -> None:
        self._count_surplus(event.body["channel"], event.body["why"], event.body["count"])

    def _count_surplus(self, channel: str | None, why: str, by: int = 1) -> None:
        """Count sightings of a channel's probes, or of no probe of ours, that change nothing else."""
        if channel is None:
            self._unattributed = counted(self._unattributed, str(why), by)
            return
        totals = self._channels.get(channel) or ChannelTotals("", "")
        if why == Surplus.DUPLICATE:
            totals = replace(totals, duplicates=totals.duplicates + by)
        elif why != Surplus.REPEATED:
            totals = replace(totals, forged=counted(totals.forged, str(why), by))
        self._channels[channel] = totals

    def _change(self, known: OpenProbe, case: Case, event: Event) -> None:
        """Replace a case, and count what the change shows: stages newly reached, duplicates, forgeries."""
        where = self.open if case.probe.id in self.open else self._ended  # what has ended, nothing opens again
        where[case.probe.id] = replace(known, case=case)
        before, after = (by_what_is_seen(of, known.deadline, event.at) for of in (known.case, case))
        totals = self._totals_of(known)
        stages, forged = dict(totals.stages), totals.forged
        for stage in after.stages.keys() - before.stages.keys():
            histogram = stages.get(stage.value) or Histogram()
            stages[stage.value] = histogram.observe(after.stages[stage], case.probe.id, event.at.timestamp())
        for reason, count in after.forged.items():  # counters never go back
            forged = counted(forged, reason.value, max(0, count - before.forged.get(reason, 0)))
        totals = replace(
            totals,
            stages=stages,
            forged=forged,
            duplicates=totals.duplicates + max(0, after.duplicates - before.duplicates),
            newest=with_absence(totals.newest, case),
        )
        if after.outcome is not None and after.outcome is not before.outcome:  # not a forgery, nor a reply
            totals = totals.with_outcome(case.probe.scheduled_at.timestamp(), after.outcome.value)
            if after.outcome is Outcome.ARRIVED:
                arrived = case.started_at.timestamp() + after.stages[Stage.ARRIVED]
                totals = replace(totals, last_success=max(totals.last_success, arrived))
            if after.outcome is Outcome.BOUNCED:
                totals = replace(totals, bounced=totals.bounced + 1)
            told = after.deadline is not DeadlineResult.INDETERMINATE
            totals = self._with_failure(totals, case, after.outcome, told, event)
        self._channels[case.probe.channel] = totals

    def _with_failure(
        self, totals: ChannelTotals, case: Case, outcome: Outcome, told: bool, event: Event
    ) -> ChannelTotals:
        """A channel with what a probe came to. A confirmation that fails brings back what it was sent to confirm.

        A report of another kind, or by another sender, may have arrived in between.
        """
        probe = case.probe
        totals = with_failure(totals, probe.id, probe.scheduled_at.timestamp(), outcome, told)
        first = probe.confirms
        if first is None or first in totals.failing or probe.id not in totals.failing:
            return totals
        known = self._known(first)
        if known is None or by_what_is_seen(known.case, known.deadline, event.at).outcome is Outcome.ARRIVED:
            return totals
        return with_failure(totals, first, known.case.probe.scheduled_at.timestamp(), Outcome.MISSING, told=True)

    def _deadline(self, event: Event) -> None:
        known = self.open.get(event.probe or "")
        if known is None:
            return
        result, probe = DeadlineResult(event.body["result"]), known.case.probe
        self.open[probe.id] = replace(known, deadline=result)
        totals = self._totals_of(known)
        totals = replace(totals, deadline_results=counted(totals.deadline_results, result.value))
        outcome, told = Outcome(event.body["outcome"]), result is not DeadlineResult.INDETERMINATE
        totals = totals.with_outcome(probe.scheduled_at.timestamp(), outcome.value)
        totals = self._with_failure(totals, known.case, outcome, told, event)
        self._channels[probe.channel] = with_result(totals, known.case, result, event.at.timestamp())
        if result is not DeadlineResult.INDETERMINATE:
            self._by_variant = counted(self._by_variant, f"{probe.kind}/{probe.variant}/{result}")
            self._by_sender = counted(self._by_sender, f"{probe.kind}/{probe.sender}/{result}")

    def _confirm(self, event: Event) -> None:
        if known := self.open.get(event.probe or ""):
            self.open[known.case.probe.id] = replace(known, confirming=True)
        channel, due = event.body["channel"], parse_time(event.body["due"]).timestamp()
        if self._confirmations.get(channel, ("", 0.0))[1] <= event.at.timestamp():  # else failures would put it off
            self._confirmations[channel] = (event.probe or "", due)

    def _finished(self, event: Event) -> None:
        known = self.open.pop(event.probe or "", None)
        if known is None:
            return
        totals, outcome = self._totals_of(known), event.body["outcome"]
        self._channels[known.case.probe.channel] = replace(
            totals,
            finished=counted(totals.finished, outcome) if outcome else totals.finished,
            results=counted(totals.results, known.deadline.value if known.deadline else UNDECIDED),
        )

    def _totals_of(self, known: OpenProbe) -> ChannelTotals:
        return self._channels.get(known.case.probe.channel) or ChannelTotals("", "")

    # The installation's events

    def _checked(self, event: Event) -> None:
        """A channel that revokes by machine was looked at, and nothing sent."""
        body, at = event.body, event.at.timestamp()
        totals = self._channels.get(body["channel"]) or ChannelTotals(body["kind"], body["queue"])
        outcome = Outcome(body["outcome"])
        arrived, totals = outcome is Outcome.ARRIVED, with_form(totals, body.get("form"))
        self._channels[body["channel"]] = replace(
            with_failure(totals, f"look {event.seq}", at, outcome, told=True),
            looks=totals.looks + 1,
            due=totals.due.taken(at),
            enabled=totals.enabled or at,
            last_attempt=at,
            last_outcome=outcome.value,
            last_success=at if arrived else totals.last_success,
        )

    def _trouble(self, event: Event) -> None:
        self._count_error(f"{event.body['component']}/{event.body['reason']}")

    def _count_error(self, key: str) -> None:
        self._errors[key] = self._errors.get(key, 0) + 1

    def _on_pause(self, event: Event) -> None:
        self._paused |= dict.fromkeys(event.body["channels"], event.body["reason"])

    def _on_resume(self, event: Event) -> None:
        for channel in event.body["channels"]:
            self._paused.pop(channel, None)

    def _on_hold(self, event: Event) -> None:
        self._held[event.body["channel"]] = event.body["reason"]
        self._channels = hold_began(self._channels, event)

    def _released(self, event: Event) -> None:
        slug = event.body["channel"]
        self._held.pop(slug, None)
        self._channels = hold_ended(self._channels, event)
        if event.body["reason"] in ON_PURPOSE and slug in self._channels:
            self._channels[slug] = replace(self._channels[slug], resumed=event.at.timestamp(), failing={})

    def _on_configuration(self, event: Event) -> None:
        self._channels = configured(self._channels, event)

    def _on_start(self, event: Event) -> None:
        if event.body.get("scheduled", True):
            self._channels = started(self._channels, event, self._down_since)
            self._down_since = 0.0

    def _on_stop(self, event: Event) -> None:
        if event.body.get("scheduled", True):
            self._down_since = self._down_since or event.at.timestamp()

    def _stopped_all(self, event: Event) -> None:
        self._stopped = event.body["reason"]

    def _cleared(self, _: Event) -> None:
        self._stopped = None

    def _clock(self, event: Event) -> None:
        self._clocks[event.body["queue"]] = event.body["offset"], event.at.timestamp()

    def _clock_stepped(self, event: Event) -> None:
        """Move what is in flight by as much as our clock was wrong, so that no latency is falsified.

        The same for what counts for the rate caps, for when confirmations are due, and for the times of each channel:
        else one that was ahead would be the newest for as long.
        """
        self._ended.clear()
        by = timedelta(seconds=event.body["seconds"])
        self.open = each(
            self.open, lambda known: replace(known, case=known.case.moved(by), events=(*known.events, event.seq))
        )
        self._channels = each(self._channels, lambda totals: totals.moved(by.total_seconds()))
        self._recent = each(self._recent, lambda sent: tuple(at + by for at in sent))
        self._down_since += by.total_seconds() if self._down_since else 0.0
        self._confirmations = {
            channel: (failed, due + by.total_seconds()) for channel, (failed, due) in self._confirmations.items()
        }


_HANDLERS: dict[EventKind, Callable[[Fold, Event], None]] = {
    EventKind.SCHEDULED: Fold._scheduled,
    EventKind.SUBMITTING: Fold._submitting,
    EventKind.SUBMITTED: Fold._submitted,
    EventKind.SIGHTING: Fold._sighting,
    EventKind.FLOOD: Fold._flood,
    EventKind.DEADLINE: Fold._deadline,
    EventKind.CONFIRM: Fold._confirm,
    EventKind.FINISHED: Fold._finished,
    EventKind.STARTED: Fold._on_start,
    EventKind.STOPPED: Fold._on_stop,
    EventKind.CONFIGURED: Fold._on_configuration,
    EventKind.CHECKED: Fold._checked,
    EventKind.TROUBLE: Fold._trouble,
    EventKind.PAUSED: Fold._on_pause,
    EventKind.RESUMED: Fold._on_resume,
    EventKind.HELD: Fold._on_hold,
    EventKind.RELEASED: Fold._released,
    EventKind.STOPPED_ALL: Fold._stopped_all,
    EventKind.CLEARED: Fold._cleared,
    EventKind.CLOCK: Fold._clock,
    EventKind.CLOCK_STEPPED: Fold._clock_stepped,
}


def fold_probe(probe: str, events: Iterable[Event]) -> OpenProbe | None:
    """A probe as its events leave it, its end left out; None if there are none.

    A clock that was set after the end moves nothing of it: it was not under way any more.
    """
    fold, ended = Fold(lambda *_: None), False
    for event in events:
        if event.kind is EventKind.FINISHED:
            ended = True
        elif not (ended and event.kind is EventKind.CLOCK_STEPPED):
            fold.apply(event)
    return fold.open.get(probe)
