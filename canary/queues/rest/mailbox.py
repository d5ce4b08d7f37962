"""Reads a mailbox that is asked over HTTP: what came into it since the last look, and of that our own reports whole.

Of a stranger's message its Message-ID, subject, place and time are told, and dropped; no text of one is fetched. How a
platform lists and gives out messages is its :class:`MailSource`'s to know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from canary.budgets import PLATFORM_REMEMBERED, PLATFORM_SOUGHT
from canary.clock import Clock
from canary.content import Message
from canary.mark import Keyring, Mark
from canary.model import Component, OwnFaultError, Place, Seen
from canary.queues import Cursor, Found, Intake
from canary.queues.claims import claims
from canary.queues.imap.headers import arrival, marks_in, message_id, server_time
from canary.queues.replies.digests import Digest, listed_as_held
from canary.queues.rest.again import Again
from canary.queues.rest.faults import RestReason
from canary.queues.rest.together import Together

C = TypeVar("C", contravariant=True)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_LOOK_BACK = timedelta(days=2)
"""How far back a mailbox is read that was never read before. What came earlier is behind us."""
_OVERLAP = timedelta(hours=1)
_PATIENT_LOOKS = 3
"""Looks after which a list that does not show what is there is begun anew."""
_OF_A_MESSAGE = (RestReason.GARBAGE, RestReason.TOO_MUCH, RestReason.PROTOCOL, RestReason.FORBIDDEN)
"""Faults that may be those of one message alone."""


@dataclass(frozen=True, slots=True)
class ListedMail:
    """A message as a list shows it: where it is, what is told of its header, and when the server got it."""

    id: str
    place: Place
    header: bytes
    received: datetime


@dataclass(frozen=True, slots=True)
class MailChanges:
    """A part of what changed, where to go on after it, and whether it is the last one."""

    messages: list[ListedMail]
    cursor: str
    last: bool


class MailSource(Protocol[C]):
    """One list of a platform's mail, of one or several places. Every method raises OwnFaultError."""

    @property
    def name(self) -> str:
        """What the list is called."""
        ...

    @property
    def places(self) -> tuple[Place, ...]:
        """All places that it tells of."""
        ...

    def changes(self, client: C, cursor: str, since: datetime) -> AsyncIterator[MailChanges]:
        """What came since the cursor, part by part; what was received since ``since`` if there is none, or no more."""
        ...

    async def newest(self, client: C) -> datetime | None:
        """When the newest message there was received; None if there is none, and it is certain that this is so."""
        ...

    async def raw(self, client: C, ident: str) -> bytes | None:
        """A message as it is stored (RFC 5322); None if it is gone meanwhile."""
        ...

    async def having(self, client: C, mark: str) -> list[ListedMail]:
        """The messages that the platform finds by a word, in places that are looked into."""
        ...


