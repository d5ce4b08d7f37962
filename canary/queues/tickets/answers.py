"""What stands in an answer, by the paths of a description. Pure; every answer is foreign, and may be anything."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from canary.model import CanaryError
from canary.queues.tickets.description import ActRule, History, TicketFields

_LONGEST_ID = 200
_LONGEST_WORD = 1000


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket, as a list of them shows it. ``queue`` is the name or the id of one."""

    id: str
    subject: str
    queue: str
    status: str
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """What was done once with the ticket ``ticket``, by whom; ``means`` is that is, None if nothing to us."""

    id: str
    ticket: str
    at: datetime
    by: str
    means: str | None
    old: str = ""
    new: str = ""


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
    """The text or number at a path, as text, cut; "" if there is none."""
    found = at(answer, path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found)[:longest]


def items(answer: Any, path: str | None) -> list[Any]:
    """The list at a path. Raises UnlikeDescriptionError if there is none."""
    found = at(answer, path)
    if not isinstance(found, list):
        raise UnlikeDescriptionError(f"got {type(found).__name__} at {path or 'the top'}, want a list")
    return found


def moment(answer: Any, path: str) -> datetime:
    """The time at a path, aware, UTC; one without a zone is UTC. Raises UnlikeDescriptionError."""
    text = word(answer, path, 60)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnlikeDescriptionError(f"got {text!r} at {path}, want a time as ISO 8601") from None


def listed_ticket(item: Any, fields: TicketFields) -> ListedTicket:
    """A ticket in an answer. Raises UnlikeDescriptionError."""
    ident = _id(item, fields.id)
    created, updated = moment(item, fields.created), moment(item, fields.updated)
    subject, queue, status = (word(item, path) for path in (fields.subject, fields.queue, fields.status))
    return ListedTicket(ident, subject, queue, status, created, updated)


def entry(item: Any, fields: History, acts: tuple[ActRule, ...], ticket: str) -> Act:
    """An entry of a ticket's history. Raises UnlikeDescriptionError."""
    words = {name: word(item, getattr(fields, name)) for name in ("kind", "what", "old", "new")}
    means = next((rule.means for rule in acts if _fits(rule, words)), None)
    of = word(item, fields.ticket, _LONGEST_ID) if fields.ticket else ticket
    by, when = word(item, fields.by), moment(item, fields.at)
    return Act(_id(item, fields.id), of or ticket, when, by, means, words["old"], words["new"])


def content(answer: Any, path: str, encoding: str) -> bytes:
    """What is in a part of a message; nothing if it is not told. Raises UnlikeDescriptionError."""
    found = at(answer, path)
    text = found if isinstance(found, str) else ""
    if encoding == "text":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text)
    except ValueError:
        raise UnlikeDescriptionError(f"got no Base64 at {path}, want that") from None


def _fits(rule: ActRule, words: dict[str, str]) -> bool:
    wanted = ((words[name], getattr(rule, name)) for name in words)
    return all(some is None or said.casefold() in map(str.casefold, some) for said, some in wanted)


def _id(item: Any, path: str) -> str:
    found = word(item, path, _LONGEST_ID)
    if not found:
        raise UnlikeDescriptionError(f"got nothing at {path}, want what it is called by")
    return found
