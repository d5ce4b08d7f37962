"""Reads one queue of a ticket system: what changed in it since the last look, from the oldest change to the newest.

The list begins a little before where the last one ended, so it must show the ticket that was changed last then: that is
the proof that it still shows what there is. An empty list, or an answer without a fault, proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from canary.clock import Clock
from canary.model import Component, OwnFaultError, Place, Role
from canary.queues import Found, Intake
from canary.queues.tickets.answers import ListedTicket, listed, listed_ticket
from canary.queues.tickets.client import TicketClient, first_page, next_page
from canary.queues.tickets.description import Description
from canary.queues.tickets.faults import TicketReason, fault
from canary.queues.tickets.opening import one
from canary.queues.tickets.passed_over import PassedOver
from canary.queues.tickets.reading import TicketReader, keep

_LOOK_BACK = timedelta(days=2)
"""How far back a queue is read that was never read before. What was opened earlier is behind us."""
_KNOWN = 5
"""Tickets of a queue that are kept in mind as proof, the newest."""
_OF_A_TICKET = (TicketReason.GARBAGE, TicketReason.TOO_MUCH, TicketReason.FORBIDDEN, TicketReason.PROTOCOL)
"""Faults that may be those of one ticket alone."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WatchedQueue:
    """A queue by its name and its id in the ticket system, and the place that it is."""

    name: str
    ident: str
    place: Place

    def is_called(self, name: str) -> bool:
        """Whether a ticket that says to be in ``name`` is in this queue."""
        return name in (self.name, self.ident)


class QueueReader:
    """Knows where it stands in one queue; the client is lent to each call."""

    def __init__(
        self,
        watch: str,
        queue: WatchedQueue,
        intake: Intake,
        tickets: TicketReader,
        clock: Clock,
    ) -> None:
        self.name = f"{watch}/{queue.name}"
        self.queue, self._description = queue, tickets.description
        self._intake, self._tickets = intake, tickets
        self._cursor = dict(intake.cursor(self.name) or {})
        began = intake.now() - _LOOK_BACK
        self._from = _time(self._cursor.get("from")) or began
        self._since = _time(self._cursor.get("since")) or began
        self._known = str(self._cursor.get("known", "")).split()
        self._passed_over = PassedOver(clock, str(self._cursor.get("unread", "")).split())
        self._read: dict[str, datetime] = {}
        """When each ticket had last changed when it was read: nothing rests on it."""
        self._shown = self._told = False

    async def read(self, client: TicketClient) -> bool:
        """Read what changed; whether that was all of it. Raises OwnFaultError, also where it cannot be proved."""
        at = self._intake.now()
        since = self._since - timedelta(seconds=self._description.overlap)
        known, self._shown = self._known[:1], False
        if not await self._changes(client, since, known):
            return False
        await self._again(client)
        proved = self._shown or await self._proved(client, since)
        if proved and self._passed_over.tells:
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
        self, client: TicketClient, since: datetime, more: Mapping[str, str] | None = None
    ) -> tuple[list[ListedTicket], Mapping[str, str] | None]:
        return await changed_since(client, self._description, self.queue, since, self._intake.now(), more)

    def _is_here(self, ticket: ListedTicket) -> bool:
        return self.queue.is_called(ticket.queue)

    async def _take(self, client: TicketClient, ticket: ListedTicket) -> None:
        """Read a ticket that changed, hand in what is ours of it, and note that the rest is behind us."""
        if self._read.get(ticket.id) != ticket.updated and ticket.created >= self._from:
            now = client.asked.time or self._intake.now()
            await self._try(client, ticket)
            if ticket.updated < now - timedelta(seconds=2 * self._description.resolution):
                keep(self._read, ticket.id, ticket.updated)  # else more may follow in the same second, and not show
        self._since = max(self._since, ticket.updated)
        self._known = [ticket.id, *(known for known in self._known if known != ticket.id)][:_KNOWN]

    async def _again(self, client: TicketClient) -> None:
        """Try again what was passed over."""
        for ident in self._passed_over.due:
            ticket = await one(client, self._description, ident, self.queue.name)
            if ticket is None:
                self._passed_over.read(ident)
            else:
                await self._try(client, ticket, ident)

    async def _try(self, client: TicketClient, ticket: ListedTicket, ident: str | None = None) -> None:
        """Read a ticket; one that cannot be read is told, and passed over until later."""
        ident = ident or ticket.id
        texts = any(True for _ in self._intake.sought(self.queue.place))
        try:
            found = await self._tickets.read(client, ticket, texts=texts)
        except (ValueError, OwnFaultError) as error:
            if isinstance(error, OwnFaultError) and error.reason not in _OF_A_TICKET:
                raise
            reason = TicketReason(error.reason) if isinstance(error, OwnFaultError) else TicketReason.GARBAGE
            if self._passed_over.broken:
                raise fault(reason, f"ticket {ident} of {self.queue.name!r}, like those before: {error}") from error
            if self._passed_over.add(ident):
                detail = f"ticket {ident} of {self.queue.name!r} is passed over for now: {error}"
                self._intake.trouble(Component.TICKETS, reason, detail)
            return
        self._passed_over.read(ident)
        if found:
            self._hand_in(found)

    def _hand_in(self, found: list[Found]) -> None:
        cursor: dict[str, str | int | float] = {"from": self._from.isoformat(), "since": self._since.isoformat()}
        if self._known:
            cursor["known"] = " ".join(self._known)
        if unread := str(self._passed_over):
            cursor["unread"] = unread
        if found or cursor != self._cursor:
            self._intake.hand_in(self.name, found, cursor)
            self._cursor = cursor

    async def _proved(self, client: TicketClient, since: datetime) -> bool:
        """Whether the list shows what is there, by other tickets than the one that changed last.

        False where nothing is known of an empty queue. Raises OwnFaultError where a known ticket is not shown.
        """
        unseen = list[str]()
        for known in list(self._known):
            ticket = await one(client, self._description, known, self.queue.name)
            if ticket is None:
                unseen.append(known)
            elif ticket.id != known or not self._is_here(ticket) or ticket.status in self._description.gone:
                self._known.remove(known)  # it was merged, moved or deleted: another one is to prove it
            elif known in await self._since_then(client, min(since, ticket.updated)):
                return True
            else:
                raise self._blind(f"ticket {known} is in")
        if newest := await self._since_then(client, LONG_AGO):
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
        if not self._told:
            self._told = True
            self._intake.trouble(Component.TICKETS, TicketReason.BLIND, what)

    async def _since_then(self, client: TicketClient, since: datetime) -> list[str]:
        page, _ = await self._page(client, since)
        return [ticket.id for ticket in page]


