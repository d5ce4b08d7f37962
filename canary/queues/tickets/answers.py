"""What stands in an answer, by the paths of a description. Pure; every answer is foreign, and may be anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from canary.model import CanaryError
from canary.queues.tickets.description import ActRule, History, Listing, TicketFields

_LONGEST_ID = 200
_LONGEST_WORD = 1000


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket, as a list of them shows it. ``queue`` is the name or the id of one, ``number`` what people call it."""

    id: str
    subject: str
    queue: str
    status: str
    created: datetime
    updated: datetime
    number: str = ""


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


class UnlikeDescriptionError(CanaryError, ValueError):
    """An answer is not what the description of its system says; the text says where."""


def parsed(content: bytes) -> Any:
    """An answer in JSON. Raises UnlikeDescriptionError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        began = content[:60].decode(errors="replace")
        raise UnlikeDescriptionError(f"got {began!r}, want JSON ({type(error).__name__})") from None


def at(answer: Any, path: str | None) -> Any:
    """What stands at a path; None if nothing does."""
    for step in path.split(".") if path else ():
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    return answer


def word(answer: Any, path: str | None, longest: int = _LONGEST_WORD) -> str:
    """The text, number or truth at a path, as text, cut; "" if there is none."""
    found = at(answer, path)
    if isinstance(found, bool):
        return str(found).lower()
    return str(found)[:longest] if isinstance(found, str | int | float) else ""


def items(answer: Any, path: str | None) -> list[Any]:
    """The list at a path. Raises UnlikeDescriptionError if there is none."""
    found = at(answer, path)
    if not isinstance(found, list):
        raise UnlikeDescriptionError(f"got {type(found).__name__} at {path or 'the top'}, want a list")
    return found


def listed(answer: Any, listing: Listing) -> list[Any]:
    """What is listed, or the single thing that is told, if any. Raises UnlikeDescriptionError if there is no list."""
    if not listing.single:
        return items(answer, listing.items)
    found = at(answer, listing.items)
    return [] if found is None else [found]


def moment(answer: Any, path: str) -> datetime:
    """The time at a path, aware, UTC: ISO 8601, where one without a zone is UTC, or seconds since 1970 as a number.

    Raises UnlikeDescriptionError.
    """
    said, text = at(answer, path), word(answer, path, 60)
    try:
        if isinstance(said, int):
            return datetime.fromtimestamp(said, UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise UnlikeDescriptionError(f"got {text!r} at {path}, want a time as ISO 8601, or in seconds") from None


def listed_ticket(item: Any, fields: TicketFields, queue: str = "") -> ListedTicket:
    """A ticket in an answer; ``queue`` is where it is if it does not say so. Raises UnlikeDescriptionError."""
    ident = _id(item, fields.id)
    created, updated = moment(item, fields.created), moment(item, fields.updated)
    subject = word(item, fields.subject)
    number, status = (word(item, path) if path else "" for path in (fields.number, fields.status))
    where = word(item, fields.queue) if fields.queue else queue
    return ListedTicket(ident, subject, where, status, created, updated, number)


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
