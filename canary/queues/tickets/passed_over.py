"""Tickets that could not be read: passed over, so that one of them keeps nobody from the others, and tried again."""

from __future__ import annotations

from dataclasses import dataclass

from canary.budgets import TICKETS_UNREAD
from canary.clock import Clock

_FIRST, _LONGEST = 5.0, 600.0
"""Seconds until one is tried again, and the most; each time doubles them."""
_PATIENCE = 600.0
"""Seconds for which nothing is said of the queue, while no other ticket was read: the system may be broken."""
_BROKEN = 3
"""Tickets in a row that cannot be read, from which on it is the system that is broken."""


@dataclass(slots=True)
class _UnreadTicket:
    """When, by the monotonic clock, it was first passed over and is due, and the pause before that in seconds."""

    since: float
    due: float
    wait: float


class PassedOver:
    """The tickets of one queue that could not be read, by number; the newest if they are too many."""

    def __init__(self, clock: Clock, idents: list[str]) -> None:
        self._clock, self._read_at = clock, float("-inf")
        now = clock.monotonic()
        self._unread = {ident: _UnreadTicket(now, now, _FIRST) for ident in idents}

    def __str__(self) -> str:
        return " ".join(self._unread)

    def add(self, ident: str) -> bool:
        """A ticket cannot be read; whether that is news."""
        now, known = self._clock.monotonic(), self._unread.get(ident)
        wait = min(2 * known.wait, _LONGEST) if known else _FIRST
        self._unread[ident] = _UnreadTicket(known.since if known else now, now + wait, wait)
        while len(self._unread) > (TICKETS_UNREAD.number or 0):
            del self._unread[next(iter(self._unread))]
        return known is None

    def read(self, ident: str) -> None:
        """A ticket could be read, this time or at last."""
        self._read_at = self._clock.monotonic()
        self._unread.pop(ident, None)

    @property
    def due(self) -> list[str]:
        """Those that are to be tried again now."""
        now = self._clock.monotonic()
        return [ident for ident, unread in self._unread.items() if unread.due <= now]

    @property
    def broken(self) -> bool:
        """Whether so many could not be read in a row that it is not for them: then none is passed over any more."""
        return sum(one.since > self._read_at for one in self._unread.values()) >= _BROKEN

    @property
    def tells(self) -> bool:
        """Whether all may be said to be seen: one that stays unread while others are read is not waited for."""
        now = self._clock.monotonic()
        return all(self._read_at > one.since or now - one.since > _PATIENCE for one in self._unread.values())
