"""What is asked of one ticket: its history, and its first message."""

from __future__ import annotations

from dataclasses import dataclass

from canary.budgets import HEADER, MESSAGE
from canary.content import Ticket
from canary.model import Attachment, OwnFaultError
from canary.queues.imap.headers import message_id
from canary.queues.tickets.answers import Act, ListedTicket, at, content, entry, listed_ticket, word
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.description import Description
from canary.queues.tickets.faults import TicketReason, fault
from canary.queues.tickets.story import Opening

_LONGEST_HEADERS = HEADER.received or 0


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A part of a first message, without what is in it."""

    id: str
    media_type: str
    name: str
    headers: str

    @property
    def is_text(self) -> bool:
        """Whether it is what a person reads."""
        return self.media_type.lower().startswith("text/") and not self.name


def openings(history: list[Act], ticket: ListedTicket) -> list[Act]:
    """The entries that made the ticket, and those that are merged into it; made up where the history has none."""
    made = [act for act in history if act.means == "created"]
    return made or [Act(ticket.id, ticket.id, ticket.created, "", "created")]


def headers_of(parts: list[MessagePart]) -> str:
    """The headers of the message: those of its first part that has some."""
    return next((part.headers for part in parts if part.headers), "")


async def history_of(client: TicketClient, description: Description, ticket: ListedTicket) -> list[Act]:
    """What was done with a ticket. Raises ValueError for what the description does not say."""
    fields, acts = description.history, description.acts
    return [
        entry(item, fields, acts, ticket.id)
        async for page in client.pages(fields, {"ticket": ticket.id})
        for item in page
    ]


async def parts_of(client: TicketClient, description: Description, opened: Act) -> list[MessagePart]:
    """The parts of a first message, without what is in them. Raises ValueError, too."""
    fields = description.message.parts
    names = {"ticket": opened.ticket, "entry": opened.id}
    found = []
    async for page in client.pages(fields, names):
        for item in page:
            headers = word(item, fields.headers, _LONGEST_HEADERS) if fields.headers else ""
            media_type, name = (word(item, path) if path else "" for path in (fields.media_type, fields.name))
            found.append(MessagePart(word(item, fields.id), media_type, name, headers))
            MESSAGE.hold(number=len(found))
    return found


async def content_of(client: TicketClient, description: Description, opened: Act, part: MessagePart) -> bytes:
    """What is in a part. Raises ValueError, too."""
    fields = description.message.content
    answer = await client.ask(fields, {"ticket": opened.ticket, "entry": opened.id, "part": part.id})
    return content(answer, fields.content, fields.encoding)


async def opening_of(client: TicketClient, description: Description, opened: Act, parts: list[MessagePart]) -> Opening:
    """All of a first message, without the HTML that says the same as its plain text. Raises ValueError, too."""
    texts, others, files, received = list[str](), list[str](), list[Attachment](), 0
    for part in parts:
        if part.media_type.lower().startswith("multipart/"):
            continue
        raw = await content_of(client, description, opened, part)
        received += len(raw)
        MESSAGE.hold(received=received)
        if part.is_text:
            plain = part.media_type.lower().startswith("text/plain")
            (texts if plain else others).append(raw.decode(errors="replace"))
        else:
            files.append(Attachment(part.name or "unnamed", part.media_type, raw))
    ident = message_id(headers_of(parts).encode("utf-8", "replace"))
    return Opening(opened, ident, Ticket("\n".join(texts or others), tuple(files)))


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
