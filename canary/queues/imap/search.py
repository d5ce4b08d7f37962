"""Finds messages by what their texts say: by the server's search, again and again, or by reading how they begin.

An index may lag behind the messages (so a search is repeated while a mark is sought), or be out of order (so it is
tried again after growing pauses, while new messages are read as far as a mark stands in them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canary.budgets import IMAP_SEARCHED_AGAIN, IMAP_UNSEARCHED
from canary.clock import Clock
from canary.mark import halves
from canary.queues.imap.connection import Connection
from canary.queues.imap.faults import is_refusal
from canary.queues.imap.fetching import batches

AGAIN_AFTER, AGAIN_AT_MOST = 2.0, 600.0
"""Seconds from one search for a message to the next: the first ones, and the most; each doubles them."""
RESTS = 10.0
"""How many times as long as a search took the next one waits: it is not to be what the server does."""
TRIED_AGAIN_AFTER = 5.0
"""Seconds from a search that failed to the next; each further one makes them four times as many, up to the most."""
FAILED_FOR_EVER = 2
"""Searches in a row that failed, from which on messages are read as far as a mark stands in them."""
_SOUGHT_AT_ONCE = 40


@dataclass(slots=True)
class Waiting:
    """A message in whose text ``marks`` are looked for, since its header has none.

    ``read_at`` is when the folder was last read to its end without it; ``due`` is by the monotonic clock.
    """

    marks: frozenset[str]
    read_at: datetime | None
    due: float
    wait: float
    searched: bool = False


class BodySearch:
    """What is looked for in one folder. Kept from one connection to the next: what breaks one is not tried at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, Waiting] = {}
        self._failures, self._again_at, self._rests_until = 0, float("-inf"), float("-inf")

    @property
    def unsearched(self) -> bool:
        """Whether there are messages of which nobody knows yet what they say."""
        return any(not waiting.searched for waiting in self._waiting.values())

    @property
    def lowest(self) -> int | None:
        """The lowest UID of those that are still waited for."""
        return min(self._waiting, default=None)

    @property
    def due(self) -> bool:
        """Whether there is something to be done now."""
        return bool(self._due())

    def add(self, uids: Iterable[int], marks: Iterable[str], read_at: datetime | None) -> None:
        """Look for the marks in these messages, from now on."""
        sought = frozenset(marks)
        if sought:
            self._waiting.update((uid, Waiting(sought, read_at, self._clock.monotonic(), AGAIN_AFTER)) for uid in uids)
            for uid in sorted(self._waiting)[: -(IMAP_SEARCHED_AGAIN.number or 0)]:
                del self._waiting[uid]

    def found(self, uid: int) -> Waiting | None:
        """Wait for a message no longer; what was known of it."""
        return self._waiting.pop(uid, None)

    def clear(self) -> None:
        """Wait for nothing: the folder was numbered anew."""
        self._waiting.clear()

    def search(
        self, connection: Connection, sought_now: Callable[[], Iterable[str]]
    ) -> tuple[set[int], Exception | None]:
        """The messages that the server finds one of the marks in, or half of one; the refusal, if it is news.

        What is sought is asked for where it matters alone: there may be thousands of marks. Whatever else ends it is
        counted as a failure before it is raised.
        """
        if not self.due:
            return set(), None
        sought = set(sought_now())
        self._drop(sought)
        began, due = self._clock.monotonic(), self._due()
        if not due or began < self._again_at:
            return set(), None
        self._failures += 1  # until it is done: one that breaks the connection must not keep us from reading for ever
        self._again_at = began + min(TRIED_AGAIN_AFTER * 4 ** (min(self._failures, 9) - 1), AGAIN_AT_MOST)
        marks = sorted({mark for uid in due for mark in self._waiting[uid].marks} & sought)
        try:
            matches = _matches(connection, due, marks)
        except Exception as error:
            if not is_refusal(error):
                raise
            return set(), error if self._failures == 1 else None
        self._failures, self._again_at = 0, float("-inf")
        now = self._clock.monotonic()
        self._rests_until = now + RESTS * (now - began)
        for waiting in (self._waiting[uid] for uid in due):
            waiting.searched, waiting.due = True, now + waiting.wait
            waiting.wait = min(2 * waiting.wait, AGAIN_AT_MOST)
        return matches, None

    def to_be_read(self) -> list[int]:
        """The messages that are to be read for want of a search, the oldest first, some at a time."""
        if self._failures < FAILED_FOR_EVER:
            return []
        return sorted(uid for uid, waiting in self._waiting.items() if not waiting.searched)[: IMAP_UNSEARCHED.number]

    def _due(self) -> list[int]:
        """The UIDs to be looked for now; one that nobody looked for yet lets none rest."""
        now = self._clock.monotonic()
        due = sorted(uid for uid, waiting in self._waiting.items() if waiting.due <= now)
        rests = now < self._rests_until and all(self._waiting[uid].searched for uid in due)
        return [] if rests else due

    def _drop(self, sought: set[str]) -> None:
        """Wait no longer for messages that came before all that is sought now."""
        for uid in [uid for uid, waiting in self._waiting.items() if not waiting.marks & sought]:
            del self._waiting[uid]


def _matches(connection: Connection, uids: list[int], marks: list[str]) -> set[int]:
    numbers, matches = ",".join(map(str, uids)), set[int]()
    for some in batches(marks, _SOUGHT_AT_ONCE):
        # a server that looks up whole words finds the mark itself, one that looks for text a half that no line cuts
        keys = [("BODY", text) for mark in some for text in (mark, *halves(mark))]
        criteria: list[Any] = ["UID", numbers]
        for key in keys[:-1]:
            criteria += ["OR", *key]
        matches.update(connection.search([*criteria, *keys[-1]]))
    return matches & set(uids)
