"""The event loop, watched: how long it stands still is measured, and what holds it is named.

While one callback runs, no other does: no probe is sent, no page of metrics answered, no signal heard. How long that
lasts is measured exactly, where the loop goes to rest; a thread looks twice a second what it does meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from selectors import DefaultSelector, SelectorKey
from types import FrameType
from typing import Any, TypeVar

import structlog

from canary.clock import Clock
from canary.threads import DAEMONS

T = TypeVar("T")

BOUND = 0.25
"""Seconds for which the loop may stand still; more is told."""

_LOOK_EVERY = 0.5
"""Seconds between two looks at what the loop does: shorter stalls are named by chance, longer ones always."""

_QUIET_FOR = 10.0
"""Seconds for which no further stall is logged, unless it is twice as long as all before."""

_PACKAGE = Path(__file__).parent
_PYTHON = sysconfig.get_paths()["stdlib"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stall:
    """For how many seconds the loop stood still, and what it did when that was looked at (empty: it was not)."""

    seconds: float
    where: str


class Stalls:
    """What is known of the stalls of one loop. Its numbers may be read from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._loops_thread = clock, 0
        self._busy_since: float | None = None
        self._where = ""
        self._quiet_until = 0.0
        self._ended = threading.Event()
        self.told: Callable[[Stall], object] = lambda _: None
        """Called on the loop with each stall, after it."""
        self.seconds, self.longest = 0.0, 0.0
        """All stalls together, and the longest of them."""

    def works(self) -> None:
        """The loop goes to work."""
        self._busy_since = self._clock.monotonic()

    def rests(self) -> None:
        """The loop goes to rest."""
        since, self._busy_since = self._busy_since, None
        took = 0.0 if since is None else self._clock.monotonic() - since
        if took > BOUND:
            self._tell(Stall(took, self._where))
        self._where = ""

    def _tell(self, stall: Stall) -> None:
        now = self._clock.monotonic()
        if now >= self._quiet_until or stall.seconds > 2 * self.longest:
            _log.warning("the main loop stood still", seconds=round(stall.seconds, 3), where=stall.where)
            self._quiet_until = now + _QUIET_FOR
        self.seconds, self.longest = self.seconds + stall.seconds, max(self.longest, stall.seconds)
        self.told(stall)

    def begin(self) -> None:
        """Begin to look, at the loop of this thread."""
        self._loops_thread = threading.get_ident()
        threading.Thread(target=self._look, name="watch the loop", daemon=True).start()

    def end(self) -> None:
        """Look no more, within half a second; may be called from any thread, and again."""
        self._ended.set()

    def _look(self) -> None:
        while not self._clock.wait(self._ended, _LOOK_EVERY):
            since = self._busy_since
            if since is not None and self._clock.monotonic() - since > BOUND / 2:
                found = named(sys._current_frames().get(self._loops_thread))  # documented, for this
                if self._busy_since == since:
                    self._where = found


class _Selector(DefaultSelector):
    """Tells when the loop rests, and when it works."""

    def __init__(self, stalls: Stalls) -> None:
        super().__init__()
        self._stalls = stalls

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self._stalls.rests()
        ready = super().select(timeout)
        self._stalls.works()
        return ready


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop whose stalls are known; it gives each call that may block a thread of its own.

    asyncio's own pool has six threads on two processors: as many names that are not resolved would hold up all else.
    """

    def __init__(self) -> None:
        self.stalls = Stalls(Clock())
        super().__init__(_Selector(self.stalls))
        self.stalls.begin()

    def run_in_executor(  # type: ignore[override]  # typeshed takes its own TypeVarTuple alone
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Call it in ``executor``, or in a thread of its own."""
        return super().run_in_executor(executor or DAEMONS, func, *args)

    def close(self) -> None:
        """Close it as asyncio does, and end the thread that looked at it."""
        self.stalls.end()
        super().close()


def named(frame: FrameType | None) -> str:
    """Where a thread is: what runs, for what outside of Python's own library, and for what of ours."""
    places: list[str] = []
    wanted: list[Callable[[FrameType], bool]] = [lambda _: True, _is_no_python, _is_ours]
    while frame is not None and wanted:
        if wanted[0](frame):
            while wanted and wanted[0](frame):
                wanted.pop(0)
            places.append(_place(frame))
        frame = frame.f_back
    return ", for ".join(places)


def _is_no_python(frame: FrameType) -> bool:
    return _is_ours(frame) or not frame.f_code.co_filename.startswith((_PYTHON, "<"))


def _is_ours(frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).is_relative_to(_PACKAGE)


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(_PACKAGE.parent) if _is_ours(frame) else Path(*path.parts[-2:])
    return f"{frame.f_code.co_name} ({shown}:{frame.f_lineno})"
