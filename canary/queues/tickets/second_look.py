"""Looks once more for what no list shows: a report that is not found yet, and a ticket of ours that may be deleted.

Lists come first. What is still sought a while later is asked for by its mark, where the system can; of a ticket that is
ours it is asked whether it changed, since one that is deleted is in no list any more.
"""

from __future__ import annotations

from canary.budgets import TICKETS_SOUGHT
from canary.clock import Clock
from canary.model import Place
from canary.queues import Intake
from canary.queues.rest.again import Again
from canary.queues.rest.answers import word
from canary.queues.rest.faults import RestReason
from canary.queues.rest.together import Together
from canary.queues.tickets.answers import listed
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.faults import fault
from canary.queues.tickets.opening import one
from canary.queues.tickets.reading import TicketReader

_POLLS_BEFORE = 3
"""Looks at the lists before it is asked a second time, at least."""


class SecondLook:
    """What is sought in one ticket system, with when it is to be asked for again."""

    def __init__(
        self,
        watch: str,
        places: tuple[Place, ...],
        intake: Intake,
        tickets: TicketReader,
        poll: float,
        clock: Clock,
    ) -> None:
        self._intake, self._description, self._tickets = intake, tickets.description, tickets
        self._ours = Together(intake, watch)
        self._again = Again(places, _POLLS_BEFORE * poll, clock, TICKETS_SOUGHT)

    async def look(self, client: TicketClient) -> None:
        """Ask for what is due of what is sought, the longest due first. Raises OwnFaultError."""
        with self._ours.look():
            for mark in self._again.due(self._intake):
                if client.asked.enough:
                    return
                self._again.searched(mark)
                await self._ask(client, mark)

    async def _ask(self, client: TicketClient, mark: str) -> None:
        known = self._tickets.ours.get(self._intake.keys.read(mark).probe)
        ident = known[0] if known else await self._found(client, mark)
        ticket = await one(client, self._description, ident) if ident else None
        if ticket is None or (known and known == (ticket.id, ticket.updated)):
            return
        self._ours.add(await self._tickets.read(client, ticket, texts=True))

    async def _found(self, client: TicketClient, mark: str) -> str:
        """The number of the ticket that was opened by a message with this mark; "" if none is told."""
        found = mark
        for step in self._description.find:
            answer = await client.ask(step, {"mark": mark, "found": found})
            try:
                there = [] if answer is None else listed(answer, step)
            except ValueError as error:
                raise fault(RestReason.GARBAGE, f"what is found by a mark: {error}") from error
            found = next((word(item, step.gives) for item in there), "")
            if not found:
                return ""
        return found if self._description.find else ""
