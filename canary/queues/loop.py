"""The loop of a watcher: a thread that opens something, looks again and again, and after a fault begins anew.

Whatever goes wrong is reported to the intake, and after a pause, longer each time, the watcher begins again from its
cursors. It ends by :meth:`LoopingWatcher.stop` alone.
"""

from __future__ import annotations

import contextlib
import random
import socket as sockets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import ClassVar

from canary.clock import Clock
from canary.contained import words
from canary.model import Component, OwnFaultError
from canary.queues import Intake, WatchResources

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds after the first fault, and the most; each one without a look that went well doubles it."""
REFUSED_PAUSE = 10.0
"""Seconds before a refused login is tried again, at least: an account is not to be locked by us."""
AWAY_PAUSE = 10.0
"""Seconds until somebody who was not to be reached is tried again, at most: that costs nobody anything."""
SHORT_LIVED = 5.0
"""Seconds for which what is open must hold, else the pauses go on growing however well it began."""
UNEXPECTED = "unexpected"
"""The reason for whatever is not in a watcher's closed list."""
HINTS_EVERY = 5.0
"""Seconds between two looks at least, where one was hinted at: however many hints there are."""
_JITTER = (1.0, 1.5)
_STOP_WITHIN = 5.0

Look = Callable[[], float]
"""Looks once at everything that is due; returns the seconds until there is something to do again."""


class StoppedError(Exception):
    """The watcher is being stopped."""


