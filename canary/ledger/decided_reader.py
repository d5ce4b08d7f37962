"""The probes as everything counts them: by what their deadline found, whether or not they are still watched.

A probe that missed its deadline may be watched for a day, since it may still come late. What was decided is decided:
it counts from then on, as it does in the metrics. A row of one that is watched says what it will if nothing more comes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import attrgetter

from canary.decided import so_far
from canary.ledger.events import Event, timestamp
from canary.ledger.reader import LedgerReader
from canary.ledger.result_reader import UNIX_EPOCH, Counted
from canary.ledger.state import OpenProbe
from canary.model import DeadlineResult, Stage

_ONE_BY_ONE = attrgetter("channel", "scheduled_at")


class DecidedReader:
    """Reads what has ended from the table of results, and what is still watched from the state."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger

    @cached_property
    def _watched(self) -> dict[str, Counted]:
        """By id: those that are still watched and whose deadline was decided, channel by channel, oldest first."""
        known = (_row(one, one.deadline) for one in self._ledger.state.open.values() if one.deadline is not None)
        return {row.probe: row for row in sorted(known, key=_ONE_BY_ONE)}

    def between(self, since: datetime, until: datetime) -> Iterator[Counted]:
        """The probes that were scheduled from ``since`` on and before ``until``, channel by channel, oldest first."""
        more = self._among(lambda row: timestamp(since) <= row.scheduled_at < timestamp(until))
        return _merged(self._ledger.ended(since, until), more)

    def before(self, channel: str, until: datetime) -> Iterator[Counted]:
        """Those of a channel before ``until``, newest first."""
        more = self._among(lambda row: row.channel == channel and row.scheduled_at < timestamp(until))
        return _merged(self._ledger.ended_before(channel, until), more[::-1], reverse=True)

    def since(self, channel: str, since: datetime) -> Iterator[Counted]:
        """Those of a channel from ``since`` on, oldest first."""
        more = self._among(lambda row: row.channel == channel and row.scheduled_at >= timestamp(since))
        return _merged(self._ledger.ended_from(channel, since), more)

    def probe(self, probe: str) -> Counted | None:
        """One of them, or None."""
        return self._watched.get(probe) or self._ledger.ended_probe(probe)

    def last_good(self, channel: str, before: datetime) -> datetime | None:
        """When the newest probe of a channel was scheduled that met its deadline, before ``before``."""
        ended = self._ledger.last_good(channel, before)
        met = self._among(
            lambda row: (
                row.channel == channel
                and row.deadline == DeadlineResult.MET.value
                and row.scheduled_at < timestamp(before)
            )
        )
        watched = [self._ledger.state.open[row.probe].scheduled[1] for row in met]
        return max(watched if ended is None else [*watched, ended], default=None)

    def undecided(self, since: datetime, until: datetime) -> Iterator[Event]:
        """The ``scheduled`` events of that time of whose probe nothing was decided, and which has no end."""
        return (event for event in self._ledger.unfinished(since, until) if event.probe not in self._watched)

    def _among(self, wanted: Callable[[Counted], bool]) -> list[Counted]:
        return [row for row in self._watched.values() if wanted(row)]


def _merged(ended: Iterator[Counted], watched: list[Counted], *, reverse: bool = False) -> Iterator[Counted]:
    """Both in one order; a day of which all have ended costs nothing more."""
    several: list[Iterable[Counted]] = [ended, watched]
    return heapq.merge(*several, key=_ONE_BY_ONE, reverse=reverse) if watched else ended


def _row(known: OpenProbe, decided: DeadlineResult) -> Counted:
    """What is counted of a probe that is still watched: as it will end if nothing more is seen of it."""
    case, probe = known.case, known.case.probe
    at = known.scheduled[1]
    verdict = so_far(case, decided, case.started_at + timedelta(seconds=probe.give_up))
    return Counted(
        probe=probe.id,
        channel=probe.channel,
        sender=probe.sender,
        variant=probe.variant,
        outcome=verdict.outcome and verdict.outcome.value,
        deadline=decided.value,
        arrived=_rounded(verdict.stages.get(Stage.ARRIVED)),
        was_accepted=Stage.ACCEPTED in verdict.stages,
        was_acknowledged=Stage.ACKNOWLEDGED in verdict.stages,
        blind=probe.blind,
        day=at.astimezone(UTC).timestamp() / 86_400 + UNIX_EPOCH,
        scheduled_at=timestamp(at),
        kind=probe.kind,
        place=verdict.place,
        reason=verdict.reason,
        confirms=probe.confirms,
    )


def _rounded(seconds: float | None) -> float | None:
    """With three digits, as the table of results is read."""
    if seconds is None:
        return None
    digits = next((digits for bound, digits in ((1, 3), (10, 2), (100, 1), (1000, 0)) if seconds < bound), -1)
    return float(round(seconds, digits))
