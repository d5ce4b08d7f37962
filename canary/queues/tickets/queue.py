"""Reads one queue of a ticket system: what changed in it since the last look, from the oldest change to the newest.

The list begins a little before where the last one ended, so it must show the ticket that was changed last then: that is
the proof that it still shows what there is. An empty list, or an answer without a fault, proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from canary.budgets import TICKET_LIST, BudgetError
from canary.clock import Clock
from canary.model import Component, OwnFaultError, Place, Role
from canary.queues import Cursor, Intake
from canary.queues.rest.faults import RestReason
from canary.queues.rest.together import Together
from canary.queues.tickets.answers import ListedTicket, listed, listed_ticket
from canary.queues.tickets.client import TicketClient, first_page, next_page
from canary.queues.tickets.description import Description
from canary.queues.tickets.faults import fault
from canary.queues.tickets.opening import one
from canary.queues.tickets.passed_over import PassedOver
from canary.queues.tickets.reading import TicketReader, keep

_LOOK_BACK = timedelta(days=2)
"""How far back a queue is read that was never read before. What was opened earlier is behind us."""
_KNOWN = 5
"""Tickets of a queue that are kept in mind as proof, the newest."""
_OF_A_TICKET = (RestReason.GARBAGE, RestReason.TOO_MUCH, RestReason.FORBIDDEN, RestReason.PROTOCOL)
"""Faults that may be those of one ticket alone."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WatchedQueue:
    """A queue by its name and its id in the ticket system, and the place that it is."""

    name: str
    ident: str
    place: Place

    def is_called(self, name: str) -> bool:
        """Whether a ticket that says to be in ``name`` is in this queue."""
        return name in (self.name, self.ident)


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of what changed, the oldest change first, when that and the newest one were, and how the list goes on.

    ``following`` are the parameters by which the next page is asked for, None at the end.
    """

    tickets: list[ListedTicket]
    first: datetime
    last: datetime
    following: Mapping[str, str] | None


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
        cursor = intake.cursor(self.name) or {}
        began = intake.now() - _LOOK_BACK
        self._from = _time(cursor.get("from")) or began
        self._since = _time(cursor.get("since")) or began
        self._known = str(cursor.get("known", "")).split()
        self._passed_over = PassedOver(clock, str(cursor.get("unread", "")).split())
        self._read: dict[str, datetime] = {}
        """When each ticket had last changed when it was read: nothing rests on it."""
        self._shown = self._told = False
        self._ours = Together(intake, self.name, self._stands)

    async def read(self, client: TicketClient) -> bool:
        """Read what changed; whether that was all of it. Raises OwnFaultError, also where it cannot be proved."""
        at = self._intake.now()
        since = self._since - timedelta(seconds=self._description.overlap)
        known, self._shown = self._known[:1], False
        with self._ours.look():
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
        if self._description.changed.newest_first:
            return await self._taken(client, await self._back_to(client, since), known)
        paging = self._description.changed.paging
        more: Mapping[str, str] | None = first_page(paging)
        while more is not None:
            page = await self._page(client, since, more)
            if not await self._taken(client, page, known):
                return False
            if page.last <= since and page.following == {}:
                what = f"all tickets of a list of {self.queue.name!r} changed at one time, and it tells no more of them"
                raise fault(RestReason.TOO_MUCH, what)
            more = page.following if page.last <= since or page.following is None else first_page(paging)
            since = max(since, page.last)
        return True

    async def _back_to(self, client: TicketClient, since: datetime) -> ListedPage:
        """What changed since then, of a list that begins with the newest change."""
        page = await self._page(client, since)
        while page.following is not None and page.first >= since:
            older = await self._page(client, since, page.following)
            page = ListedPage([*older.tickets, *page.tickets], min(older.first, page.first), page.last, older.following)
            try:
                TICKET_LIST.hold(number=len(page.tickets))
            except BudgetError as error:
                raise fault(RestReason.TOO_MUCH, f"what changed in {self.queue.name!r}: {error}") from error
        return replace(page, tickets=[ticket for ticket in page.tickets if ticket.updated >= since])

    async def _taken(self, client: TicketClient, page: ListedPage, known: list[str]) -> bool:
        """Hand in what is ours of a page; whether there was time for all of it."""
        for ticket in page.tickets:
            if client.asked.enough:
                return False
            self._shown |= ticket.id in known or not known
            if self._is_here(ticket):
                await self._take(client, ticket)
            self._behind_us(ticket)
            self._ours.hand_in(if_many=True)
        self._ours.hand_in()
        return True

    async def _page(self, client: TicketClient, since: datetime, more: Mapping[str, str] | None = None) -> ListedPage:
        return await changed_since(client, self._description, self.queue, since, self._intake.now(), more)

    def _is_here(self, ticket: ListedTicket) -> bool:
        return is_here(ticket, self.queue, self._description)

    async def _take(self, client: TicketClient, ticket: ListedTicket) -> None:
        """Read a ticket that changed, and hand in what is ours of it."""
        if self._read.get(ticket.id) != ticket.updated and ticket.created >= self._from:
            now = client.asked.time or self._intake.now()
            await self._try(client, ticket)
            if ticket.updated < now - timedelta(seconds=2 * self._description.resolution):
                keep(self._read, ticket.id, ticket.updated)  # else more may follow in the same second, and not show

    def _behind_us(self, ticket: ListedTicket) -> None:
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
            reason = RestReason(error.reason) if isinstance(error, OwnFaultError) else RestReason.GARBAGE
            if self._passed_over.broken:
                raise fault(reason, f"ticket {ident} of {self.queue.name!r}, like those before: {error}") from error
            if self._passed_over.add(ident):
                detail = f"ticket {ident} of {self.queue.name!r} is passed over for now: {error}"
                self._intake.trouble(Component.TICKETS, reason, detail)
            return
        self._passed_over.read(ident)
        self._ours.add(found)

    def _stands(self) -> Cursor:
        cursor: dict[str, str | int | float] = {"from": self._from.isoformat(), "since": self._since.isoformat()}
        if self._known:
            cursor["known"] = " ".join(self._known)
        if unread := str(self._passed_over):
            cursor["unread"] = unread
        return cursor

    async def _proved(self, client: TicketClient, since: datetime) -> bool:
        """Whether the list shows what is there, by other tickets than the one that changed last.

        False where nothing is known of an empty queue. Raises OwnFaultError where a known ticket is not shown.
        """
        unseen, too_new = list[str](), False
        for known in list(self._known):
            ticket = await one(client, self._description, known, self.queue.name)
            if ticket is None and not self._description.vanishing:
                unseen.append(known)
            elif ticket is None or ticket.id != known or not self._may_show(ticket):
                self._known.remove(known)  # it was merged, moved or deleted: another one is to prove it
            elif self._is_too_new(client, ticket):
                too_new = True
            elif known in await self._since_then(client, min(since, ticket.updated)):
                return True
            else:
                raise self._blind(f"ticket {known} is in")
        if too_new:
            return False
        if newest := await shown_at_all(client, self._description, self.queue, self._intake.now()):
            self._known = newest[-1:]
            self._ours.hand_in()
            return True
        if unseen:
            raise self._blind(f"ticket {unseen[0]} was in")
        if self.queue.place.role is Role.MONITORED:
            self._tell_once(
                f"nothing was in {self.queue.name!r} yet, so nothing shows that it can be read: put a ticket there"
            )
            return False
        return True

    def _may_show(self, ticket: ListedTicket) -> bool:
        """Whether the list of what changed is one that a ticket stands in."""
        is_listed = self._description.changed.everywhere or self._is_here(ticket)
        return is_listed and not ticket.gone

    def _is_too_new(self, client: TicketClient, ticket: ListedTicket) -> bool:
        lag, now = self._description.changed.lag, client.asked.time or self._intake.now()
        return bool(lag) and ticket.updated > now - timedelta(seconds=2 * lag)

    def _blind(self, what: str) -> OwnFaultError:
        return fault(
            RestReason.BLIND,
            f"{what} {self.queue.name!r}, and the list of what changed there does not show it: "
            "may the account still see all of the queue, and is its time zone UTC?",
        )

    def _tell_once(self, what: str) -> None:
        if not self._told:
            self._told = True
            self._intake.trouble(Component.TICKETS, RestReason.BLIND, what)

    async def _since_then(self, client: TicketClient, since: datetime) -> list[str]:
        return [ticket.id for ticket in (await self._page(client, since)).tickets]


async def changed_since(
    client: TicketClient,
    description: Description,
    queue: WatchedQueue,
    since: datetime,
    now: datetime,
    more: Mapping[str, str] | None = None,
) -> ListedPage:
    """Tickets that changed in a queue, or everywhere if that is how they are listed.

    ``now`` is our time, for a system that does not tell its own. Raises OwnFaultError.
    """
    listing = description.changed
    # by the clock of the system, if it tells it: its times are compared with each other
    age = max(0, math.ceil(((client.asked.time or now) - since).total_seconds())) + 1
    names = {**_of(description, queue), **_times(since, age)}
    more = first_page(listing.paging) if more is None else more
    answer = await (client.once if listing.everywhere else client.ask)(listing, names, more)
    try:
        raw = listed(answer, listing) if answer is not None else []
        tickets = [listed_ticket(item, description.ticket, queue.name) for item in raw]
    except ValueError as error:
        raise fault(RestReason.GARBAGE, f"the list of what changed in {queue.name!r}: {error}") from error
    if not listing.everywhere:
        tickets = [ticket for ticket in tickets if is_here(ticket, queue, description)]
    tickets.sort(key=lambda ticket: ticket.updated)
    first, last = (tickets[0].updated, tickets[-1].updated) if tickets else (since, since)
    return ListedPage(tickets, first, last, next_page(listing.paging, more, answer, raw))


async def shown_at_all(client: TicketClient, description: Description, queue: WatchedQueue, now: datetime) -> list[str]:
    """Some tickets that a queue shows, whenever they changed. Raises OwnFaultError."""
    listing = description.changed.shows
    if listing is None:
        page = await changed_since(client, description, queue, _LONG_AGO, now)
        return [ticket.id for ticket in page.tickets if queue.is_called(ticket.queue)]
    names = _of(description, queue)
    try:
        answer = await client.ask(listing, names, first_page(listing.paging))
        raw = listed(answer, listing) if answer is not None else []
        return [listed_ticket(item, description.ticket, queue.name).id for item in raw]
    except ValueError as error:
        raise fault(RestReason.GARBAGE, f"the list of what is in {queue.name!r}: {error}") from error


def _of(description: Description, queue: WatchedQueue) -> dict[str, str]:
    """By which names a queue is asked for."""
    none_is = description.queues.none_is if description.queues is not None else ""
    return {"queue": queue.name, "queueid": queue.ident or none_is}


def is_here(ticket: ListedTicket, queue: WatchedQueue, description: Description) -> bool:
    """Whether a ticket is in a queue; or, where whoever takes one takes it out of its queue, may have been."""
    return queue.is_called(ticket.queue) or (description.ticket.leaves and not ticket.queue)


def _times(since: datetime, age: int) -> dict[str, str]:
    """A time in each of the ways that a system may want it; ``age`` is how many seconds ago it was."""
    return {
        "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time": since.strftime("%Y-%m-%d %H:%M:%S"),
        "epoch": str(math.floor(since.timestamp())),
        "age": str(age),
        "minutes": str(math.ceil(age / 60)),
    }


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
