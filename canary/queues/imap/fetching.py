"""Fetches parts of messages; one that is not given out, or not in words that can be read, keeps us from no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from canary.budgets import HEADER, IMAP_ANSWER, IMAP_CONTENT, IMAP_PASSED_OVER, IMAP_STRUCTURES, MESSAGE, MIB, Budget
from canary.mail.words import plain
from canary.queues.imap.connection import Connection
from canary.queues.imap.faults import is_refusal
from canary.queues.imap.headers import section

MESSAGES_AT_ONCE = 200
BODIES_AT_ONCE = 8 * MIB
"""Bytes of messages fetched in one command, at least one message."""
_DEEPEST = 100
_CONTINUATION = re.compile(rb"(?i)(?:file)?name\*[0-9]+\*?")
"""The name of one piece of an attachment's name (RFC 2231 section 3)."""

T = TypeVar("T")
Refused = Callable[[int, Exception | None], None]
"""Is told the UID of a message that could not be fetched, and why; None where the server left it out in silence."""
_Data = Mapping[bytes, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A message by its header. ``internal`` is when the server stored it, UTC; ``size`` is in bytes."""

    uid: int
    internal: datetime | None
    size: int
    header: bytes = field(repr=False)


def headers(connection: Connection, uids: Sequence[int], refused: Refused) -> dict[int, Listed]:
    """The messages by UID, without those that are gone, or that cannot be fetched."""
    items = ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{HEADER.received}>"]
    found: dict[int, Listed] = {}
    told = set[int]()

    def refuse(uid: int, why: Exception | None) -> None:
        told.add(uid)
        refused(uid, why)

    for uid, data in _each(connection, uids, items, IMAP_CONTENT, refuse):
        size, header = _number(data.get(b"RFC822.SIZE")), section(data, b"BODY[HEADER]")
        found[uid] = Listed(uid, internal_date(data), size, header)
    for uid in set(uids) - set(found) - told:  # it is gone, or it will be there in a moment
        refused(uid, None)
    return found


def stored_at(connection: Connection, uid: int) -> datetime | None:
    """When the server stored a message; None where it does not say so."""
    told = dict(_each(connection, [uid], ["INTERNALDATE"], IMAP_ANSWER, lambda *_: None))
    return internal_date(told.get(uid, {}))


def bodies(connection: Connection, messages: Sequence[Listed], refused: Refused) -> Iterator[dict[int, bytes]]:
    """The messages, as far as they are read, some at a time.

    One that was moved or deleted a moment ago is left out: it is found where it went.
    """
    items = [f"BODY.PEEK[]<0.{MESSAGE.received}>"]
    for some in _by_size(messages):
        fetched = dict(_each(connection, some, items, IMAP_CONTENT, refused))
        yield {uid: raw for uid in some if (raw := section(fetched.get(uid, {}), b"BODY[]"))}


def beginnings(connection: Connection, uids: Sequence[int], length: int, refused: Refused) -> dict[int, bytes]:
    """The first ``length`` bytes of each message."""
    fetched = _each(connection, uids, [f"BODY.PEEK[]<0.{length}>"], IMAP_CONTENT, refused)
    return {uid: section(data, b"BODY[]") for uid, data in fetched}


def attachment_names(connection: Connection, uids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Every text in a message's BODYSTRUCTURE, attachment names among them, a line each.

    One whose structure cannot be parsed is passed over, for it may still be found by its text.
    """
    for batch in batches(uids, MESSAGES_AT_ONCE):
        for uid, data in _each(connection, batch, ["BODYSTRUCTURE"], IMAP_STRUCTURES, lambda *_: None):
            yield uid, "\n".join(_strings(data.get(b"BODYSTRUCTURE")))


def internal_date(data: _Data) -> datetime | None:
    """INTERNALDATE in UTC; None for one that makes no sense: whoever may APPEND may choose it."""
    found = data.get(b"INTERNALDATE")
    if not isinstance(found, datetime) or not 1990 <= found.year < 2200:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # a zone of more than a day
        return None


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _each(
    connection: Connection, uids: Sequence[int], items: list[str], budget: Budget, refused: Refused
) -> Iterator[tuple[int, _Data]]:
    """What is told of each message. Where the server refuses several, or their answer cannot be parsed, by halves.

    Raises the refusal where it is not about single messages: of very many in a row none is given out.
    """
    waiting, in_vain = [list(uids)], 0
    while waiting:
        some = waiting.pop()
        try:
            with connection.within(budget):
                answer = connection.fetch(some, items)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(some) > 1:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            in_vain += 1
            if in_vain > (IMAP_PASSED_OVER.number or 0):
                raise
            answer = _piece_by_piece(connection, some[0], items, budget, refused, error)
        in_vain = 0 if answer else in_vain
        # a server may tell of another message, whose flags have changed
        yield from ((uid, answer[uid]) for uid in some if uid in answer)


def _piece_by_piece(
    connection: Connection, uid: int, items: list[str], budget: Budget, refused: Refused, why: Exception
) -> dict[int, _Data]:
    """What one message tells item by item; nothing if the last one of them, which is what counts, is refused too."""
    told: dict[bytes, Any] = {}
    for item in items if len(items) > 1 else ():
        try:
            with connection.within(budget):
                told.update(connection.fetch([uid], [item]).get(uid, {}))
        except Exception as error:
            if not is_refusal(error):
                raise
            if item == items[-1]:
                break
    else:
        if told:
            return {uid: told}
    refused(uid, why)
    return {}


def _by_size(messages: Sequence[Listed]) -> Iterator[list[int]]:
    """The UIDs, as many at a time as have no more bytes than are fetched at once."""
    some, size = list[int](), 0
    for message in messages:
        size += message.size
        if some and size > BODIES_AT_ONCE:
            yield some
            some, size = [], message.size
        some.append(message.uid)
    if some:
        yield some


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, bytes):
        if not _CONTINUATION.fullmatch(value):  # so that the pieces of a long name are next to each other
            yield plain(value.decode("latin-1"))
    elif isinstance(value, tuple | list) and depth < _DEEPEST:
        for item in value:
            yield from _strings(item, depth + 1)