async def changed_since(
    client: TicketClient,
    description: Description,
    queue: WatchedQueue,
    since: datetime,
    now: datetime,
    more: Mapping[str, str] | None = None,
) -> tuple[list[ListedTicket], Mapping[str, str] | None]:
    """Tickets of a queue that changed, the oldest change first, and how the next page is asked for; None at the end.

    ``now`` is our time, for a system that does not tell its own. Raises OwnFaultError.
    """
    listing = description.changed
    # by the clock of the system, if it tells it: its times are compared with each other
    age = max(0, math.ceil(((client.asked.time or now) - since).total_seconds())) + 1
    names = {"queue": queue.name, "queueid": queue.ident, **_times(since, age)}
    more = first_page(listing.paging) if more is None else more
    answer = await client.ask(listing, names, more)
    try:
        raw = listed(answer, listing) if answer is not None else []
        tickets = [listed_ticket(item, description.ticket, queue.name) for item in raw]
    except ValueError as error:
        raise fault(TicketReason.GARBAGE, f"the list of what changed in {queue.name!r}: {error}") from error
    here = [ticket for ticket in tickets if queue.is_called(ticket.queue)]
    return sorted(here, key=lambda ticket: ticket.updated), next_page(listing.paging, more, answer, raw)


def _times(since: datetime, age: int) -> dict[str, str]:
    """A time in each of the ways that a system may want it; ``age`` is how many seconds ago it was."""
    return {
        "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "epoch": str(math.floor(since.timestamp())),
        "age": str(age),
        "minutes": str(math.ceil(age / 60)),
    }


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
