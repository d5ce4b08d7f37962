"""What stands in an answer, by the paths of a description. Pure; every answer is foreign, and may be anything."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canary.queues.rest.answers import UnlikeDescriptionError, at, items, moment, word
from canary.queues.tickets.description import ActRule, History, TicketFields
from canary.queues.tickets.interface import Listing

_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket, as a list of them shows it.

    ``queue`` is the name or the id of one, ``number`` what people call it; one that is ``gone`` is in no list any more.
    """

    id: str
    subject: str
    queue: str
    status: str
    created: datetime
    updated: datetime
    number: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What was done once with the ticket ``ticket``, by whom; ``means`` is what that is, None if nothing to us.

    ``machine`` is whether the system says that no person did it.
    """

    id: str
    ticket: str
    at: datetime
    by: str
    means: str | None
    old: str = ""
    new: str = ""
    machine: bool = False


def listed(answer: Any, listing: Listing) -> list[Any]:
    """What is listed, or the single thing that is told, if any. Raises UnlikeDescriptionError if there is no list."""
    found = at(answer, listing.items)
    if found is None and listing.is_empty(answer):
        return []
    return [found] if listing.single else items(answer, listing.items)


def listed_ticket(item: Any, fields: TicketFields, queue: str = "") -> ListedTicket:
    """A ticket in an answer; ``queue`` is where it is if it does not say so. Raises UnlikeDescriptionError."""
    ident = _id(item, fields.id)
    created, updated = moment(item, fields.created), moment(item, fields.updated)
    subject = word(item, fields.subject)
    number, status = (word(item, path) if path else "" for path in (fields.number, fields.status))
    where = word(item, fields.queue) if fields.queue else queue
    gone = any(_has(item, {path: words}) for path, words in fields.gone.items())
    return ListedTicket(ident, subject, where, status, created, updated, number, gone)


def entries(item: Any, fields: History, ticket: str) -> Iterator[Act]:
    """What an entry of a ticket's history says was done. Raises UnlikeDescriptionError."""
    if fields.single and at(item, fields.at) is None:
        return  # it tells when something was done that was not done yet
    if fields.each is None:
        yield _act(item, fields, ticket)
        return
    for one in items(item, fields.each):
        if not isinstance(one, dict):
            raise UnlikeDescriptionError(f"got {type(one).__name__} in {fields.each}, want an object")
        yield _act({**item, **one}, fields, ticket)


def _act(item: Any, fields: History, ticket: str) -> Act:
    words = {name: _word(item, getattr(fields, name)) for name in ("kind", "what", "old", "new")}
    rule = next((rule for rule in fields.acts if _fits(rule, words) and _has(item, rule.having)), None)
    means = None if rule is None or rule.means == "nothing" else rule.means
    if rule is not None:
        words |= {"old": _word(item, rule.old_at or fields.old), "new": _word(item, rule.new_at or fields.new)}
    of = _word(item, fields.ticket) or ticket
    by, when = _word(item, fields.by), moment(item, fields.at)
    machine = any(_has(item, {path: kinds}) for path, kinds in fields.robot.items())
    return Act(_id(item, fields.id), of[:_LONGEST_ID], when, by, means, words["old"], words["new"], machine)


def content(answer: Any, path: str | None, encoding: str) -> bytes:
    """What is in a part of a message; nothing if it is not told. Raises UnlikeDescriptionError."""
    found = at(answer, path)
    text = found if isinstance(found, str) else ""
    if encoding == "text":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text)
    except ValueError:
        raise UnlikeDescriptionError(f"got no Base64 at {path}, want that") from None


def _word(item: Any, path: str | None) -> str:
    return word(item, path) if path else ""


def _fits(rule: ActRule, words: dict[str, str]) -> bool:
    wanted = ((words[name], getattr(rule, name)) for name in words)
    return all(some is None or _is_one_of(said, some) for said, some in wanted)


def _has(item: Any, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    return all(_is_one_of(word(item, path), some) for path, some in wanted.items())


def _is_one_of(said: str, some: tuple[str, ...]) -> bool:
    return said.casefold() in map(str.casefold, some)


def _id(item: Any, path: str) -> str:
    found = word(item, path, _LONGEST_ID)
    if not found:
        raise UnlikeDescriptionError(f"got nothing at {path}, want what it is called by")
    return found
