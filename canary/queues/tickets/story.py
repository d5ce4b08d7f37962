"""What the history of a ticket says of one report: where it came to, and what was done with it there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from canary.content import Ticket
from canary.model import Actor, Forgery, Place, Seen, TimeSource
from canary.queues import Found
from canary.queues.tickets.answers import Act, ListedTicket


@dataclass(frozen=True, slots=True)
class Tale:
    """What is needed to tell it.

    ``places`` are the queues that are watched, by the name and by the id that the system has for each; ``machines``
    are accounts that are no people. ``resolution`` is in seconds: what times are cut off to. ``elsewhere`` is what
    every other queue is, None if nothing is to be told of those. ``ends`` are statuses that are the end of a ticket.
    """

    places: Mapping[str, Place]
    machines: frozenset[str]
    resolution: float
    elsewhere: Place | None = None
    ends: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Opening:
    """The first message of a ticket: the entry that made it, its Message-ID, all that is in it, its header if told."""

    entry: Act
    message_id: str | None
    content: Ticket
    header: bytes = b""


def told(
    tale: Tale, ticket: ListedTicket, history: Iterable[Act], opening: Opening, ours: Mapping[str, Forgery | None]
) -> list[Found]:
    """What was seen of the report that opened a ticket, in the order of time, for each probe that it belongs to."""
    acts = list(_own(sorted(history, key=lambda entry: entry.at), ticket, opening.entry))
    found: list[Found] = []
    for act, queue in _in_queues(acts, ticket, opening.entry):
        place = tale.places.get(queue, tale.elsewhere if queue else None)
        seen = _seen(tale, act, opening.entry)
        if place is not None and seen is not None:
            found += (_found(tale, act, place, seen, opening, probe, forgery) for probe, forgery in ours.items())
    return found


def _own(history: Iterable[Act], ticket: ListedTicket, opened: Act) -> Iterator[Act]:
    """What was done with the ticket that was opened so; from when it was merged on, with the one that it is in."""
    merged = False
    for entry in history:
        of_this = entry.ticket == opened.ticket
        of_the_other = merged and entry.ticket == ticket.id and entry.means != "created"
        of_its_own = of_this and not merged and (entry.means != "created" or entry.id == opened.id)
        if of_its_own or of_the_other:
            yield entry
        merged = merged or (of_this and entry.means == "merged" and ticket.id != opened.ticket)


def _in_queues(acts: list[Act], ticket: ListedTicket, opened: Act) -> Iterator[tuple[Act, str]]:
    """Each act with the queue that the ticket was in by then, by its name or id."""
    is_merged = ticket.id != opened.ticket
    moves = [act.old for act in acts if act.means in ("moved", "taken")]
    queue = moves[0] if moves else "" if is_merged else ticket.queue
    for act in acts:
        if act.means == "moved":
            queue = act.new
        elif act.means == "merged" and is_merged and not moves:
            # where it was before is told nowhere: what is known is that it is where the other one is
            queue = ticket.queue
            yield opened_at(act, opened), queue
        yield act, queue


def opened_at(act: Act, opened: Act) -> Act:
    """A ticket that came to where another one is, by being merged into it."""
    return Act(act.id, opened.ticket, act.at, act.by, "moved")


def _seen(tale: Tale, act: Act, opened: Act) -> Seen | None:
    """What an act shows. Whoever wrote the report answers and takes nothing; a rule may close it in his name."""
    by_human = _actor(tale, act, opened) is Actor.HUMAN
    if act.means == "picked_up" and act.new.casefold() in tale.ends:
        return Seen.CLOSED
    match act.means:
        case "created" | "moved":
            return Seen.REPORT
        case "merged" | "picked_up" | "taken":
            return Seen.PICKED_UP if by_human else None
        case "answered":
            return Seen.ANSWER if by_human else Seen.ACKNOWLEDGEMENT if act.by != opened.by else None
        case "closed":
            return Seen.CLOSED
    return None


def _actor(tale: Tale, act: Act, opened: Act) -> Actor | None:
    """Who did it; None if the system does not say who."""
    if act.machine or act.by.casefold() in tale.machines:
        return Actor.MACHINE
    if not act.by:
        return None
    return Actor.MACHINE if act.by == opened.by else Actor.HUMAN


def _found(
    tale: Tale, act: Act, place: Place, seen: Seen, opening: Opening, probe: str, forgery: Forgery | None
) -> Found:
    is_report, ticket = seen is Seen.REPORT, opening.entry.ticket
    half = tale.resolution / 2
    return Found(
        seen,
        probe,
        place,
        act.at + timedelta(seconds=half),  # cut off: it was in the middle, give or take half of it
        TimeSource.RECORD,
        half,
        opening.content if is_report else None,
        None if is_report else _actor(tale, act, opening.entry),
        opening.message_id,  # of what is done with it, too: else that is taken for done with another message
        forgery=forgery,
        detail=_detail(act, ticket),
        where=ticket if is_report else f"{ticket}/{act.id}",
        header=opening.header if is_report else b"",
    )


def _detail(act: Act, ticket: str) -> str:
    words = {"created": "opened", "picked_up": "taken or worked on", "moved": "moved into this queue"}
    how = words.get(act.means or "", act.means or "")
    new = f" as {act.new[:40]}" if act.means == "closed" and act.new else ""
    return f"ticket {ticket[:40]}: {how}{new}"
