"""What a probe tells beyond its own end: how its variant and its sender fare, whom an alias reaches, who is away."""

from __future__ import annotations

from dataclasses import replace

from canary.judge import reached
from canary.ledger.state.totals import ChannelTotals, Newest
from canary.model import Case, DeadlineResult, Seen


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


def with_absence(newest: Newest, case: Case) -> Newest:
    """With a note that somebody is away which came after the deadline."""
    return replace(newest, away=_is_away(case)) if case.probe.id == newest.probe else newest


def _newest(newest: Newest, case: Case, met: bool, at: float) -> Newest:
    scheduled = case.probe.scheduled_at.timestamp()
    if scheduled < newest.scheduled:
        return newest
    newest = replace(newest, probe=case.probe.id, scheduled=scheduled, met=met, away=_is_away(case))
    submission = case.submission
    if submission is None or submission.failure is None or submission.uncertain:  # what was refused reaches nobody
        newest = replace(newest, seen_in=reached(case), seen_at=at)
    return newest


def _is_away(case: Case) -> bool:
    return any(sighting.seen is Seen.OUT_OF_OFFICE and sighting.forgery is None for sighting in case.sightings)
