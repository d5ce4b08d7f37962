"""Watches a ticket system: asks each of its queues in turn what changed, over connections that last for one look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from canary.model import Component, OwnFaultError, Role
from canary.queues import Intake, WatchResources
from canary.queues.rest.answers import word
from canary.queues.rest.faults import RestReason
from canary.queues.rest.watching import RestWatcher
from canary.queues.tickets.client import HeardOf, TicketClient
from canary.queues.tickets.closing import Closing
from canary.queues.tickets.connecting import Connecting, unless_lasting
from canary.queues.tickets.faults import fault
from canary.queues.tickets.queue import QueueReader, WatchedQueue, shown_at_all
from canary.queues.tickets.reading import TicketReader
from canary.queues.tickets.recording import Recording, meant
from canary.queues.tickets.second_look import SecondLook
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.showing import shown
from canary.queues.tickets.story import Tale

_NAMED = 50
"""Queues that are named where one is missing."""


def open_tickets(name: str, settings: TicketSettings, resources: WatchResources) -> TicketWatcher:
    """A watcher of the ticket system ``name``."""
    return TicketWatcher(name, settings, resources)


@dataclass(frozen=True, slots=True)
class _Readers:
    """What is looked at: each queue, and once more what is sought; ``ids`` are the names of all queues by id.

    ``closings`` close what is ours in each, if that is asked for.
    """

    ids: dict[str, str]
    queues: list[QueueReader]
    second: SecondLook
    closings: list[Closing]


class TicketWatcher(RestWatcher):
    """A :class:`canary.queues.Watcher` of one ticket system."""

    component = Component.TICKETS

    def __init__(self, name: str, settings: TicketSettings, resources: WatchResources) -> None:
        super().__init__(name, resources, settings.ca_file)
        self._settings = settings
        self._connecting = Connecting(settings, resources.clock, self.trusted)
        self._kept: _Readers | None = None
        self._found_queues = False

    def begun(self) -> None:
        """The queues are to be found, once."""
        self._found_queues = False

    def check(self) -> str:
        """Log in, find every queue, and see whether each shows a ticket. Raises OwnFaultError."""
        return self._asked(self._check)

    def show(self, ticket: str) -> str:
        """What would be read of a ticket, in lines. Raises OwnFaultError."""
        return self._asked(lambda client: self._show(client, ticket))

    def record(self, ticket: str | None) -> str:
        """What is answered to :meth:`check`, or to :meth:`show` of a ticket, without what it says; also if that fails.

        Raises OwnFaultError where nothing is answered.
        """
        described = self._settings.described
        recording, ended = Recording(described.title, partial(meant, described)), "well"
        try:
            self._asked(self._check if ticket is None else lambda client: self._show(client, ticket), recording.heard)
        except OwnFaultError as error:
            if not recording.answers:
                raise
            ended = error.reason
        return recording.told(ended)

    async def _show(self, client: TicketClient, ticket: str) -> str:
        ids, watched = await self._ids(client), {queue.name for queue in self._settings.queues}
        return await shown(client, self._settings.described, ticket, ids, watched)

    def _asked(self, work: Callable[[TicketClient], Awaitable[str]], heard: HeardOf | None = None) -> str:
        return self.asked_once(self._connecting.use(work, heard))

    async def _check(self, client: TicketClient) -> str:
        ids, told, now = await self._ids(client), list[str](), self.clock.now()
        for queue in self._watched(ids):
            seen = await shown_at_all(client, self._settings.described.of(queue.name), queue, now)
            shows = "shows tickets" if seen else "shows no ticket"
            if not seen and queue.place.role is Role.MONITORED:
                shows += ", so nothing can be said to be missing from it: put one there"
            told.append(f"{queue.name} ({queue.place.role.value}, {shows})")
        return f"{self._settings.described.title} at {self._settings.system()['server']}: {', '.join(told)}"

    def _watched(self, ids: dict[str, str]) -> list[WatchedQueue]:
        by_name, queues = {name: ident for ident, name in ids.items()}, self._settings.queues
        return [WatchedQueue(queue.name, by_name[queue.name], self._settings.place(queue)) for queue in queues]

    async def look(self, intake: Intake) -> float:
        """Read each queue; what is wrong with one keeps us from no other. Raises OwnFaultError."""

        async def read(client: TicketClient) -> float:
            return await self._read(client, intake, await self._readers(client, intake))

        return await self._connecting.use(read)

    async def _read(self, client: TicketClient, intake: Intake, readers: _Readers) -> float:
        troubles, done, began = list[OwnFaultError](), True, intake.now()
        for reader in readers.queues:
            with unless_lasting(troubles):
                done = await reader.read(client) and done
        if done:
            with unless_lasting(troubles):
                await readers.second.look(client)
                for closing in readers.closings:
                    await closing.run(client)
        if troubles:
            raise troubles[0]
        if done and self._settings.elsewhere:
            intake.looked(self._settings.elsewhere, began)
        return self._settings.poll if done else 0.0

    async def _readers(self, client: TicketClient, intake: Intake) -> _Readers:
        """Those that there are, if the queues are still those that they were when last asked for, after each fault."""
        if self._kept is None or not self._found_queues:
            ids = await self._ids(client)
            if self._kept is None or self._kept.ids != ids:
                self._kept = self._made(intake, ids)
            self._found_queues = True
        return self._kept

    def _made(self, intake: Intake, ids: dict[str, str]) -> _Readers:
        settings, described = self._settings, self._settings.described
        watched = self._watched(ids)
        places = {called: queue.place for queue in watched for called in (queue.ident, queue.name)}
        ourselves = (settings.username,) if settings.close and settings.username else ()
        machines = frozenset(name.casefold() for name in (*described.machines, *settings.machines, *ourselves))
        ends = frozenset(map(str.casefold, settings.ends))
        tale = Tale(places, machines, described.resolution, settings.other, ends)
        tickets = TicketReader(described, tale, intake)
        second = SecondLook(self.name, settings.places(), intake, tickets, settings.poll, self.clock)
        readers = {name: TicketReader(described.of(name), tale, intake) for name in described.corners}
        queues = [
            QueueReader(self.name, queue, intake, readers.get(queue.name, tickets), self.clock) for queue in watched
        ]
        closed = [queue for queue in watched if settings.close and queue.name not in described.corners]
        closings = [Closing(self.name, queue, tickets, intake) for queue in closed]
        return _Readers(ids, queues, second, closings)

    async def _ids(self, client: TicketClient) -> dict[str, str]:
        """The names of all queues that may be seen, by their ids. Raises OwnFaultError that names every missing one."""
        listing, corners = self._settings.described.queues, self._settings.described.corners
        if listing is None:
            return {name: name for name in (*corners, *(queue.name for queue in self._settings.queues))}
        found = {name: name for name in corners} | ({"": listing.none} if listing.none else {})
        async for page in client.pages(listing, {}):
            found |= {word(item, listing.id): word(item, listing.name) for item in page}
        missing = [repr(queue.name) for queue in self._settings.queues if queue.name not in found.values()]
        if missing:
            there_are = ", ".join(sorted(found.values())[:_NAMED]) or "none"
            raise fault(
                RestReason.QUEUE_MISSING,
                f"no queue {', '.join(missing)} that the account may see; there are: {there_are}",
            )
        return found
