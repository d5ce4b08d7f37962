"""Tells the ledger by how much our clock was set: by that the start of every probe in flight is moved."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime, timedelta

import structlog

from canary.clock import STEP, Clock
from canary.ledger import Event, EventKind, Ledger

_log = structlog.get_logger(__name__)


class ClockSteps:
    """The steps of a clock. Used from the event loop, but for :meth:`made`; nothing here waits.

    One that could not be written is handed in again at the next :meth:`notice`, until it is on disk.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._pending: list[tuple[Event, Future[list[Event]]]] = []
        self._made, self._noticing = 0, False

    @property
    def recorded(self) -> bool:
        """Whether all are on disk: until then the age of no probe is known."""
        self._pending = [(step, written) for step, written in self._pending if not _is_on_disk(written)]
        return not self._pending

    def notice(self) -> timedelta | None:
        """By how much the clock was set since the last call, or None; from then on it goes by the new setting."""
        if not self.recorded:
            self._pending = [(step, self._again(step, written)) for step, written in self._pending]
        self._noticing = True
        by = self._clock.step()
        if by is not None:
            self._record(by)
        self._noticing = False
        return by

    def made(self) -> int | None:
        """How many there were; None while one is noticed, or is not on disk. Callable from any thread.

        What was computed between two answers that are the same number went by one setting of the clock.
        """
        settled = not self._noticing and all(_is_on_disk(written) for _, written in self._pending)
        return self._made if settled else None

    def since_last_run(self, newest: datetime) -> None:
        """The last run told the time ``newest``: if that is still to come, the clock was set back by so much at least.

        Else what it left would have a negative age, and not be judged before that time is over.
        """
        state = self._ledger.state
        known = [newest, *(at for sent in state.recent.values() for at in sent)]
        known += [probe.case.started_at for probe in state.open.values()]
        ahead = max(known) - self._clock.now()
        if ahead >= timedelta(seconds=STEP):
            self._record(-ahead)

    def _record(self, by: timedelta) -> None:
        _log.warning("the clock was set", seconds=by.total_seconds())
        step = Event(EventKind.CLOCK_STEPPED, self._clock.now(), {"seconds": by.total_seconds()})
        self._made += 1
        self._pending.append((step, self._ledger.append(step)))

    def _again(self, step: Event, written: Future[list[Event]]) -> Future[list[Event]]:
        return self._ledger.append(step) if written.done() else written


def _is_on_disk(written: Future[list[Event]]) -> bool:
    return written.done() and written.exception() is None
