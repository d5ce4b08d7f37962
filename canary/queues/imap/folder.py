"""Reads one folder of a mailbox: what is new in it, which of that is ours, and not a byte more.

Headers are looked at, the server searches bodies for the marks that are sought, and only what matches is fetched. So a
stranger's body never leaves the server, and nothing is ever marked as read (BODY.PEEK in a folder opened by EXAMINE).
"""

from __future__ import annotations

import imaplib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, TypeVar

from canary.content import Message
from canary.mark import Mark, halves
from canary.model import Depth, Place, Seen
from canary.queues import Found, Intake
from canary.queues.claims import claims
from canary.queues.imap.connection import Connection
from canary.queues.imap.headers import arrival, marks_in, message_id, server_time
from canary.queues.loop import StoppedError

HEADERS_AT_ONCE = 200
BODIES_AT_ONCE = 16 * 1024 * 1024
"""Bytes of messages fetched in one command, at least one message."""
_LONGEST_HEADER = 256 * 1024
_LONGEST_MESSAGE = 64 * 1024 * 1024
_SOUGHT_AT_ONCE = 40
_LOOK_BACK = timedelta(days=2)
"""How far back a folder is read that was never read before, or was made anew (UIDVALIDITY)."""
_DEEPEST = 100
_CONTINUATION = re.compile(rb"(?i)(?:file)?name\*[0-9]+\*?")
"""The name of one piece of an attachment's name (RFC 2231 section 3)."""
_STATUS = ("UIDVALIDITY", "UIDNEXT")

T = TypeVar("T")
Classify = Callable[[bytes], tuple[Seen, str]]
"""What a message of ours is, and a detail for people."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder by its name on the server, and the queue that it is."""

    folder: str
    place: Place


@dataclass(frozen=True, slots=True)
class _Listed:
    uid: int
    internal: datetime | None
    size: int
    header: bytes = field(repr=False)


class FolderReader:
    """Knows where it stands in one folder; the connection is lent to each call."""

    def __init__(self, mailbox: str, watched: Watched, intake: Intake, classify: Classify) -> None:
        self.name = f"{mailbox}/{watched.folder}"
        self.folder, self._place = watched.folder, watched.place
        self._intake, self._classify = intake, classify
        self._cursor = dict(intake.cursor(self.name) or {})
        self._status: dict[bytes, int] = {}
        self._read_at: datetime | None = None

    def glance(self, connection: Connection) -> None:
        """Ask the server whether anything moved since the last time, and read only then."""
        at = self._intake.now()
        status = connection.status(self.folder, _STATUS)
        if status == self._status:
            self._intake.looked(self._place.queue, at)
            self._read_at = at
            return
        self.read(connection)
        self._status = status

    def read(self, connection: Connection, *, again: bool = False, count: bool = False) -> None:
        """Read to the end. ``again`` opens the folder anew, ``count`` tells how full it is too."""
        at = self._intake.now()
        folder = connection.examine(self.folder, again=again)
        validity = folder["uidvalidity"]
        if self._cursor.get("uidvalidity") != validity:
            self._read_at = None
            uids = sorted(connection.search(["SINCE", (at - _LOOK_BACK).date()]))
            if not uids:
                self._hand_in([], validity, folder["uidnext"] - 1)
        else:
            last = int(self._cursor["uid"])
            # "n:*" means the last message if there is none from n on (RFC 3501 section 6.4.8)
            uids = sorted(uid for uid in connection.search(["UID", f"{last + 1}:*"]) if uid > last)
        for batch in _batches(uids, HEADERS_AT_ONCE):
            self._hand_in(self._find(connection, batch, validity), validity, batch[-1])
        self._intake.looked(self._place.queue, at, self._depth(connection) if count else None)
        self._read_at = at

    def _hand_in(self, found: list[Found], validity: int, uid: int) -> None:
        cursor: dict[str, str | int | float] = {"uidvalidity": validity, "uid": uid}
        self._intake.hand_in(self.name, found, cursor)
        self._cursor = cursor

    def _find(self, connection: Connection, uids: Sequence[int], validity: int) -> list[Found]:
        """What of these messages is ours, or claims to be."""
        found: list[Found] = []
        genuine: dict[int, list[Mark]] = {}
        others: dict[int, _Listed] = {}
        messages = _headers(connection, uids)
        for message in messages.values():
            marks = marks_in(self._intake.keys, message.header)
            if not self._sort(message, marks, genuine, found, validity):
                others[message.uid] = message
        for uid, text in _attachment_names(connection, list(others)):
            if self._sort(others[uid], self._intake.keys.find(text), genuine, found, validity):
                del others[uid]
        suspects = self._search(connection, list(others))
        for uid, raw in _bodies(connection, [messages[uid] for uid in sorted({*genuine, *suspects})]):
            marks = genuine.get(uid) or self._intake.keys.find_in_message(raw)
            found += self._found(messages[uid], marks, raw, validity)
        return found

    def _sort(
        self, message: _Listed, marks: list[Mark], genuine: dict[int, list[Mark]], found: list[Found], validity: int
    ) -> bool:
        """Whether the marks decide about a message: ours, to be fetched; or forged, reported as far as it was read."""
        if any(mark.genuine for mark in marks):
            genuine[message.uid] = marks
            return True
        forged = self._found(message, marks, message.header, validity)
        found += forged
        return bool(forged)

    def _search(self, connection: Connection, uids: list[int]) -> set[int]:
        """Those messages that the server finds a sought mark in, or half of one."""
        matches: set[int] = set()
        if not uids:
            return matches
        numbers = ",".join(map(str, uids))
        for marks in _batches(list(self._intake.sought(self._place)), _SOUGHT_AT_ONCE):
            # a server that looks up whole words finds the mark itself, one that looks for text a half that no line cuts
            keys = [("BODY", text) for mark in marks for text in (mark, *halves(mark))]
            criteria: list[Any] = ["UID", numbers]
            for key in keys[:-1]:
                criteria += ["OR", *key]
            matches.update(connection.search([*criteria, *keys[-1]]))
        return matches & set(uids)

    def _found(self, message: _Listed, marks: Iterable[Mark], raw: bytes, validity: int) -> list[Found]:
        """A message as found: once a probe whose mark verifies, else once a probe whose mark is forged."""
        claimed = claims(marks, self._intake)
        if not claimed:
            return []
        seen, detail = self._classify(raw)
        now = self._intake.now()
        at, source, uncertainty = arrival(message.header, message.internal, now, self._read_at)
        said = server_time(message.header, message.internal, now)
        where = json.dumps({"folder": self.folder, "uidvalidity": validity, "uid": message.uid})
        return [
            Found(
                seen=seen, probe=probe, place=self._place, arrived_at=at, source=source, uncertainty=uncertainty,
                content=Message(raw), message_id=message_id(message.header), forgery=forgery, detail=detail,
                where=where, generation=validity, stated_at=said[0] if said else None,
            )
            for probe, forgery in claimed.items()
        ]  # fmt: skip

    def _depth(self, connection: Connection) -> Depth:
        """How full the folder is. The oldest unread message is the one that has been longest in it (the lowest UID)."""
        status = connection.status(self.folder, ("MESSAGES", "UNSEEN"))
        unread = status.get(b"UNSEEN", 0)
        oldest = min(connection.search(["UNSEEN"]), default=None) if unread else None
        since = connection.fetch([oldest], ["INTERNALDATE"]).get(oldest, {}) if oldest else {}
        read = status.get(b"MESSAGES", unread) - unread
        return Depth(unread=unread, read=read, oldest_unread=_internal_date(since))


