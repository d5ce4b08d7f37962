"""What comes back to senders, handed on to who waits for it: a form that sends a link before it takes a report.

Watchers hand in what they found, in their threads; a channel waits for it in the event loop. What is handed on has a
mark that verifies, and came to the mailbox of the sender that wrote the report.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from canary.budgets import OPT_IN_LETTERS
from canary.channels import READ_WITHIN
from canary.clock import Clock
from canary.model import Component, OwnFaultError

_LOOK_EVERY = 0.25
"""Seconds between two looks at what was handed in."""


class AwaitedLetters:
    """The :class:`canary.channels.Awaited` of one probe."""

    def __init__(self, clock: Clock, read_at: Callable[[], datetime | None]) -> None:
        self._clock, self._read_at = clock, read_at
        self._came: deque[bytes] = deque()
        self._number = 0

    def take(self, raw: bytes) -> None:
        """Another message, from any thread; more than a few are none that anybody waits for."""
        if self._number < (OPT_IN_LETTERS.number or 0):
            self._number += 1
            self._came.append(raw)

    async def next(self, until: datetime) -> bytes | None:
        """See :class:`canary.channels.Awaited`."""
        while True:
            read = self._read_at()  # before we look what came: what is read then was handed in
            if self._came:
                return self._came.popleft()
            if read is not None and read >= until:
                return None
            if self._clock.now() >= until + timedelta(seconds=READ_WITHIN):
                last = f"at {read:%Y-%m-%d %H:%M:%S} UTC" if read else "never"
                detail = f"the mailbox of the sender's replies was last read {last}: what came is not known"
                raise OwnFaultError(Component.IMAP, "unread", detail)
            await self._clock.sleep(_LOOK_EVERY)


class LettersOfProbes:
    """The :class:`canary.channels.Letters` of a prober.

    ``mailbox`` names the queue of the replies to a probe's sender; ``read_at`` is when each was last read to its end.
    """

    def __init__(self, clock: Clock, mailbox: Callable[[str], str | None], read_at: Mapping[str, datetime]) -> None:
        self._clock, self._mailbox, self._read_at = clock, mailbox, read_at
        self._waiting: dict[str, AwaitedLetters] = {}

    @contextmanager
    def awaited(self, probe: str) -> Iterator[AwaitedLetters]:
        """See :class:`canary.channels.Letters`."""
        awaited = AwaitedLetters(self._clock, lambda: self._read_at.get(self._mailbox(probe) or ""))
        self._waiting[probe] = awaited
        try:
            yield awaited
        finally:
            del self._waiting[probe]

    def awaits(self, probe: str) -> bool:
        """Whether somebody waits for what comes back of it, since until then nobody has the report. From any thread."""
        return probe in self._waiting

    def hand_on(self, came: Iterable[tuple[str, bytes]]) -> None:
        """Messages with the mark of a probe, which are on disk. From any thread."""
        for probe, raw in came:
            if (awaited := self._waiting.get(probe)) is not None:
                awaited.take(raw)
