"""Closes our own tickets, with a note that says what they were, once their probes are judged; off unless asked for.

A ticket is looked at again before that: it must still be opened by our report alone, whose mark verifies. One into
which another was merged is somebody's, too, and left alone; so is one that is merged, moved out of sight, or closed.
"""

from __future__ import annotations

from collections.abc import Iterator

from canary.model import Component, OwnFaultError, Seen
from canary.queues import Intake
from canary.queues.rest.faults import RestReason
from canary.queues.tickets.answers import ListedTicket
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.opening import history_of, one, openings
from canary.queues.tickets.queue import WatchedQueue
from canary.queues.tickets.reading import TicketReader

NOTE = (
    "This was a test report of the monitoring of this CA's reporting channels. It was found, and nothing is to be done."
)
_MAY_BE_REFUSED = (RestReason.FORBIDDEN, RestReason.PROTOCOL, RestReason.GARBAGE)


class Closing:
    """What was closed, or is not to be tried again, of one queue."""

    def __init__(self, watch: str, queue: WatchedQueue, tickets: TicketReader, intake: Intake) -> None:
        self._names, self._queue = (f"{watch}/{queue.name}", watch), queue
        self._description, self._tickets, self._intake = tickets.description, tickets, intake
        self._done: set[str] = set()

    async def run(self, client: TicketClient) -> None:
        """Close what may be closed now. What the system refuses is told once; raises OwnFaultError for other faults."""
        offered = _tickets({where for name in self._names for where in self._intake.cleanable(name)})
        self._done &= offered
        for ident in sorted(offered - self._done):
            if client.asked.enough:
                return
            try:
                await self._close(client, ident)
            except (ValueError, OwnFaultError) as error:
                if isinstance(error, OwnFaultError) and error.reason not in _MAY_BE_REFUSED:
                    raise
                detail = f"ticket {ident} of {self._queue.name!r} is not closed: {error}"
                self._intake.trouble(Component.TICKETS, RestReason.CLOSE_REFUSED, detail)
            self._done.add(ident)

    async def _close(self, client: TicketClient, ident: str) -> None:
        ticket = await one(client, self._description, ident, self._queue.name)
        if ticket is None or not await self._may_close(client, ticket, ident):
            return
        for call in self._description.close:
            await client.tell(call, {"ticket": ident, "note": NOTE})
        after = await one(client, self._description, ident, self._queue.name)
        if after is not None and not self._is_closed(after):
            raise ValueError(f"its status is {after.status!r} afterwards; may the account change it?")

    async def _may_close(self, client: TicketClient, ticket: ListedTicket, ident: str) -> bool:
        if ticket.id != ident or ticket.gone or not self._queue.is_called(ticket.queue) or self._is_closed(ticket):
            return False
        if len(openings(await history_of(client, self._description, ticket))) > 1:
            return False
        found = await self._tickets.read(client, ticket, texts=True)
        return any(each.seen is Seen.REPORT and each.forgery is None and each.where == ident for each in found)

    def _is_closed(self, ticket: ListedTicket) -> bool:
        return ticket.status.casefold() in map(str.casefold, self._description.closed)


def _tickets(offered: set[str]) -> set[str]:
    """The tickets among what was seen: the rest are acts on one, ``TICKET/ACT``, and a ticket may have slashes too."""
    return {where for where in offered if not any(above in offered for above in _above(where))}


def _above(where: str) -> Iterator[str]:
    parts = where.split("/")
    return ("/".join(parts[:number]) for number in range(1, len(parts)))