def _headers(connection: Connection, uids: Sequence[int]) -> dict[int, _Listed]:
    answer = connection.fetch(uids, ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{_LONGEST_HEADER}>"])
    return {
        uid: _Listed(uid, _internal_date(data), data.get(b"RFC822.SIZE", 0), _section(data, b"BODY[HEADER]"))
        for uid, data in answer.items()
    }


def _internal_date(data: dict[bytes, Any]) -> datetime | None:
    """INTERNALDATE in UTC. Whoever may APPEND may choose it, so a year that makes no sense is none."""
    found = data.get(b"INTERNALDATE")
    if not isinstance(found, datetime) or not 1990 <= found.year < 2200:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _bodies(connection: Connection, messages: list[_Listed]) -> Iterator[tuple[int, bytes]]:
    """The whole messages. One that was moved or deleted a moment ago is left out: it is found where it went."""
    while messages:
        uids, size = [messages[0].uid], messages[0].size
        for message in messages[1:]:
            size += message.size
            if size > BODIES_AT_ONCE:
                break
            uids.append(message.uid)
        messages = messages[len(uids) :]
        for uid, data in connection.fetch(uids, [f"BODY.PEEK[]<0.{_LONGEST_MESSAGE}>"]).items():
            if raw := _section(data, b"BODY[]"):
                yield uid, raw


def _section(data: dict[bytes, Any], name: bytes) -> bytes:
    value = next((value for key, value in data.items() if key.startswith(name)), b"")
    return value if isinstance(value, bytes) else b""


def _attachment_names(connection: Connection, uids: list[int]) -> Iterator[tuple[int, str]]:
    """Every text in a message's BODYSTRUCTURE, attachment names among them, a line each."""
    for batch in _batches(uids, HEADERS_AT_ONCE):
        try:
            structures = connection.fetch(batch, ["BODYSTRUCTURE"])
        except (imaplib.IMAP4.abort, OSError, StoppedError):
            raise
        except Exception:  # a structure that the client cannot parse; only its own message may be skipped for that
            if len(batch) > 1:
                for uid in batch:
                    yield from _attachment_names(connection, [uid])
            continue
        for uid, data in structures.items():
            yield uid, "\n".join(_strings(data.get(b"BODYSTRUCTURE")))


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, bytes):
        if not _CONTINUATION.fullmatch(value):  # so that the pieces of a long name are next to each other
            yield _decoded(value.decode("latin-1"))
    elif isinstance(value, tuple | list) and depth < _DEEPEST:
        for item in value:
            yield from _strings(item, depth + 1)


def _decoded(text: str) -> str:
    """``text`` without encoded words (RFC 2047), which many mail programs use in names of attachments."""
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        return text


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