class Stop:
    """The order to stop: waited for by the clock, or, where a thread waits at sockets, by one more socket."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self._ordered = clock, threading.Event()
        self._hinted = threading.Event()
        self._lock, self._pair = threading.Lock(), list[sockets.socket]()

    @property
    def socket(self) -> sockets.socket:
        """Becomes readable with the order, and stays so. Made when asked for: not every thread waits at sockets."""
        with self._lock:
            if not self._pair:
                self._pair.extend(sockets.socketpair())
                self._tell()
            return self._pair[0]

    def order(self) -> None:
        """Whoever waits ends with :class:`StoppedError`, now and from now on."""
        with self._lock:
            self._ordered.set()
            self._hinted.set()
            self._tell()

    def _tell(self) -> None:
        if self._ordered.is_set() and self._pair:
            with contextlib.suppress(OSError):
                self._pair[1].send(b"x")

    def close(self) -> None:
        """Nobody waits at its socket any more."""
        with self._lock:
            for end in self._pair:
                end.close()

    @property
    def ordered(self) -> bool:
        """Whether the order is there."""
        return self._ordered.is_set()

    def pause(self, seconds: float) -> None:
        """Let so many seconds pass. Raises StoppedError as soon as the order is there."""
        if self.clock.wait(self._ordered, seconds):
            raise StoppedError

    def hint(self) -> None:
        """Whoever pauses until the next look, or will, looks sooner."""
        self._hinted.set()

    def pause_or_hint(self, seconds: float) -> None:
        """Let so many seconds pass, or fewer where there is a hint. Raises StoppedError with the order to stop."""
        began = self.clock.monotonic()
        if not self.clock.wait(self._hinted, seconds):
            return
        self._hinted.clear()
        passed = self.clock.monotonic() - began
        self.pause(max(0.0, min(seconds, HINTS_EVERY) - passed))


class LoopingWatcher(ABC):
    """A :class:`canary.queues.Watcher` that needs only a way to open and to look, and its list of faults."""

    component: ClassVar[Component]
    """The part of ours that its faults are counted for."""
    reasons: ClassVar[Collection[str]] = ()
    """The closed list of what its faults are called; anything else is :data:`UNEXPECTED`."""
    refused: ClassVar[Collection[str]] = ()
    """Those of the reasons after which it waits :data:`REFUSED_PAUSE` at least."""
    away: ClassVar[Collection[str]] = ()
    """Those after which it waits :data:`AWAY_PAUSE` at most; one that lasts is told once in :data:`LONGEST_PAUSE`."""

    def __init__(self, name: str, resources: WatchResources) -> None:
        if not isinstance(getattr(self, "component", None), Component):
            raise TypeError(f"{type(self).__name__} does not say for which component its faults are counted")
        self.name, self.clock = name, resources.clock
        self._stop = Stop(resources.clock)
        self._thread: threading.Thread | None = None

    @abstractmethod
    def opened(self, intake: Intake, stop: Stop) -> AbstractContextManager[Look]:
        """Connect, and give the way to look; what is open is closed at the end of the context.

        A look that waits must end by StoppedError when ``stop`` is ordered. Raises what it likes, see :meth:`explain`.
        """

    @abstractmethod
    def check(self) -> str:
        """See :meth:`canary.queues.Watcher.check`."""

    def explain(self, error: Exception) -> OwnFaultError:
        """A fault that :meth:`opened` or a look raised and that is no OwnFaultError yet, in our words."""
        return self.fault(UNEXPECTED, words(error))

    def fault(self, reason: str, detail: str) -> OwnFaultError:
        """A fault of this watcher's."""
        return OwnFaultError(self.component, reason, detail)

    def start(self, intake: Intake) -> None:
        """Begin to look; returns at once. Raises RuntimeError the second time."""
        if self._thread is not None:
            raise RuntimeError(f"the watcher of {self.name} was started before")
        self._thread = threading.Thread(target=self._run, args=(intake,), name=f"watch {self.name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it looks, or was not started yet."""
        return self._thread is None or self._thread.is_alive()

    def hint(self) -> None:
        """Something may have changed: the next look comes at once, or is the one that is hinted at."""
        self._stop.hint()

    def stop(self) -> None:
        """Stop looking; returns when nothing is open any more, or after 5 s if what is looked into does not let go."""
        self._stop.order()
        if self._thread is not None:
            self._thread.join(_STOP_WITHIN)

    def _run(self, intake: Intake) -> None:
        wait, told = FIRST_PAUSE, _Told(self.clock)
        with contextlib.suppress(StoppedError), contextlib.closing(self._stop):
            while True:
                fault, went_well = self._look_until_fault(intake)
                away, news = fault.reason in self.away, told.is_news(fault.reason, went_well)
                if news or not away:
                    with contextlib.suppress(Exception):  # an intake that cannot note a fault must not end the watching
                        intake.trouble(fault.component, fault.reason, fault.detail)
                if went_well:
                    wait = FIRST_PAUSE
                if fault.reason in self.refused:
                    wait = max(wait, REFUSED_PAUSE)
                if away:
                    wait = min(wait, AWAY_PAUSE)
                self._stop.pause(wait * random.uniform(*_JITTER))  # noqa: S311  # no secret
                wait = min(2 * wait, LONGEST_PAUSE)

    def _look_until_fault(self, intake: Intake) -> tuple[OwnFaultError, bool]:
        """The fault that ended it, and whether looks went well for a while before. Raises StoppedError."""
        went_well, began = False, self.clock.monotonic()
        try:
            with self.opened(intake, self._stop) as look:
                while True:
                    pause = look()
                    went_well = True
                    self._stop.pause_or_hint(pause)
        except StoppedError as error:
            if self._stop.ordered:
                raise
            fault = self.fault(UNEXPECTED, words(error))
        except BaseException as error:  # also what would end a thread without a word
            fault = self._listed(self._explained(error))
        return fault, went_well and self.clock.monotonic() - began >= SHORT_LIVED

    def _explained(self, error: BaseException) -> OwnFaultError:
        """The fault in our words, whatever is raised while they are looked for."""
        if isinstance(error, OwnFaultError):
            return error
        with contextlib.suppress(Exception):
            if isinstance(error, Exception) and isinstance(fault := self.explain(error), OwnFaultError):
                return fault
        return self.fault(UNEXPECTED, words(error))

    def _listed(self, fault: OwnFaultError) -> OwnFaultError:
        """The fault by a reason of the closed list, since reasons become labels; those of other parts are theirs."""
        if fault.component is not self.component or fault.reason in self.reasons:
            return fault
        return self.fault(UNEXPECTED, fault.detail)


class _Told:
    """Which fault was told last, and when."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._reason, self._at = clock, "", float("-inf")

    def is_news(self, reason: str, went_well: bool) -> bool:
        """Whether it is to be told, since it is another one, or not told for some time, or things went well before."""
        now = self._clock.monotonic()
        if reason == self._reason and not went_well and now - self._at < LONGEST_PAUSE:
            return False
        self._reason, self._at = reason, now
        return True
