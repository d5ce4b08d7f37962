"""What would be read of a ticket, for the operator who names one: words about it, and none of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from canary.queues.rest.faults import RestReason
from canary.queues.tickets.answers import Act, ListedTicket
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.description import Description
from canary.queues.tickets.faults import fault
from canary.queues.tickets.opening import MessagePart, headers_of, history_of, one, opening_of, openings, parts_of
from canary.queues.tickets.story import Opening

_MOST = 200
"""Entries of a history that are shown, the first."""


async def shown(
    client: TicketClient, description: Description, ident: str, names: Mapping[str, str], watched: Collection[str]
) -> str:
    """A ticket as the description has it read, in lines; ``names`` are those of the queues by id.

    Raises OwnFaultError, also where none is told.
    """
    try:
        ticket = await one(client, description, ident)
        if ticket is None:
            raise fault(RestReason.FORBIDDEN, f"there is no ticket {ident} that the account may see")
        history = await history_of(client, description, ticket)
        lines = list(_ticket(ticket, ident, names.get(ticket.queue, ticket.queue), watched))
        lines += [_entry(act) for act in history[:_MOST]]
        for opened in openings(history):
            parts = await parts_of(client, description, opened)
            lines += _message(await opening_of(client, opened, parts), parts)
    except ValueError as error:
        raise fault(RestReason.GARBAGE, f"ticket {ident}: {error}") from error
    return "\n".join(lines)


def _ticket(ticket: ListedTicket, asked: str, queue: str, watched: Collection[str]) -> Iterator[str]:
    is_watched = "watched" if queue in watched else "not watched"
    merged = f", which {asked} was merged into" if asked not in (ticket.id, ticket.number) else ""
    yield f"ticket {ticket.number or ticket.id}{merged}: {ticket.status} in {queue} ({is_watched})"
    yield f"  opened {ticket.created:%Y-%m-%d %H:%M:%S} UTC, last changed {ticket.updated:%Y-%m-%d %H:%M:%S} UTC"


def _entry(act: Act) -> str:
    change = f" ({act.old} -> {act.new})" if act.old or act.new else ""
    return f"  {act.at:%Y-%m-%d %H:%M:%S} by {act.by or 'nobody'}: {act.means or 'nothing to us'}{change}"


def _message(opening: Opening, parts: list[MessagePart]) -> Iterator[str]:
    files = [f"{file.name} ({file.media_type}, {len(file.content)} bytes)" for file in opening.content.files]
    headers = len(headers_of(parts).splitlines())
    yield f"  first message: {headers} lines of headers, Message-ID {opening.message_id or 'not told'}"
    yield f"  text of {len(opening.content.text)} characters; files: {', '.join(files) or 'none'}"
