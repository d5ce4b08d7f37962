"""Reads one queue of a ticket system: what changed in it since the last look, from the oldest change to the newest.

The list begins a little before where the last one ended, so it must show the ticket that was changed last then: that is
the proof that it still shows what there is. An empty list, or an answer without a fault, proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from canary.budgets import TICKETS_REMEMBERED
from canary.model import Component, OwnFaultError, Place, Role
from canary.queues import Found, Intake
from canary.queues.tickets.answers import ListedTicket, at, items, listed_ticket
from canary.queues.tickets.client import TicketClient, first_page, next_page
from canary.queues.tickets.description import Description
from canary.queues.tickets.faults import TicketReason, fault
from canary.queues.tickets.reading import TicketReader

_LOOK_BACK = timedelta(days=2)
"""How far back a queue is read that was never read before. What was opened earlier is behind us."""
_KNOWN = 5
"""Tickets of a queue that are kept in mind as proof, the newest."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class QueueMemory:
    """What need not be done again while the canary runs: nothing rests on it.

    ``read`` tells of each ticket that was read when it was changed last then; ``strangers`` are the openings of
    tickets that are none of ours. ``told`` says that it was told that nothing is known of the queue.
    """

    read: dict[str, datetime] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    told: bool = False

    def remember(self, ticket: ListedTicket) -> None:
        """A ticket was read as it is."""
        self.read.pop(ticket.id, None)
        self.read[ticket.id] = ticket.updated
        while len(self.read) > (TICKETS_REMEMBERED.number or 0):
            del self.read[next(iter(self.read))]
        if len(self.strangers) > 2 * (TICKETS_REMEMBERED.number or 0):
            self.strangers.clear()


@dataclass(frozen=True, slots=True)
class WatchedQueue:
    """A queue by its name in the ticket system, and the place that it is."""

    name: str
    place: Place


