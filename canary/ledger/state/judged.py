"""What a probe tells beyond its own end: how its variant and its sender fare, whom an alias reaches, who is away."""

from __future__ import annotations

from canary.judge import reached
from canary.ledger.state.totals import ChannelTotals, Newest, Totals, add
from canary.model import Case, DeadlineResult, Seen


def note_result(totals: Totals, channel: ChannelTotals, case: Case, result: DeadlineResult, at: float) -> None:
    """Take in what the deadline of a probe found at ``at`` (POSIX). An indeterminate result tells nothing."""
    if result is DeadlineResult.INDETERMINATE:
        return
    probe = case.probe
    add(totals.by_variant, f"{probe.kind}/{probe.variant}/{result}")
    add(totals.by_sender, f"{probe.kind}/{probe.sender}/{result}")
    if result is DeadlineResult.MISSED:
        channel.variants_missed[probe.variant] = at
        channel.senders_missed[probe.sender] = at
    _note_newest(channel.newest, case, result is DeadlineResult.MET, at)


def note_absence(channel: ChannelTotals, case: Case) -> None:
    """Take in a note that somebody is away which came after the deadline."""
    if case.probe.id == channel.newest.probe:
        channel.newest.away = _is_away(case)


def _note_newest(newest: Newest, case: Case, met: bool, at: float) -> None:
    scheduled = case.probe.scheduled_at.timestamp()
    if scheduled < newest.scheduled:
        return
    newest.probe, newest.scheduled, newest.met, newest.away = case.probe.id, scheduled, met, _is_away(case)
    submission = case.submission
    if submission is None or submission.failure is None or submission.uncertain:  # what was refused reaches nobody
        newest.reached, newest.reached_at = len(reached(case)), at


def _is_away(case: Case) -> bool:
    return any(sighting.seen is Seen.OUT_OF_OFFICE and sighting.forgery is None for sighting in case.sightings)
