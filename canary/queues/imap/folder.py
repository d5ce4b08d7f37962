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
from typing import Any, TypeVar

from canary.budgets import HEADER, IMAP_CONTENT, IMAP_STRUCTURES, MESSAGE, MIB, BudgetError
from canary.content import Message
from canary.mail.words import plain
from canary.mark import Keyring, Mark, halves
from canary.model import Component, Depth, Place, Seen
from canary.queues import Found, Intake
from canary.queues.claims import claims
from canary.queues.imap.connection import Connection, Identity, Reason, fault
from canary.queues.imap.headers import arrival, marks_in, message_id, section, server_time
from canary.queues.imap.listing import listed
from canary.queues.imap.ours import UidSet
from canary.queues.loop import StoppedError

HEADERS_AT_ONCE = 200
BODIES_AT_ONCE = 8 * MIB
"""Bytes of messages fetched in one command, at least one message."""
_SOUGHT_AT_ONCE = 40
_LOOK_BACK = timedelta(days=2)
"""How far back a folder is read that was never read before, or was made anew (UIDVALIDITY)."""
_STRANGERS_BATCHES = 25
"""Batches of strangers' messages that are read again after a fault, at most."""
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

    def __init__(
        self, mailbox: str, watched: Watched, intake: Intake, classify: Classify, unnamed: dict[str, tuple[int, int]]
    ) -> None:
        self.name = f"{mailbox}/{watched.folder}"
        self.folder, self._place = watched.folder, watched.place
        self._intake, self._classify = intake, classify
        self._unnamed = unnamed
        self._cursor = dict(intake.cursor(self.name) or {})
        self._ours = UidSet.read(str(self._cursor.get("ours", "")))
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

    def read(self, connection: Connection, *, again: bool = False) -> None:
        """Read to the end. ``again`` opens the folder anew."""
        at = self._intake.now()
        folder = connection.examine(self.folder, again=again)
        if self._cursor.get("uidvalidity") != folder.uidvalidity:
            self._read_at = None
            self._read_for_the_first_time(connection, folder, at)
        else:
            for uids in listed(connection, folder, after=int(self._cursor["uid"])):
                self._read_messages(connection, uids, folder.uidvalidity)
        self._intake.looked(self._place.queue, at)
        self._read_at = at

    def count(self, connection: Connection) -> None:
        """Tell how full the folder is, if it is the one that was just read."""
        if self._read_at is not None and connection.selected == self.folder:
            self._intake.looked(self._place.queue, self._read_at, self._depth(connection, connection.identity))

    def _read_for_the_first_time(self, connection: Connection, folder: Identity, at: datetime) -> None:
        """Read what came within the last days; what is older is behind us."""
        before = dict(self._cursor)
        for uids in listed(connection, folder, ["SINCE", (at - _LOOK_BACK).date()]):
            self._read_messages(connection, uids, folder.uidvalidity)
        if self._cursor == before:
            self._hand_in([], folder.uidvalidity, folder.uidnext - 1)

    def _read_messages(self, connection: Connection, uids: list[int], validity: int) -> None:
        """Hand in what of these messages is ours or claims to be, piece by piece: then they are behind us.

        Where nothing is, our place in the folder is written down now and then: each time waits for the disk.
        """
        for number, batch in enumerate(_batches(uids, HEADERS_AT_ONCE), 1):
            piece: list[Found] = []
            for following in self._find(connection, batch, validity):
                if piece:
                    self._hand_in(piece, validity, batch[0] - 1)
                piece = following
            if piece or batch[-1] == uids[-1] or number % _STRANGERS_BATCHES == 0:
                self._hand_in(piece, validity, batch[-1])

    def _hand_in(self, found: list[Found], validity: int, uid: int) -> None:
        cursor: dict[str, str | int | float] = {"uidvalidity": validity, "uid": uid}
        ours = self._ours if self._cursor.get("uidvalidity") == validity else UidSet()
        self._ours = ours.having(json.loads(item.where)["uid"] for item in found if item.forgery is None)
        if self._ours.ranges:
            cursor["ours"] = str(self._ours)
        self._intake.hand_in(self.name, found, cursor)
        self._cursor = cursor

    def _find(self, connection: Connection, uids: Sequence[int], validity: int) -> Iterator[list[Found]]:
        """What of these messages is ours, or claims to be, in pieces of no more content than is fetched at a time."""
        found: list[Found] = []
        genuine: dict[int, list[Mark]] = {}
        others: dict[int, _Listed] = {}
        messages = _headers(connection, uids)
        for message in messages.values():
            marks = self._marks(message, marks_in, message.header)
            if not self._sort(message, marks, genuine, found, validity):
                others[message.uid] = message
        for uid, text in self._attachment_names(connection, list(others), validity):
            if self._sort(others[uid], self._marks(others[uid], Keyring.find, text), genuine, found, validity):
                del others[uid]
        yield found
        suspects = self._search(connection, list(others))
        for bodies in _bodies(connection, [messages[uid] for uid in sorted({*genuine, *suspects})]):
            yield [
                found
                for uid, raw in bodies.items()
                for marks in (genuine.get(uid) or self._marks(messages[uid], Keyring.find_in_message, raw),)
                for found in self._found(messages[uid], marks, raw, validity)
            ]

    def _marks(self, message: _Listed, find: Callable[[Keyring, T], list[Mark]], where: T) -> list[Mark]:
        """The marks in some of a message; where that cannot be read, none, and it is told."""
        try:
            return find(self._intake.keys, where)
        except Exception as error:  # whatever it is, one message must not keep us from all that come after it
            detail = f"folder {self.folder!r}, message {message.uid} of {message.size} bytes: {error}"
            self._intake.trouble(Component.IMAP, Reason.UNREADABLE, detail)
            return []

    def _attachment_names(self, connection: Connection, uids: list[int], validity: int) -> Iterator[tuple[int, str]]:
        """Every text in a message's BODYSTRUCTURE, attachment names among them, a line each.

        Messages whose structures are more than we take are read without them from the next connection on.
        """
        if not uids or self._unnamed.get(self.folder, (0, 0)) >= (validity, uids[-1]):
            return
        try:
            yield from _attachment_names(connection, uids)
        except BudgetError as error:
            self._unnamed[self.folder] = (validity, uids[-1])
            detail = (
                f"folder {self.folder!r}, messages {uids[0]} to {uids[-1]}: {error}; read without names of attachments"
            )
            raise fault(Reason.TOO_MUCH, detail) from error

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

    def _depth(self, connection: Connection, folder: Identity) -> Depth:
        """How full the folder is.

        The oldest unread message is the one of other people's that has been longest in it (the lowest UID).
        """
        status = connection.status(self.folder, ("MESSAGES", "UNSEEN"))
        unread = status.get(b"UNSEEN", 0)
        searches = listed(connection, folder, ["UNSEEN"]) if unread else ()
        oldest = self._oldest_of_others(searches)
        since = connection.fetch([oldest], ["INTERNALDATE"]).get(oldest, {}) if oldest else {}
        read = status.get(b"MESSAGES", unread) - unread
        return Depth(unread=unread, read=read, oldest_unread=_internal_date(since))

    def _oldest_of_others(self, searches: Iterable[list[int]]) -> int | None:
        """The lowest of these UIDs that is no report of ours; of ours that were passed by, those alone are kept."""
        for uids in searches:
            oldest = next((uid for uid in uids if uid not in self._ours), None)
            if uids:
                self._ours = self._ours.only(uids, upto=oldest or uids[-1])
            if oldest is not None:
                return oldest
        return None