class QueueReader:
    """Knows where it stands in one queue; the client is lent to each call."""

    def __init__(
        self,
        watch: str,
        queue: WatchedQueue,
        description: Description,
        intake: Intake,
        tickets: TicketReader,
        memory: QueueMemory,
        ids: Mapping[str, str],
    ) -> None:
        self.name = f"{watch}/{queue.name}"
        self.queue, self._description, self._intake = queue, description, intake
        self._tickets, self._memory, self._ids = tickets, memory, ids
        self._cursor = dict(intake.cursor(self.name) or {})
        began = intake.now() - _LOOK_BACK
        self._from = _time(self._cursor.get("from")) or began
        self._since = _time(self._cursor.get("since")) or began
        self._known = str(self._cursor.get("known", "")).split()
        self._shown = False

    async def read(self, client: TicketClient) -> bool:
        """Read what changed; whether that was all of it. Raises OwnFaultError, also where it cannot be proved."""
        at = self._intake.now()
        since = self._since - timedelta(seconds=self._description.overlap)
        known, self._shown = self._known[:1], False
        if not await self._changes(client, since, known):
            return False
        if self._shown or await self._proved(client, since):
            self._intake.looked(self.queue.place.queue, at)
        return True

    async def _changes(self, client: TicketClient, since: datetime, known: list[str]) -> bool:
        """Hand in what is ours of the tickets that changed; whether that were all.

        Whatever changes meanwhile goes to the end of the list and takes its place from others, so each page begins
        where the one before ended; only where a whole page changed at one time the next one is turned to.
        """
        paging = self._description.changed.paging
        more: Mapping[str, str] | None = first_page(paging)
        while more is not None:
            page, following = await self._page(client, since, more)
            for ticket in page:
                if client.asked.enough:
                    return False
                self._shown |= ticket.id in known or not known
                await self._take(client, ticket)
            self._hand_in([])
            last = page[-1].updated if page else since
            more = following if last <= since or following is None else first_page(paging)
            since = max(since, last)
        return True

    async def _page(
        self, client: TicketClient, since: datetime, more: Mapping[str, str]
    ) -> tuple[list[ListedTicket], Mapping[str, str] | None]:
        """Tickets of this queue, from the one that changed first, and how the next page is asked for."""
        listing = self._description.changed
        # by the clock of the system, if it tells it: its times are compared with each other
        now = client.asked.time or self._intake.now()
        age = max(0, math.ceil((now - since).total_seconds())) + 1
        names = {"queue": self.queue.name, "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "age": str(age)}
        answer = await client.ask(listing, names, more)
        raw = items(answer, listing.items) if answer is not None else []
        try:
            tickets = [listed_ticket(item, self._description.ticket) for item in raw]
        except ValueError as error:
            raise fault(TicketReason.GARBAGE, f"the list of what changed in {self.queue.name!r}: {error}") from error
        here = [ticket for ticket in tickets if self._is_here(ticket)]
        return sorted(here, key=lambda ticket: ticket.updated), next_page(listing.paging, more, answer, raw)

    def _is_here(self, ticket: ListedTicket) -> bool:
        return self._ids.get(ticket.queue, ticket.queue) == self.queue.name

    async def _take(self, client: TicketClient, ticket: ListedTicket) -> None:
        """Read a ticket that changed, hand in what is ours of it, and note that the rest is behind us."""
        if self._memory.read.get(ticket.id) != ticket.updated and ticket.created >= self._from:
            now = client.asked.time or self._intake.now()
            if found := await self._found(client, ticket):
                self._hand_in(found)
            settled = ticket.updated < now - timedelta(seconds=2 * self._description.resolution)
            if settled:  # else more may be done within the same second, and not show
                self._memory.remember(ticket)
        self._since = max(self._since, ticket.updated)
        self._known = [ticket.id, *(known for known in self._known if known != ticket.id)][:_KNOWN]

    async def _found(self, client: TicketClient, ticket: ListedTicket) -> list[Found]:
        texts = bool(list(self._intake.sought(self.queue.place)))
        try:
            return await self._tickets.read(client, ticket, texts=texts)
        except ValueError as error:
            raise fault(TicketReason.GARBAGE, f"ticket {ticket.id} of {self.queue.name!r}: {error}") from error

    def _hand_in(self, found: list[Found]) -> None:
        cursor: dict[str, str | int | float] = {"from": self._from.isoformat(), "since": self._since.isoformat()}
        if self._known:
            cursor["known"] = " ".join(self._known)
        if found or cursor != self._cursor:
            self._intake.hand_in(self.name, found, cursor)
            self._cursor = cursor

    async def _proved(self, client: TicketClient, since: datetime) -> bool:
        """Whether the list shows what is there, by other tickets than the one that changed last.

        False where nothing is known of an empty queue. Raises OwnFaultError where a known ticket is not shown.
        """
        unseen = list[str]()
        for known in list(self._known):
            ticket = await one(client, self._description, known)
            if ticket is None:
                unseen.append(known)
            elif ticket.id != known or not self._is_here(ticket) or ticket.status in self._description.gone:
                self._known.remove(known)  # it was merged, moved or deleted: another one is to prove it
            elif known in await self._since_then(client, min(since, ticket.updated)):
                return True
            else:
                raise self._blind(f"ticket {known} is in")
        if newest := await self._since_then(client, _LONG_AGO):
            self._known = newest[-1:]
            self._hand_in([])
            return True
        if unseen:
            raise self._blind(f"ticket {unseen[0]} was in")
        if self.queue.place.role is Role.MONITORED:
            self._tell_once(
                f"nothing was in {self.queue.name!r} yet, so nothing shows that it can be read: put a ticket there"
            )
            return False
        return True

    def _blind(self, what: str) -> OwnFaultError:
        return fault(
            TicketReason.BLIND,
            f"{what} {self.queue.name!r}, and the list of what changed there does not show it: "
            "may the account still see all of the queue, and is its time zone UTC?",
        )

    def _tell_once(self, what: str) -> None:
        if not self._memory.told:
            self._memory.told = True
            self._intake.trouble(Component.TICKETS, TicketReason.BLIND, what)

    async def _since_then(self, client: TicketClient, since: datetime) -> list[str]:
        page, _ = await self._page(client, since, first_page(self._description.changed.paging))
        return [ticket.id for ticket in page]


async def one(client: TicketClient, description: Description, ident: str) -> ListedTicket | None:
    """What is told for the number of a ticket: another one where it was merged, None if none may be seen."""
    try:
        answer = await client.ask(description.one, {"ticket": ident})
        return None if answer is None else listed_ticket(at(answer, description.one.at), description.ticket)
    except ValueError as error:
        raise fault(TicketReason.GARBAGE, f"ticket {ident}: {error}") from error
    except OwnFaultError as error:
        if error.reason == TicketReason.FORBIDDEN:
            return None
        raise


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
