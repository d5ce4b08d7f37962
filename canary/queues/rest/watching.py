"""A watcher that asks over HTTP: in the event loop of its own thread, so that all waiting ends when it is to stop."""

from __future__ import annotations

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from canary.queues import Intake, WatchResources
from canary.queues.loop import Look, LoopingWatcher, Stop, StoppedError
from canary.queues.rest.asking import RestError, trusted
from canary.queues.rest.faults import AWAY, REFUSED, RestReason

T = TypeVar("T")


class RestWatcher(LoopingWatcher):
    """A :class:`canary.queues.Watcher` that needs only to say how it looks once; connections last for one look."""

    reasons = frozenset(RestReason)
    refused = REFUSED
    away = AWAY

    def __init__(self, name: str, resources: WatchResources, ca_file: Path | None) -> None:
        super().__init__(name, resources)
        self._ca_file = ca_file
        self._trust: ssl.SSLContext | None = None
        self._rests_until = float("-inf")

    @abstractmethod
    async def look(self, intake: Intake) -> float:
        """Look once; returns the seconds until there is something to do again. Raises OwnFaultError."""

    def begun(self) -> None:
        """It begins to look, or does so again after a fault."""

    @contextmanager
    def opened(self, intake: Intake, stop: Stop) -> Iterator[Look]:
        """Look again and again, and not while the system asks to be left alone."""
        with asyncio.Runner() as runner:
            self.begun()

            def look() -> float:
                rest = self._rests_until - self.clock.monotonic()
                return rest if rest > 0 else runner.run(_until_stopped(self._look(intake), stop))

            yield look

    def asked_once(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives, outside of any loop that looks. Raises OwnFaultError."""
        with closing(Stop(self.clock)) as stop, asyncio.Runner() as runner:
            return runner.run(_until_stopped(work, stop))

    def trusted(self) -> ssl.SSLContext:
        """What is trusted: read once, since that takes a while. Raises OwnFaultError."""
        if self._trust is None:
            self._trust = trusted(self.component, self._ca_file)
        return self._trust

    async def _look(self, intake: Intake) -> float:
        try:
            return await self.look(intake)
        except RestError as error:
            self._rests_until = self.clock.monotonic() + error.seconds
            raise


async def _until_stopped(work: Coroutine[Any, Any, T], stop: Stop) -> T:
    """What the work gives. Raises StoppedError as soon as the order to stop is there."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_reader(stop.socket, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if stop.ordered:
            raise StoppedError from None
        raise
    finally:
        loop.remove_reader(stop.socket)
