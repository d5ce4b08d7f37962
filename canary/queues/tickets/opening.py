"""What is asked of one ticket: its history, and its first message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.budgets import HEADER, MESSAGE
from canary.content import Ticket
from canary.model import Attachment, OwnFaultError
from canary.queues.imap.headers import message_id
from canary.queues.rest.answers import at, items, word
from canary.queues.rest.faults import RestReason
from canary.queues.tickets.answers import Act, ListedTicket, content, entries, listed_ticket
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.description import Description, FirstMessage, History, PartContent, Parts
from canary.queues.tickets.faults import fault
from canary.queues.tickets.story import Opening

_LONGEST_HEADERS = HEADER.received or 0


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A part of a first message. What is in it is asked for by ``content``, or is the ``text`` if that is None."""

    id: str
    media_type: str
    name: str
    headers: str
    content: PartContent | None
    text: str

    @property
    def is_text(self) -> bool:
        """Whether it is what a person reads."""
        return self.media_type.lower().startswith("text/") and not self.name


def openings(history: list[Act]) -> list[Act]:
    """The entries that made the ticket, and those that are merged into it."""
    return [act for act in history if act.means == "created"]


def headers_of(parts: list[MessagePart]) -> str:
    """The headers of the message: those of its first part that has some."""
    return next((part.headers for part in parts if part.headers), "")


async def history_of(client: TicketClient, description: Description, ticket: ListedTicket) -> list[Act]:
    """What was done with a ticket; that it was made, too, where the system does not tell that as something done.

    Raises ValueError for what the description does not say.
    """
    acts = [act for fields in description.history for act in await _acts(client, fields, ticket)]
    if any(act.means == "created" for act in acts):
        return acts
    return [Act(ticket.id, ticket.id, ticket.created, "", "created"), *acts]


async def _acts(client: TicketClient, fields: History, ticket: ListedTicket) -> list[Act]:
    pages = client.pages(fields, {"ticket": ticket.id})
    acts = [act async for page in pages for item in page for act in entries(item, fields, ticket.id)]
    return [act for act in acts if act.means is not None][:1] if fields.first else acts


async def parts_of(client: TicketClient, description: Description, opened: Act) -> list[MessagePart]:
    """The parts of a first message, as far as they are told at once. Raises ValueError, too."""
    names = {"ticket": opened.ticket, "entry": opened.id}
    found = []
    for message in description.message:
        async for page in client.pages(message.parts, names):
            for item in page[:1] if message.parts.first else page:
                found.append(_part(item, message))
                MESSAGE.hold(number=len(found))
            if message.parts.first:
                break
    return found


def _part(item: Any, message: FirstMessage) -> MessagePart:
    fields = message.parts
    ident, media_type, name = (word(item, path) if path else "" for path in (fields.id, fields.media_type, fields.name))
    text = at(item, fields.text) if fields.text else ""
    return MessagePart(
        ident,
        media_type or fields.type,
        name,
        _headers(item, fields),
        message.content,
        text if isinstance(text, str) else "",
    )


def _headers(item: Any, fields: Parts) -> str:
    if fields.headers:
        return word(item, fields.headers, _LONGEST_HEADERS)
    ident = word(item, fields.message_id).strip("<> \r\n") if fields.message_id else ""
    return f"Message-ID: <{ident}>" if ident else ""


async def content_of(client: TicketClient, opened: Act, part: MessagePart) -> bytes:
    """What is in a part. Raises ValueError, too."""
    fields, names = part.content, {"ticket": opened.ticket, "entry": opened.id, "part": part.id}
    if fields is None:
        return part.text.encode("utf-8", "replace")
    if fields.encoding == "raw":
        return await client.raw(fields, names) or b""
    answer = await client.ask(fields, names)
    if fields.items and fields.id:
        answer = next((item for item in items(answer, fields.items) if word(item, fields.id) == part.id), None)
    return content(answer, fields.content, fields.encoding)


async def opening_of(client: TicketClient, opened: Act, parts: list[MessagePart]) -> Opening:
    """All of a first message, without the HTML that says the same as its plain text. Raises ValueError, too."""
    texts, others, files, received = list[str](), list[str](), list[Attachment](), 0
    for part in parts:
        if part.media_type.lower().startswith("multipart/"):
            continue
        raw = await content_of(client, opened, part)
        received += len(raw)
        MESSAGE.hold(received=received)
        if part.is_text:
            plain = part.media_type.lower().startswith("text/plain")
            (texts if plain else others).append(raw.decode(errors="replace"))
        else:
            files.append(Attachment(part.name or "unnamed", part.media_type, raw))
    header = headers_of(parts).encode("utf-8", "replace")
    return Opening(opened, message_id(header), Ticket("\n".join(texts or others), tuple(files)), header)


async def one(client: TicketClient, description: Description, ident: str, queue: str = "") -> ListedTicket | None:
    """What is told for the number of a ticket: another one where it was merged, None if none may be seen.

    ``queue`` is where it is if it does not say so.
    """
    try:
        found = at(await client.ask(description.one, {"ticket": ident}), description.one.at)
        return None if found is None else listed_ticket(found, description.ticket, queue)
    except ValueError as error:
        raise fault(RestReason.GARBAGE, f"ticket {ident}: {error}") from error
    except OwnFaultError as error:
        if error.reason == RestReason.FORBIDDEN:
            return None
        raise
