"""Watches a ticket system: asks each of its queues in turn what changed, over connections that last for one look.

The watcher's thread has an event loop of its own, so that whatever is waited for ends at once when it is to stop.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from canary.model import Component, OwnFaultError
from canary.queues import Intake, WatchResources
from canary.queues.loop import Look, LoopingWatcher, Stop, StoppedError
from canary.queues.tickets.answers import word
from canary.queues.tickets.client import RestError, TicketClient, connected, trusted
from canary.queues.tickets.faults import AWAY, TicketReason, fault
from canary.queues.tickets.queue import QueueMemory, QueueReader, WatchedQueue
from canary.queues.tickets.reading import TicketReader
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.story import Tale

T = TypeVar("T")
_NAMED = 50
"""Queues that are named where one is missing."""


def open_tickets(name: str, settings: TicketSettings, resources: WatchResources) -> TicketWatcher:
    """A watcher of the ticket system ``name``."""
    return TicketWatcher(name, settings, resources)


class TicketWatcher(LoopingWatcher):
    """A :class:`canary.queues.Watcher` of one ticket system."""

    component = Component.TICKETS
    reasons = frozenset(TicketReason)
    refused = frozenset({TicketReason.LOGIN_REFUSED, TicketReason.FORBIDDEN})
    away = AWAY

    def __init__(self, name: str, settings: TicketSettings, resources: WatchResources) -> None:
        super().__init__(name, resources)
        self._settings = settings
        self._memories = {queue.name: QueueMemory() for queue in settings.queues}
        self._trust: ssl.SSLContext | None = None
        self._rests_until = float("-inf")

    @contextmanager
    def opened(self, intake: Intake, stop: Stop) -> Iterator[Look]:
        """Find the queues once, and ask them again and again."""
        with asyncio.Runner() as runner:
            readers: list[QueueReader] = []

            def look() -> float:
                rest = self._rests_until - self.clock.monotonic()
                return rest if rest > 0 else runner.run(_until_stopped(self._look(intake, readers), stop))

            yield look

    def check(self) -> str:
        """Log in, find every queue; raises OwnFaultError that names every one that is missing."""
        with closing(Stop(self.clock)) as stop, asyncio.Runner() as runner:
            return runner.run(_until_stopped(self._check(), stop))

    async def _check(self) -> str:
        async with connected(self._settings, self._trusted) as client:
            await self._ids(client)
        queues = ", ".join(f"{queue.name} ({queue.role})" for queue in self._settings.queues)
        told = self._settings.system()
        return f"{self._settings.described.title} at {told['server']}: {queues}"

    async def _look(self, intake: Intake, readers: list[QueueReader]) -> float:
        """Read each queue; what is wrong with one keeps us from no other. Raises OwnFaultError."""
        try:
            async with connected(self._settings, self._trusted) as client:
                if not readers:
                    readers += self._readers(intake, await self._ids(client))
                return await self._read(client, readers)
        except RestError as error:
            self._rests_until = self.clock.monotonic() + error.seconds
            raise

    async def _read(self, client: TicketClient, readers: list[QueueReader]) -> float:
        troubles, done = list[OwnFaultError](), True
        for reader in readers:
            try:
                done = await reader.read(client) and done
            except OwnFaultError as error:
                if error.reason not in (TicketReason.BLIND, TicketReason.GARBAGE):
                    raise
                troubles.append(error)
        if troubles:
            raise troubles[0]
        return self._settings.poll if done else 0.0

    def _readers(self, intake: Intake, ids: dict[str, str]) -> list[QueueReader]:
        settings, described = self._settings, self._settings.described
        watched = [WatchedQueue(queue.name, settings.place(queue)) for queue in settings.queues]
        places = {queue.name: queue.place for queue in watched}
        names = {ident: places[name] for ident, name in ids.items() if name in places} | places
        machines = frozenset(name.casefold() for name in (*described.machines, *settings.machines))
        tale = Tale(names, machines, described.resolution)
        return [
            QueueReader(
                self.name,
                queue,
                described,
                intake,
                TicketReader(described, tale, intake, memory.strangers),
                memory,
                ids,
            )
            for queue in watched
            for memory in (self._memories[queue.name],)
        ]

    async def _ids(self, client: TicketClient) -> dict[str, str]:
        """The names of all queues that may be seen, by their ids. Raises OwnFaultError that names every missing one."""
        listing, found = self._settings.described.queues, dict[str, str]()
        async for page in client.pages(listing, {}):
            found |= {word(item, listing.id): word(item, listing.name) for item in page}
        missing = [repr(queue.name) for queue in self._settings.queues if queue.name not in found.values()]
        if missing:
            there_are = ", ".join(sorted(found.values())[:_NAMED]) or "none"
            raise fault(
                TicketReason.QUEUE_MISSING,
                f"no queue {', '.join(missing)} that the account may see; there are: {there_are}",
            )
        return found

    def _trusted(self) -> ssl.SSLContext:
        """What is trusted: read once, since that takes a while."""
        if self._trust is None:
            self._trust = trusted(self._settings)
        return self._trust


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
