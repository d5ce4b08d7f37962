"""Judges open probes as soon as something may be decided of them, and has it recorded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import structlog

from canary.clock import Clock
from canary.contained import traced, words
from canary.decided import agreeing
from canary.judge import judge
from canary.ledger import EventKind, Ledger, OpenProbe
from canary.model import Probe, Verdict
from canary.prober.step import Decision, step, unjudged

_WRITTEN_BY = timedelta(seconds=10)
"""What was decided is looked at once more after so long, should it not have been written, or not have been current."""

_AGAIN = timedelta(seconds=1)
"""After so long a probe is looked at again whose age could not be told."""

_log = structlog.get_logger(__name__)


class Judging:
    """When each open probe is looked at next. Used from the event loop alone; nothing here waits.

    ``looked`` is when each queue was last read to its end, and ``since`` asks from when on we have tried to;
    ``confirm_after`` and ``elsewhere`` (the queues in which a probe would show itself besides the expected ones) ask
    the configuration that is running, ``ages_known`` whether a probe's age can be told, and ``sooner`` is told when
    each look is due.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        looked: Mapping[str, datetime],
        confirm_after: Callable[[], float],
        ages_known: Callable[[], bool],
        since: Callable[[], datetime],
        elsewhere: Callable[[Probe], Collection[str]],
        sooner: Callable[[datetime], object],
    ) -> None:
        self._ledger, self._clock, self._looked = ledger, clock, looked
        self._elsewhere = elsewhere
        self._confirm_after, self._ages_known, self._since = confirm_after, ages_known, since
        self._sooner = sooner
        self._agenda: list[tuple[datetime, str]] = []
        self._next: dict[str, datetime] = {}
        """By probe: its one entry of the agenda that counts."""
        self._unjudged: set[str] = set()
        """The open probes that could not be judged, of which the ledger was told."""
        self._open: Mapping[str, OpenProbe] | None = None
        """The open probes among which one without an entry was last looked for."""

    def due(self) -> datetime | None:
        """When something is to be looked at next; None if there is nothing."""
        return self._agenda[0][0] if self._agenda else None

    def look_at_due(self, now: datetime) -> None:
        """Look at what is due at ``now``, and at what is open and was never looked at, whoever sent it."""
        if (open_ := self._ledger.state.open) is not self._open:
            self._open = open_
            unseen = [(known.scheduled, probe) for probe, known in open_.items() if probe not in self._next]
            for _, probe in sorted(unseen):
                self._look(probe, now)
        while self._agenda and self._agenda[0][0] <= now:
            at, probe = heapq.heappop(self._agenda)
            if self._next.get(probe) == at:
                self._look(probe, now)

    def move(self, by: timedelta) -> None:
        """Our clock was set: nothing is looked at later for that; what is looked at too early comes back."""
        earlier = min(by, timedelta(0))
        self._next = {probe: at + earlier for probe, at in self._next.items()}
        self._agenda = [(at + earlier, probe) for at, probe in self._agenda]  # in the same order

    def look(self, probes: Collection[str]) -> None:
        """Something new is known of these probes."""
        now = self._clock.now()
        for probe in probes:
            self._look(probe, now)

    def verdict(self, known: OpenProbe) -> Verdict:
        """What is to be said of a probe as it stands now."""
        case = known.case
        verdict = judge(case, self._clock.now(), self._looked, self._since(), self._elsewhere(case.probe))
        return agreeing(verdict, known.deadline)

    def is_recorded(self, probe: str) -> bool:
        """Whether all that follows from how a probe stands now is in the ledger."""
        known = self._ledger.state.open.get(probe)
        return known is None or not self._decided(known, self._clock.now()).events

    def _look(self, probe: str, now: datetime) -> None:
        """Judge a probe as the state has it. What rests on a case that changes meanwhile is left out by the ledger."""
        known = self._ledger.state.open.get(probe)
        if known is None:
            self._next.pop(probe, None)
            self._unjudged.discard(probe)
            return
        if not self._ages_known():
            self._enter(probe, now + _AGAIN)
            return
        decided = self._decided(known, now)
        if decided.events:
            self._ledger.append(*decided.events, judged=known)
        if any(event.kind is EventKind.TROUBLE for event in decided.events):
            self._unjudged.add(probe)
        again = decided.again or now + _WRITTEN_BY
        self._enter(probe, min(again, now + _WRITTEN_BY) if decided.events else again)

    def _decided(self, known: OpenProbe, now: datetime) -> Decision:
        """What follows for a probe. One that cannot be judged holds up no other, and ends at give-up all the same."""
        try:
            elsewhere = self._elsewhere(known.case.probe)
            return step(known, now, self._looked, self._confirm_after(), self._since(), elsewhere)
        except Exception as error:
            probe = known.case.probe
            _log.error("a probe cannot be judged", probe=probe.id, error=words(error), exc_info=traced(error))
            why = f"our own fault: it could not be judged: {words(error)}"
            return unjudged(known, now, why, told=probe.id in self._unjudged)

    def _enter(self, probe: str, at: datetime) -> None:
        self._next[probe] = at
        heapq.heappush(self._agenda, (at, probe))
        self._sooner(at)
