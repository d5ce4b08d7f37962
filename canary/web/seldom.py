"""What outsiders can bring about as often as they like is told in the log once a minute, with how often it was."""

from __future__ import annotations

import asyncio
import logging

import structlog

from canary.clock import Clock

EVERY = 60.0
"""Seconds between two lines about the same thing."""

_KINDS = 100
"""So many different things are told apart; our own words make them, so that there are never more."""

_log = structlog.get_logger("canary.web")


class Seldom:
    """Tells of each kind of thing at once, and of its repetitions as one number with the next line about it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}

    def tell(self, what: str, **details: str) -> None:
        """``what`` is a sentence of ours, the same for all of its kind; ``details`` are those of this one."""
        now = self._clock.monotonic()
        last, more = self._told.get(what, (now - EVERY, 0))
        if now - last < EVERY or (what not in self._told and len(self._told) >= _KINDS):
            self._told[what] = last, more + 1
            return
        self._told[what] = now, 0
        _log.warning(what, **details, **({"more_since_the_last_line": more} if more else {}))


class SeldomHandler(logging.Handler):
    """A library's own log, told the same way."""

    def __init__(self, seldom: Seldom) -> None:
        super().__init__(logging.WARNING)
        self._seldom = seldom

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the record by the text that is the same for all of its kind."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError):
            return  # by us, at the end
        self._seldom.tell(f"web server: {str(record.msg).strip()}", **({"error": repr(error)} if error else {}))
