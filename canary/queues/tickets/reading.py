"""Reads one ticket: whose it is by its first message, and if it is ours, all that is needed to tell what became of it.

A stranger's ticket is read only as far as it takes to know that it is none of ours: its history, and the headers of its
first message; the text only where something is sought whose mark may stand in none of them. All of that is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from canary.budgets import HEADER, MESSAGE
from canary.content import Ticket
from canary.mark import Mark
from canary.model import Attachment, Forgery
from canary.queues import Found, Intake
from canary.queues.claims import claims
from canary.queues.imap.headers import marks_in, message_id
from canary.queues.tickets.answers import Act, ListedTicket, content, entry, word
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.description import Description
from canary.queues.tickets.story import Opening, Tale, told

_LONGEST_HEADERS = HEADER.received or 0


@dataclass(frozen=True, slots=True)
class _MessagePart:
    """A part of a first message, without what is in it."""

    id: str
    media_type: str
    name: str
    headers: str

    @property
    def is_text(self) -> bool:
        return self.media_type.lower().startswith("text/") and not self.name


def _opened(history: list[Act], ticket: ListedTicket) -> list[Act]:
    """The entries that made the ticket, and those that are merged into it; made up where the history has none."""
    made = [entry for entry in history if entry.means == "created"]
    return made or [Act(ticket.id, ticket.id, ticket.created, "", "created")]


def _headers(parts: list[_MessagePart]) -> str:
    """The headers of the message: those of its first part that has some."""
    return next((part.headers for part in parts if part.headers), "")


class TicketReader:
    """Reads tickets of one system, for one intake; ``strangers`` are the openings that are none of ours."""

    def __init__(self, description: Description, tale: Tale, intake: Intake, strangers: set[str]) -> None:
        self._description, self._tale, self._intake, self._strangers = description, tale, intake, strangers

    async def read(self, client: TicketClient, ticket: ListedTicket, *, texts: bool) -> list[Found]:
        """What is ours of a ticket. ``texts`` says whether a mark may stand in the text alone."""
        history = await self._history(client, ticket)
        found: list[Found] = []
        for opened in _opened(history, ticket):
            key = f"{opened.ticket}/{opened.id}/{texts}"
            if key in self._strangers:
                continue
            ours, parts = await self._whose(client, ticket, opened, texts=texts)
            if not ours:
                self._strangers.add(key)
                continue
            opening = await self._opening(client, opened, parts)
            found += told(self._tale, ticket, history, opening, ours)
        return found

    async def _history(self, client: TicketClient, ticket: ListedTicket) -> list[Act]:
        fields, acts = self._description.history, self._description.acts
        return [
            entry(item, fields, acts, ticket.id)
            async for page in client.pages(fields, {"ticket": ticket.id})
            for item in page
        ]

    async def _whose(
        self, client: TicketClient, ticket: ListedTicket, opened: Act, *, texts: bool
    ) -> tuple[Mapping[str, Forgery | None], list[_MessagePart]]:
        """The probes that a first message belongs to, and its parts as far as they were read."""
        keys, parts = self._intake.keys, await self._parts(client, opened)
        known = f"Subject: {ticket.subject}\r\n{_headers(parts)}".encode("utf-8", "replace")
        marks: list[Mark] = marks_in(keys, known)
        if not any(mark.genuine for mark in marks) and texts:
            for part in parts:
                if part.is_text:
                    marks += keys.find((await self._content(client, opened, part)).decode(errors="replace"))
        return claims(sorted(marks, key=lambda mark: not mark.genuine), self._intake), parts

    async def _parts(self, client: TicketClient, opened: Act) -> list[_MessagePart]:
        fields = self._description.message.parts
        names = {"ticket": opened.ticket, "entry": opened.id}
        found = []
        async for page in client.pages(fields, names):
            for item in page:
                headers = word(item, fields.headers, _LONGEST_HEADERS) if fields.headers else ""
                media_type, name = (word(item, path) if path else "" for path in (fields.media_type, fields.name))
                found.append(_MessagePart(word(item, fields.id), media_type, name, headers))
                MESSAGE.hold(number=len(found))
        return found

    async def _content(self, client: TicketClient, opened: Act, part: _MessagePart) -> bytes:
        fields = self._description.message.content
        answer = await client.ask(fields, {"ticket": opened.ticket, "entry": opened.id, "part": part.id})
        return content(answer, fields.content, fields.encoding)

    async def _opening(self, client: TicketClient, opened: Act, parts: list[_MessagePart]) -> Opening:
        """All of a message that is ours."""
        texts, files, received = list[str](), list[Attachment](), 0
        for part in parts:
            if part.media_type.lower().startswith("multipart/"):
                continue
            raw = await self._content(client, opened, part)
            received += len(raw)
            MESSAGE.hold(received=received)
            if part.is_text:
                texts.append(raw.decode(errors="replace"))
            else:
                files.append(Attachment(part.name or "unnamed", part.media_type, raw))
        ident = message_id(_headers(parts).encode("utf-8", "replace"))
        return Opening(opened, ident, Ticket("\n".join(texts), tuple(files)))
