"""What a probe tells beyond its own end: whether its channel fails, how variants fare, who gets it, who is away."""

from __future__ import annotations

from collections.abc import Mapping

from canary.judge import reached
from canary.ledger.canonical import canonical
from canary.ledger.events import digest
from canary.ledger.state.replacing import replace
from canary.ledger.state.totals import ChannelTotals, Newest, counted
from canary.model import Case, DeadlineResult, Outcome, Seen, Sighting

_MOST_FORMS = 5
_MOST_FAILING = 5
"""Failed probes that are remembered of a channel, the newest: two make a failure that is confirmed."""


_AUTHENTICATED = {
    "pass": "pass", "bestguesspass": "pass",
    "fail": "fail", "softfail": "fail", "hardfail": "fail", "policy": "fail", "permerror": "fail",
}  # fmt: skip
"""What of :data:`AUTHENTICATED` a result is counted as; what is not here tells nothing."""


def with_result(channel: ChannelTotals, case: Case, result: DeadlineResult, at: float) -> ChannelTotals:
    """A channel with what the deadline of a probe found at ``at`` (POSIX). An indeterminate result tells nothing."""
    if result is DeadlineResult.INDETERMINATE:
        return channel
    if result is DeadlineResult.MISSED:
        channel = replace(
            channel,
            variants_missed={**channel.variants_missed, case.probe.variant: at},
            senders_missed={**channel.senders_missed, case.probe.sender: at},
        )
    return replace(channel, newest=_newest(channel.newest, case, result is DeadlineResult.MET, at))


def with_failure(channel: ChannelTotals, probe: str, scheduled: float, outcome: Outcome, told: bool) -> ChannelTotals:
    """A channel with what a probe came to that was scheduled at ``scheduled`` (POSIX).

    One that arrives makes up for all that failed until it was sent. What came too late has failed like what did not
    come. ``told`` says whether it tells anything of the channel: what was late only because nobody looked does not.
    """
    if outcome is Outcome.ARRIVED:
        failing = {other: at for other, at in channel.failing.items() if at > scheduled}
    else:
        failing = {other: at for other, at in channel.failing.items() if other != probe}
        if told and outcome.deadline_result is DeadlineResult.MISSED:
            failing = dict(sorted({**failing, probe: scheduled}.items(), key=lambda known: known[1])[-_MOST_FAILING:])
    return channel if failing == channel.failing else replace(channel, failing=failing)


def with_absence(newest: Newest, case: Case) -> Newest:
    """With a note that somebody is away which came after the deadline."""
    return replace(newest, away=_away(case)) if case.probe.id == newest.probe else newest


def with_form(channel: ChannelTotals, form: Mapping[str, str] | None) -> ChannelTotals:
    """With how its form looks, where an event tells that: it was not so when it was told before."""
    if not form:
        return channel
    known = form_digest(form)
    before = [other for other in channel.forms if other != known]
    return replace(channel, form=form, forms=(*before, known)[-_MOST_FORMS:])


def form_digest(form: Mapping[str, str]) -> str:
    """By what one look of a form is told from another: SHA-256 in hexadecimal, whatever the order."""
    return digest(canonical(form))


def with_way(channel: ChannelTotals, sighting: Sighting) -> ChannelTotals:
    """With what the header of a report tells that was found: what servers made of it, and where it was slow."""
    way = sighting.way
    if way is None:
        return channel
    authenticated = channel.authenticated
    for each in way.authentication:
        authenticated = counted(authenticated, f"{each.method}/{_AUTHENTICATED.get(each.result, 'none')}")
    slowest = way.slowest
    took = slowest.seconds if slowest and slowest.seconds is not None else channel.slowest_hop
    return replace(channel, authenticated=authenticated, slowest_hop=took)


def _newest(newest: Newest, case: Case, met: bool, at: float) -> Newest:
    scheduled = case.probe.scheduled_at.timestamp()
    if scheduled < newest.scheduled:
        return newest
    newest = replace(newest, probe=case.probe.id, scheduled=scheduled, met=met, away=_away(case))
    submission = case.submission
    if submission is None or submission.failure is None or submission.uncertain:  # what was refused reaches nobody
        newest = replace(newest, seen_in=reached(case), seen_at=at)
    return newest


def _away(case: Case) -> int:
    notes = (s for s in case.sightings if s.seen is Seen.OUT_OF_OFFICE and s.forgery is None)
    return len({note.message for note in notes})
