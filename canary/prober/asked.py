"""What may be slow to be told: what other processes wrote into the ledger, and whether the kill switch is thrown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from canary.ledger import Event
from canary.model import OwnFaultError
from canary.prober.gate import stop_reason
from canary.prober.recorder import Recorder
from canary.threads import begun

_log = structlog.get_logger(__name__)


class Asked:
    """Answers that are asked for before a round, since no round waits. Used from the event loop alone.

    ``state`` asks for the folder that has the kill switch.
    """

    def __init__(self, recorder: Recorder, state: Callable[[], Path]) -> None:
        self._recorder, self._state = recorder, state
        self._written: asyncio.Task[list[Event]] | None = None
        self._switch: asyncio.Future[str | None] | None = None
        self.stop_reason: str | None = None
        """Why the kill switch is thrown, as far as is known; None if it is not."""

    async def now(self) -> str | None:
        """Why the kill switch is thrown at this moment: waits for the answer."""
        answer = begun(partial(stop_reason, self._state()))
        await asyncio.wait([answer])
        self.stop_reason = _told(answer)
        return self.stop_reason

    def ask(self) -> None:
        """Ask for both. Whoever has not answered yet is not asked again."""
        if self._written is None:
            self._written = asyncio.create_task(self._recorder.record())
        if self._switch is None:
            self._switch = begun(partial(stop_reason, self._state()))

    def ledger_is_usable(self) -> bool:
        """Whether the ledger can be used, as far as is known.

        While another process holds SQLite's lock there is no answer: what is to be recorded waits, the rounds go on.
        """
        if self._written is None or not self._written.done():
            return True
        answer, self._written = self._written, None
        try:
            answer.result()
        except OwnFaultError as error:
            _log.error("the ledger cannot be used; nothing is sent", error=error.detail)
            return False
        return True

    def switch_is_known(self) -> bool:
        """Whether it was answered how the kill switch stands: else it may be thrown, and nothing is to be sent."""
        if self._switch is not None and self._switch.done():
            self.stop_reason, self._switch = _told(self._switch), None
        return self._switch is None


def _told(answer: asyncio.Future[str | None]) -> str | None:
    """Why the kill switch is thrown; it counts as thrown where nobody could look."""
    error = answer.exception()
    return answer.result() if error is None else f"it cannot be seen whether the kill switch is thrown: {error}"
