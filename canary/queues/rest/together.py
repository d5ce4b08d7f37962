"""What one reader found, on its way to the intake: handed in together, and kept until it is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from canary.queues import Cursor, Found, Intake

_MANY = 10
"""So much is handed in before a look is over: what it costs to wait for the disk is small beside reading as much."""


class Together:
    """Hands in for one reader, whose cursor is told by ``stands``.

    Each hand-in waits for the disk, so whoever handed in message by message would fall behind a flood of ours. What
    could not be written is kept: its reader knows that it was read, and does not read it again.
    """

    def __init__(self, intake: Intake, name: str, stands: Callable[[], Cursor] = dict) -> None:
        self._intake, self._name, self._stands = intake, name, stands
        self._found: list[Found] = []
        self._written = dict(intake.cursor(name) or {})

    @contextmanager
    def look(self) -> Iterator[None]:
        """One look: begins with what could not be written before it, and ends, however it does, with nothing left.

        Raises OwnFaultError if that cannot be written.
        """
        if self._found:
            self.hand_in()
        try:
            yield
        finally:
            self.hand_in()

    def add(self, found: Iterable[Found]) -> None:
        """Keep what was found until it is handed in."""
        self._found += found

    def hand_in(self, *, if_many: bool = False) -> None:
        """Hand in what was found, and where the reader stands if that is news. Raises OwnFaultError."""
        cursor = dict(self._stands())
        if (self._found or cursor != self._written) and not (if_many and len(self._found) < _MANY):
            self._intake.hand_in(self._name, self._found, cursor)
            self._found, self._written = [], cursor