class MailReader(Generic[C]):
    """Knows where it stands in one list; the client is lent to each call."""

    def __init__(self, watch: str, source: MailSource[C], intake: Intake, poll: float, clock: Clock) -> None:
        self.name, self._source, self._intake = f"{watch}/{source.name}", source, intake
        cursor = intake.cursor(self.name) or {}
        self._stands, self._newest = str(cursor.get("stands", "")), _time(cursor.get("newest"))
        self._ours = Together(intake, self.name, self._cursor)
        self._again = Again(source.places, 3 * poll, clock, PLATFORM_SOUGHT)
        self._read: dict[tuple[str, str], None] = {}
        """Our own messages that were read, by id and queue: nothing rests on it."""
        self._read_at: dict[str, datetime] = {}
        self._unshown = 0

    async def read(self, client: C) -> None:
        """Read what came, and search for what did not. Raises OwnFaultError, also where nothing shows that we see."""
        at = self._intake.now()
        look_back = at - _LOOK_BACK
        with self._ours.look():
            newest = await self._source.newest(client)
            if not await self._changes(client, look_back):
                return
            await self._search(client)
        if newest is not None and newest > max(self._newest, look_back):
            self._not_shown(newest)
            return
        self._unshown = 0
        for place in self._source.places:
            self._read_at[place.queue] = at
            self._intake.looked(place.queue, at)

    async def _changes(self, client: C, look_back: datetime) -> bool:
        """Take what came, part by part; whether that was all of it."""
        since, read = min(look_back, self._newest - _OVERLAP) if self._newest > LONG_AGO else look_back, False
        async for part in self._source.changes(client, self._stands, since):
            for message in part.messages:
                self._ours.add(await self._take(client, message))
            self._newest = max([self._newest, *(message.received for message in part.messages)])
            self._stands, read = part.cursor, part.last
            self._ours.hand_in()
        return read

    async def _search(self, client: C) -> None:
        """Search for what did not come."""
        for mark in self._again.due(self._intake):
            self._again.searched(mark)
            for message in await self._source.having(client, mark):
                self._ours.add(await self._take(client, message, by_text=True))

    def _not_shown(self, newest: datetime) -> None:
        """Something is there that the list of changes did not show: not yet, or the list is of no use."""
        self._unshown += 1
        if self._unshown >= _PATIENT_LOOKS:
            self._unshown, self._stands = 0, ""
            raise OwnFaultError(
                Component.PLATFORM,
                RestReason.BLIND.value,
                f"{self._source.name}: a message of {newest:%Y-%m-%d %H:%M:%S} UTC is there, and is in no list of what "
                "changed; all of it is listed anew",
            )

    async def _take(self, client: C, message: ListedMail, *, by_text: bool = False) -> list[Found]:
        """A message as found, if it is ours or claims to be."""
        key = (message.id, message.place.queue)
        marks = self._marks(marks_in, message.header)
        genuine = any(mark.genuine for mark in marks)
        if not genuine and not by_text:
            return self._found(message, marks, None)
        if key in self._read:
            return []
        raw = await self._raw(client, message)
        if raw is not None and not genuine:
            marks = self._marks(Keyring.find_in_message, raw)
        _keep(self._read, key)
        return self._found(message, marks, raw)

    async def _raw(self, client: C, message: ListedMail) -> bytes | None:
        """The whole message; a report that is not given out is told by what is listed of it."""
        try:
            return await self._source.raw(client, message.id)
        except OwnFaultError as error:
            if error.reason not in _OF_A_MESSAGE:
                raise
            self._intake.trouble(error.component, error.reason, f"a message is not given out: {error.detail}")
            return None

    def _found(self, message: ListedMail, marks: list[Mark], raw: bytes | None) -> list[Found]:
        header = message.header if raw is None else raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        now, place = self._intake.now(), message.place
        said = server_time(header, message.received, now)
        at, source, uncertainty = arrival(said, now, self._read_at.get(place.queue))
        if raw is not None and (held := listed_as_held(raw, self._intake.keys)):
            digest = Digest(place, at, uncertainty, held)
            return digest.found(self._intake, lambda probe: f"listed/{probe}/{place.queue}")
        return [
            Found(
                Seen.REPORT, probe, place, at, source, uncertainty, Message(raw) if raw is not None else None,
                message_id=message_id(header), forgery=forgery, where=f"{message.id}/{place.queue}",
                detail="" if raw is not None else "its header alone is given out",
                stated_at=said[0] if said else None, header=header,
            )
            for probe, forgery in claims(marks, self._intake).items()
        ]  # fmt: skip

    def _marks(self, find: FindMarks, where: bytes) -> list[Mark]:
        """The marks in some of a message; where that cannot be read, none, and it is told."""
        try:
            return find(self._intake.keys, where)
        except ValueError as error:  # a budget: one message must not keep us from all that come after it
            self._intake.trouble(Component.PLATFORM, RestReason.TOO_MUCH, f"a message cannot be read: {error}")
            return []

    def _cursor(self) -> Cursor:
        return {"stands": self._stands, "newest": self._newest.isoformat()}


class FindMarks(Protocol):
    """A way to find marks in some of a message."""

    def __call__(self, keys: Keyring, where: bytes, /) -> list[Mark]: ...


def _keep(kept: dict[tuple[str, str], None], key: tuple[str, str]) -> None:
    kept[key] = None
    while len(kept) > (PLATFORM_REMEMBERED.number or 0):
        del kept[next(iter(kept))]


def _time(text: object) -> datetime:
    return datetime.fromisoformat(text) if isinstance(text, str) else LONG_AGO
