"""Reads one ticket: whose it is by its first message, and if it is ours, all that is needed to tell what became of it.

A stranger's ticket is read only as far as it takes to know that it is none of ours: its history, and the headers of its
first message; the text only where something is sought whose mark may stand in none of them. All of that is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from canary.budgets import TICKETS_REMEMBERED
from canary.mark import Mark
from canary.model import Forgery, Seen, TimeSource
from canary.queues import Found, Intake
from canary.queues.claims import claims
from canary.queues.imap.headers import marks_in
from canary.queues.tickets.answers import Act, ListedTicket
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.description import Description
from canary.queues.tickets.opening import (
    MessagePart,
    content_of,
    headers_of,
    history_of,
    opening_of,
    openings,
    parts_of,
)
from canary.queues.tickets.story import Tale, told

T = TypeVar("T")
_SETTLES = timedelta(seconds=10)
"""For so long after a ticket was made its own rules put it where it belongs."""


def keep(kept: dict[str, T], key: str, value: T) -> None:
    """Keep something in mind, and forget the oldest of too many."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > (TICKETS_REMEMBERED.number or 0):
        del kept[next(iter(kept))]


class TicketReader:
    """Reads tickets of one system, for one intake.

    ``ours`` tells by probe the ticket of its report, and when that had last changed when it was read.
    """

    def __init__(self, description: Description, tale: Tale, intake: Intake) -> None:
        self.description, self._tale, self._intake = description, tale, intake
        self._strangers: dict[str, None] = {}
        self.ours: dict[str, tuple[str, datetime]] = {}

    async def read(self, client: TicketClient, ticket: ListedTicket, *, texts: bool) -> list[Found]:
        """What is ours of a ticket. ``texts`` says whether a mark may stand in the text alone."""
        history = await history_of(client, self.description, ticket)
        found: list[Found] = []
        for opened in openings(history):
            key = f"{opened.ticket}/{opened.id}/{texts}"
            if key in self._strangers:
                continue
            ours, parts = await self._whose(client, ticket, opened, texts=texts)
            if not ours:
                keep(self._strangers, key, None)
                continue
            opening = await opening_of(client, opened, parts)
            told_of = told(self._tale, ticket, history, opening, ours)
            found += told_of if self._tells_when(ticket) else map(self._noticed, told_of)
            for probe in (probe for probe, forgery in ours.items() if forgery is None):
                keep(self.ours, probe, (ticket.id, ticket.updated))
        return found

    def _tells_when(self, ticket: ListedTicket) -> bool:
        """Whether the ticket came to where it is when it was made, or it is told when it did."""
        return self.description.moves or ticket.updated - ticket.created <= _SETTLES

    def _noticed(self, found: Found) -> Found:
        """A report that came to where it is at a time that is told nowhere, before now."""
        if found.seen is not Seen.REPORT:
            return found
        return replace(found, arrived_at=self._intake.now(), source=TimeSource.NOTICED, uncertainty=0.0)

    async def _whose(
        self, client: TicketClient, ticket: ListedTicket, opened: Act, *, texts: bool
    ) -> tuple[Mapping[str, Forgery | None], list[MessagePart]]:
        """The probes that a first message belongs to, and its parts as far as they were read."""
        keys, parts = self._intake.keys, await parts_of(client, self.description, opened)
        known = f"Subject: {ticket.subject}\r\n{headers_of(parts)}".encode("utf-8", "replace")
        marks: list[Mark] = marks_in(keys, known)
        if not any(mark.genuine for mark in marks) and texts:
            for part in parts:
                if part.is_text:
                    text = await content_of(client, opened, part)
                    marks += keys.find(text.decode(errors="replace"))
        return claims(sorted(marks, key=lambda mark: not mark.genuine), self._intake), parts
