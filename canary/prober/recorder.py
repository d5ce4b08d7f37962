"""Writes events for the event loop, which never waits for the disk: whoever asks is woken once they are on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from canary.ledger import Event, Ledger, State


class Recorder:
    """The ledger as coroutines use it. One commit wakes all that wait for it together: each wake-up costs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    @property
    def state(self) -> State:
        """What follows from all that is on disk."""
        return self._ledger.state

    async def record(self, *events: Event, artefacts: Sequence[bytes] = ()) -> list[Event]:
        """Return once these events, and before them the artefacts, are on disk; gives those that said something new.

        Raises :class:`canary.model.OwnFaultError` (component store) if they could not be written.
        """
        self._loop = asyncio.get_running_loop()
        written = self._ledger.append(*events, artefacts=artefacts, then=self._committed)
        while not written.done():
            await self._news.wait()
        return written.result()

    def _committed(self) -> None:
        """Called from the ledger's thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._news.set()
        self._news.clear()  # whoever waits goes on all the same
