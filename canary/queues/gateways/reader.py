"""Reads what a mail gateway holds back: which messages are ours, since when, and which are held back no more.

Of a stranger's message as much is read as the gateway's list tells, once whole where only that shows whose it is; all
of it is dropped at once, and what is remembered is how the gateway calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.budgets import GATEWAY_SOUGHT, GATEWAY_UNREAD
from canary.content import Message
from canary.mark import Mark
from canary.model import Component, Forgery, OwnFaultError, Seen, TimeSource
from canary.queues import Found, Intake
from canary.queues.claims import claims
from canary.queues.gateways.asking import asked_by, held_back, hold_narrow
from canary.queues.gateways.description import HeldMessage
from canary.queues.gateways.known import KnownHeld, KnownHeldBack
from canary.queues.gateways.settings import GatewaySettings, WatchedQuarantine
from canary.queues.imap.headers import marks_in, message_id
from canary.queues.rest.by_message_id import AskedById
from canary.queues.rest.faults import RestReason
from canary.queues.rest.together import Together
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.reading import keep

_OF_A_MESSAGE = (RestReason.GARBAGE, RestReason.TOO_MUCH, RestReason.PROTOCOL, RestReason.FORBIDDEN)
"""Faults that may be those of one message alone."""
_MARGIN = timedelta(minutes=10)
"""What is so near to the beginning of a list may be out of it for its age alone."""


@dataclass(frozen=True, slots=True)
class _Whose:
    """The probes that a message belongs to or claims to, and what is known of it; ``raw`` is all of it, if read."""

    ours: Mapping[str, Forgery | None]
    header: bytes
    message_id: str | None
    raw: bytes | None = None


class GatewayReader:
    """Knows what is held back in one quarantine; the client is lent to each call."""

    def __init__(self, watch: str, settings: GatewaySettings, watched: WatchedQuarantine, intake: Intake) -> None:
        self.name, self._description = f"{watch}/{watched.queue}", settings.described
        self._watched, self._place, self._intake = watched, settings.place(watched), intake
        self._sought = AskedById((self._place,), intake, GATEWAY_SOUGHT)
        self._known = KnownHeldBack(str((intake.cursor(self.name) or {}).get("held", "")))
        self._ours = Together(intake, self.name, lambda: {"held": str(self._known)})
        self._told: dict[str, None] = {}
        """What is ours and was handed in, by what the gateway calls it: nothing rests on it."""
        self._strangers: dict[str, None] = {}
        self._unread: set[str] = set()
        """What is not given out, and may be ours."""

    async def read(self, client: TicketClient) -> bool:
        """Read what is held back; whether that was all of it. Raises OwnFaultError."""
        began = self._intake.now()
        since = began - timedelta(seconds=self._description.back)
        self._known.forget(since)
        with self._ours.look():
            if self._description.asks_for_each:
                done = await self._each(client, since, began)
                at = self._sought.all_since(began) if done else None
            else:
                done = await self._all(client, since, began)
                at = began if done and not self._unread else None
        if at is not None:  # what came within the second that is asked for last may not be shown
            behind = self._description.lag + self._description.resolution
            self._intake.looked(self._place.queue, at - timedelta(seconds=behind))
        return done

    async def _all(self, client: TicketClient, since: datetime, now: datetime) -> bool:
        """Hand in what is ours of all that is held back; whether there was time for all of it."""
        listed = await held_back(client, self._description, asked_by(self._watched, since, now))
        there = {message.id for message in listed}
        self._unread &= there
        for message in listed:
            if client.asked.enough:
                return False
            if message.id in self._told:
                self._end([message.id] if message.released else [], "released")
            elif message.id not in self._strangers:
                await self._take(client, message)
            self._ours.hand_in(if_many=True)
        self._end(set(self._known.since(since + _MARGIN)) - there, "it is in no list any more")
        return True

    async def _each(self, client: TicketClient, since: datetime, now: datetime) -> bool:
        """Ask for each report by its Message-ID; whether there was time for all. Raises OwnFaultError."""
        names = asked_by(self._watched, since, now)
        await hold_narrow(client, self._description, names)
        for mark, sent in self._sought.due():
            if client.asked.enough:
                return False
            at, probe = self._intake.now(), self._intake.keys.read(mark).probe
            listed = await held_back(client, self._description, {**names, "messageid": sent.strip("<>")})
            for message in listed:
                self._tell(message, _Whose({probe: None}, message.header, sent))
            self._end(set(self._known.of(probe)) - {message.id for message in listed}, "it is in no list any more")
            self._sought.asked(mark, at)
            self._ours.hand_in(if_many=True)
        return True

    async def _take(self, client: TicketClient, message: HeldMessage) -> None:
        """Hand in a message if it is ours or claims to be."""
        try:
            whose = await self._whose(client, message)
        except ValueError as error:  # a budget: one message must not keep us from all others
            self._intake.trouble(Component.PLATFORM, RestReason.TOO_MUCH, f"a message cannot be read: {error}")
            whose = _Whose({}, b"", None)
        if whose.ours:
            self._tell(message, whose)
        elif message.id not in self._unread:
            keep(self._strangers, message.id, None)

    async def _whose(self, client: TicketClient, message: HeldMessage) -> _Whose:
        """Whose a message is, by what the list tells; by all of it, where that says nothing of any."""
        marks: list[Mark] = marks_in(self._intake.keys, message.header)
        genuine = any(mark.genuine for mark in marks)
        raw = None
        if genuine or self._description.message.message_id is None:
            raw = await self._raw(client, message, may_be_ours=not genuine)
        if raw is None:
            return _Whose(claims(marks, self._intake), message.header, message_id(message.header))
        header = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        marks = marks if genuine else self._intake.keys.find_in_message(raw)
        return _Whose(claims(marks, self._intake), header, message_id(header), raw)

    async def _raw(self, client: TicketClient, message: HeldMessage, *, may_be_ours: bool) -> bytes | None:
        """A message as it is stored; None if it is gone, or not given out: the first of those is told."""
        if self._description.whole is None:
            return None
        try:
            raw = await client.raw(self._description.whole, {"held": message.id})
        except OwnFaultError as error:
            if error.reason not in _OF_A_MESSAGE or len(self._unread) >= (GATEWAY_UNREAD.number or 0):
                raise
            if not self._unread or not may_be_ours:
                self._intake.trouble(error.component, error.reason, f"a message is not given out: {error.detail}")
            self._unread |= {message.id} if may_be_ours else set()
            return None
        self._unread.discard(message.id)
        return raw

    def _tell(self, message: HeldMessage, whose: _Whose) -> None:
        """Hand in a report, once; and that it is held back no more, if that is told of it."""
        if message.id not in self._told:
            for probe in (probe for probe, forgery in whose.ours.items() if forgery is None):
                self._known.add(message.id, KnownHeld(probe, whose.message_id, message.at))
            self._ours.add(self._report(message, whose, probe) for probe in whose.ours)
            keep(self._told, message.id, None)
        if message.released:
            self._end([message.id], "released")

    def _report(self, message: HeldMessage, whose: _Whose, probe: str) -> Found:
        half = self._description.resolution / 2
        return Found(
            Seen.REPORT, probe, self._place, message.at + timedelta(seconds=half), TimeSource.RECORD, half,
            None if whose.raw is None else Message(whose.raw), message_id=whose.message_id,
            forgery=whose.ours[probe], detail=f"held back: {message.why or 'it is not told why'}",
            where=f"{message.id}/{self._place.queue}", header=whose.header,
        )  # fmt: skip

    def _end(self, idents: Iterable[str], how: str) -> None:
        """Hand in that messages of ours are held back no more: when, is known only by when it was noticed."""
        ended = [(ident, known) for ident in sorted(idents) if (known := self._known.take(ident))]
        self._ours.add(
            Found(
                Seen.CLOSED, known.probe, self._place, self._intake.now(), TimeSource.NOTICED, 0.0,
                message_id=known.message_id, detail=f"no longer held back: {how}",
                where=f"{ident}/{self._place.queue}/end",
            )
            for ident, known in ended
        )  # fmt: skip
