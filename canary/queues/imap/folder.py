"""Reads one folder of a mailbox: what is new in it, which of that is ours, and not a byte more.

Headers are looked at, the server searches bodies for the marks that are sought, and only what matches is fetched. So a
stranger's body never leaves the server, and nothing is ever marked as read (BODY.PEEK in a folder opened by EXAMINE).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from canary.budgets import IMAP_UNSEARCHED, BudgetError
from canary.content import Message
from canary.mark import Keyring, Mark
from canary.model import Component, Depth, OwnFaultError, Place, Role, Seen
from canary.queues import Found, Intake
from canary.queues.claims import claims
from canary.queues.imap.connection import Connection, Identity
from canary.queues.imap.faults import Reason, fault
from canary.queues.imap.fetching import (
    MESSAGES_AT_ONCE,
    Listed,
    attachment_names,
    batches,
    beginnings,
    bodies,
    headers,
    stored_at,
)
from canary.queues.imap.headers import arrival, marks_in, message_id, server_time
from canary.queues.imap.listing import listed
from canary.queues.imap.memory import FolderMemory
from canary.queues.imap.ours import UidSet
from canary.queues.replies.digests import Digest, listed_as_held

_LOOK_BACK = timedelta(days=2)
"""How far back a folder is read that was never read before, or was made anew (UIDVALIDITY)."""
_STRANGERS_BATCHES = 25
"""Batches of strangers' messages that are read again after a fault, at most."""
_STATUS = ("UIDVALIDITY", "UIDNEXT")

T = TypeVar("T")
Classify = Callable[[bytes], tuple[Seen, str]]
"""What a message of ours is, and a detail for people."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder by its name on the server, and the queue that it is."""

    folder: str
    place: Place