def _headers(connection: Connection, uids: Sequence[int]) -> dict[int, _Listed]:
    with connection.within(IMAP_CONTENT):
        answer = connection.fetch(uids, ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[HEADER]<0.{HEADER.received}>"])
    return {
        uid: _Listed(uid, _internal_date(data), data.get(b"RFC822.SIZE", 0), section(data, b"BODY[HEADER]"))
        for uid, data in answer.items()
        if uid in uids  # a server may tell of another message, whose flags have changed
    }


def _internal_date(data: dict[bytes, Any]) -> datetime | None:
    """INTERNALDATE in UTC. Whoever may APPEND may choose it, so a year that makes no sense is none."""
    found = data.get(b"INTERNALDATE")
    if not isinstance(found, datetime) or not 1990 <= found.year < 2200:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _bodies(connection: Connection, messages: list[_Listed]) -> Iterator[dict[int, bytes]]:
    """The messages, as far as they are read. One that was moved or deleted a moment ago is left out: it is found where
    it went."""
    while messages:
        uids, size = [messages[0].uid], messages[0].size
        for message in messages[1:]:
            size += message.size
            if size > BODIES_AT_ONCE:
                break
            uids.append(message.uid)
        messages = messages[len(uids) :]
        with connection.within(IMAP_CONTENT):
            answer = connection.fetch(uids, [f"BODY.PEEK[]<0.{MESSAGE.received}>"])
        yield {uid: raw for uid in uids if (raw := section(answer.get(uid, {}), b"BODY[]"))}


def _attachment_names(connection: Connection, uids: list[int]) -> Iterator[tuple[int, str]]:
    """Every text in a message's BODYSTRUCTURE, attachment names among them, a line each."""
    for batch in _batches(uids, HEADERS_AT_ONCE):
        try:
            with connection.within(IMAP_STRUCTURES):
                structures = connection.fetch(batch, ["BODYSTRUCTURE"])
        except (imaplib.IMAP4.abort, OSError, StoppedError, BudgetError):
            raise
        except Exception:  # a structure that the client cannot parse; only its own message may be skipped for that
            if len(batch) > 1:
                for uid in batch:
                    yield from _attachment_names(connection, [uid])
            continue
        for uid, data in ((uid, structures[uid]) for uid in batch if uid in structures):
            yield uid, "\n".join(_strings(data.get(b"BODYSTRUCTURE")))


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, bytes):
        if not _CONTINUATION.fullmatch(value):  # so that the pieces of a long name are next to each other
            yield plain(value.decode("latin-1"))
    elif isinstance(value, tuple | list) and depth < _DEEPEST:
        for item in value:
            yield from _strings(item, depth + 1)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