class FolderReader:
    """Knows where it stands in one folder; the connection is lent to each call."""

    def __init__(
        self, mailbox: str, watched: Watched, intake: Intake, classify: Classify, memory: FolderMemory
    ) -> None:
        self.name = f"{mailbox}/{watched.folder}"
        self.folder, self._place = watched.folder, watched.place
        self._intake, self._classify = intake, classify
        self._memory, self._search = memory, memory.search
        self._cursor = dict(intake.cursor(self.name) or {})
        self._ours = UidSet.read(str(self._cursor.get("ours", "")))
        self._status: dict[bytes, int] = {}
        self._read_at: datetime | None = None

    def glance(self, connection: Connection) -> None:
        """Ask the server whether anything moved since the last time, and read only then."""
        if self._memory.statusless:
            return
        at = self._intake.now()
        try:
            status = connection.status(self.folder, _STATUS)
        except OwnFaultError as error:
            self.read(connection, again=True)
            self._memory.statusless = True
            self._intake.trouble(Component.IMAP, Reason.PROTOCOL, f"read at each poll alone: {error.detail}")
            return
        if status != self._status or self._has_more_to_do():
            self.read(connection)
            self._status = status
        else:
            self._read_to_the_end(at)

    def read(self, connection: Connection, *, again: bool = False) -> None:
        """Read to the end. ``again`` opens the folder anew."""
        at = self._intake.now()
        folder = connection.examine(self.folder, again=again)
        self._remember(folder)
        if self._cursor.get("uidvalidity") != folder.uidvalidity:
            self._read_at = None
            self._read_for_the_first_time(connection, folder, at)
        else:
            for uids in listed(connection, folder, after=int(self._cursor["uid"])):
                self._read_messages(connection, uids, folder.uidvalidity)
        self._read_again(connection, folder.uidvalidity)
        self._read_to_the_end(at)

    def _read_to_the_end(self, at: datetime) -> None:
        """Tell that all was seen: not while there are messages of which nobody knows what they say."""
        if not self._search.unsearched:
            self._intake.looked(self._place.queue, at)
        self._read_at = at

    def _has_more_to_do(self) -> bool:
        return bool(self._memory.asked_again()) or self._search.due or bool(self._search.to_be_read())

    def _remember(self, folder: Identity) -> None:
        """Forget what was kept of another numbering; at first sight look again for what may have been missed."""
        memory = self._memory
        if memory.validity == folder.uidvalidity:
            return
        if memory.validity is not None:
            memory.search.clear()
            memory.refused.clear()
        elif self._cursor.get("uidvalidity") == folder.uidvalidity and "again" in self._cursor:
            first, last = int(self._cursor["again"]), int(self._cursor["uid"])
            recent = range(max(first, last - MESSAGES_AT_ONCE), last + 1)
            memory.search.add(recent, self._intake.sought(self._place), None)
        memory.validity = folder.uidvalidity

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
        for number, batch in enumerate(batches(uids, MESSAGES_AT_ONCE), 1):
            before, others = batch[0] - 1, list[int]()
            piece = self._all_but_the_last(self._by_header(connection, batch, validity, others), validity, before)
            if piece and others:  # before anything is searched for: that may take long, or end the connection
                self._hand_in(piece, validity, before)
                piece = []
            if others:
                self._search.add(others, self._intake.sought(self._place), self._read_at)
                piece = self._all_but_the_last(self._by_text(connection, validity), validity, before)
            if piece or batch[-1] == uids[-1] or number % _STRANGERS_BATCHES == 0:
                self._hand_in(piece, validity, batch[-1])

    def _read_again(self, connection: Connection, validity: int) -> None:
        """Ask again for what was not given out, and look again for marks in texts."""
        stands, others = int(self._cursor["uid"]), list[int]()
        refused = [uid for uid in self._memory.asked_again() if uid <= stands]
        pieces = self._by_header(connection, refused, validity, others) if refused else iter(())
        if piece := self._all_but_the_last(pieces, validity, stands):
            self._hand_in(piece, validity, stands)
        if others:
            self._search.add(others, self._intake.sought(self._place), None)
        if piece := self._all_but_the_last(self._by_text(connection, validity), validity, stands):
            self._hand_in(piece, validity, stands)

    def _all_but_the_last(self, pieces: Iterator[list[Found]], validity: int, stands: int) -> list[Found]:
        """Hand in what was found, piece by piece, but for the last one, which is given back."""
        last: list[Found] = []
        for piece in pieces:
            if last and piece:
                self._hand_in(last, validity, stands)
            last = piece or last
        return last

    def _hand_in(self, found: list[Found], validity: int, uid: int) -> None:
        cursor: dict[str, str | int | float] = {"uidvalidity": validity, "uid": uid}
        ours = self._ours if self._cursor.get("uidvalidity") == validity else UidSet()
        places = (json.loads(item.where) for item in found if item.forgery is None and item.place == self._place)
        self._ours = ours.having(place["uid"] for place in places if "uid" in place)
        if self._ours.ranges:
            cursor["ours"] = str(self._ours)
        if self._search.lowest is not None:
            cursor["again"] = self._search.lowest
        self._intake.hand_in(self.name, found, cursor)
        self._cursor = cursor

    def _by_header(
        self, connection: Connection, uids: Sequence[int], validity: int, others: list[int]
    ) -> Iterator[list[Found]]:
        """What of these messages is ours, or claims to be, by what is told without its text; the rest is ``others``."""
        found: list[Found] = []
        genuine: dict[int, list[Mark]] = {}
        rest: dict[int, Listed] = {}
        messages = headers(connection, uids, partial(self._not_given_out, connection))
        for message in messages.values():
            self._memory.refused.pop(message.uid, None)
            marks = self._marks(message, marks_in, message.header)
            if not self._sort(message, marks, genuine, found, validity):
                rest[message.uid] = message
        for uid, text in self._attachment_names(connection, list(rest), validity):
            if self._sort(rest[uid], self._marks(rest[uid], Keyring.find, text), genuine, found, validity):
                del rest[uid]
        others += rest
        yield found
        yield from self._whole(connection, [messages[uid] for uid in sorted(genuine)], genuine, validity)

    def _whole(
        self,
        connection: Connection,
        messages: list[Listed],
        genuine: dict[int, list[Mark]],
        validity: int,
        since: Mapping[int, datetime | None] | None = None,
    ) -> Iterator[list[Found]]:
        """Messages with their text, no more content at a time than is fetched at once.

        Where it is not given out, a report is told by its header: what is there is there. ``since`` is when the folder
        was read to its end without a message, if not the last time.
        """
        since = since or {}
        refused: dict[int, Exception | None] = {}
        for some in bodies(connection, messages, refused.__setitem__):
            of = {message.uid: message for message in messages}
            yield [
                found
                for uid, raw in some.items()
                for marks in (genuine.get(uid) or self._marks(of[uid], Keyring.find_in_message, raw),)
                for found in self._found(of[uid], marks, raw, validity, since.get(uid, self._read_at))
            ]
        for message in (message for message in messages if message.uid in refused):
            self._not_given_out(connection, message.uid, refused[message.uid])
            if message.uid in genuine and self._place.role is not Role.REPLIES:
                yield self._found(message, genuine[message.uid], message.header, validity, self._read_at, whole=False)

    def _by_text(self, connection: Connection, validity: int) -> Iterator[list[Found]]:
        """What is ours, or claims to be, by its text: as the server finds it, or as far as it is read."""
        suspects, refusal = self._search.search(connection, partial(self._intake.sought, self._place))
        if refusal is not None:
            said = connection.quotable(refusal)
            detail = f"folder {self.folder!r}: texts are not searched, marks in headers are found: {said}"
            self._intake.trouble(Component.IMAP, Reason.SEARCH_REFUSED, detail)
        if unsearched := self._search.to_be_read():
            length = IMAP_UNSEARCHED.received or 0
            read = beginnings(connection, unsearched, length, partial(self._not_given_out, connection))
            claimed = {uid for uid, raw in read.items() if self._claims(uid, raw)}
            for uid in set(unsearched) - claimed:
                self._search.found(uid)
            suspects |= claimed
        if suspects:
            known = {uid: self._search.found(uid) for uid in suspects}
            messages = headers(connection, sorted(suspects), partial(self._not_given_out, connection))
            since = {uid: waiting.read_at for uid, waiting in known.items() if waiting is not None}
            yield from self._whole(connection, list(messages.values()), {}, validity, since)

    def _claims(self, uid: int, raw: bytes) -> bool:
        """Whether the beginning of a message has a mark in it that is of a probe of ours."""
        return bool(claims(self._marks(Listed(uid, None, len(raw), b""), Keyring.find_in_message, raw), self._intake))

    def _not_given_out(self, connection: Connection, uid: int, why: Exception | None) -> None:
        """Pass over a message for now; told once, if it is there."""
        if self._memory.refuse(uid) and why is not None:
            detail = (
                f"folder {self.folder!r}, message {uid}: not given out, and passed over: {connection.quotable(why)}"
            )
            self._intake.trouble(Component.IMAP, Reason.UNREADABLE, detail)

    def _marks(self, message: Listed, find: Callable[[Keyring, T], list[Mark]], where: T) -> list[Mark]:
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
        if not uids or self._memory.unnamed >= (validity, uids[-1]):
            return
        try:
            yield from attachment_names(connection, uids)
        except BudgetError as error:
            self._memory.unnamed = (validity, uids[-1])
            detail = (
                f"folder {self.folder!r}, messages {uids[0]} to {uids[-1]}: {error}; read without names of attachments"
            )
            raise fault(Reason.TOO_MUCH, detail) from error

    def _sort(
        self, message: Listed, marks: list[Mark], genuine: dict[int, list[Mark]], found: list[Found], validity: int
    ) -> bool:
        """Whether the marks decide about a message: ours, to be fetched; or forged, reported as far as it was read."""
        if any(mark.genuine for mark in marks):
            genuine[message.uid] = marks
            return True
        forged = self._found(message, marks, message.header, validity, self._read_at)
        found += forged
        return bool(forged)

    def _found(
        self,
        message: Listed,
        marks: Iterable[Mark],
        raw: bytes,
        validity: int,
        read_at: datetime | None,
        *,
        whole: bool = True,
    ) -> list[Found]:
        """A message as found: once a probe whose mark verifies, else once a probe whose mark is forged.

        Where only mails about a report come, they are told as one, by what they have in common: each change of a ticket
        brings another, and none is a second copy of the report.
        """
        claimed = claims(marks, self._intake)
        if not claimed:
            return []
        if whole and self._place.role is not Role.REPLIES and (held := listed_as_held(raw, self._intake.keys)):
            return self._held(message, held, validity, read_at)
        seen, detail = self._classify(raw)
        now = self._intake.now()
        said = server_time(message.header, message.internal, now)
        at, source, uncertainty = arrival(said, now, read_at)
        place = {"folder": self.folder, "uidvalidity": validity}
        where = json.dumps(place | {"uid": message.uid} if self._place.whole else place)
        if not self._place.whole:
            detail = "a mail about it"
        elif not whole:
            detail = "the server gives out its header alone"
        return [
            Found(
                seen=seen, probe=probe, place=self._place, arrived_at=at, source=source, uncertainty=uncertainty,
                content=Message(raw) if whole and self._place.whole else None, message_id=message_id(message.header),
                forgery=forgery, detail=detail, where=where, generation=validity,
                stated_at=said[0] if said else None, header=message.header,
            )
            for probe, forgery in claimed.items()
        ]  # fmt: skip

    def _held(
        self, message: Listed, held: list[tuple[Mark, str]], validity: int, read_at: datetime | None
    ) -> list[Found]:
        """What a digest of a quarantine lists of ours."""
        now = self._intake.now()
        at, _, uncertainty = arrival(server_time(message.header, message.internal, now), now, read_at)
        digest = Digest(self._place, at, uncertainty, held)
        return digest.found(self._intake, lambda probe: json.dumps({"folder": self.folder, "listed": probe}), validity)

    def _depth(self, connection: Connection, folder: Identity) -> Depth:
        """How full the folder is.

        The oldest unread message is the one of other people's that has been longest in it (the lowest UID).
        """
        status = connection.status(self.folder, ("MESSAGES", "UNSEEN"))
        unread = status.get(b"UNSEEN", 0)
        searches = listed(connection, folder, ["UNSEEN"]) if unread else ()
        oldest = self._oldest_of_others(searches)
        read = status.get(b"MESSAGES", unread) - unread
        return Depth(unread=unread, read=read, oldest_unread=stored_at(connection, oldest) if oldest else None)

    def _oldest_of_others(self, searches: Iterable[list[int]]) -> int | None:
        """The lowest of these UIDs that is no report of ours; of ours that were passed by, those alone are kept."""
        for uids in searches:
            oldest = next((uid for uid in uids if uid not in self._ours), None)
            if uids:
                self._ours = self._ours.only(uids, upto=oldest or uids[-1])
            if oldest is not None:
                return oldest
        return None
