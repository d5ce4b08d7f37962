"""Watches the administrators' quarantines of Google Workspace: which of our reports are held back, and whose.

They are asked for one by one, by Message-ID, so no stranger's message is listed. What is found is read whole, and is
ours only if its mark verifies.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from canary.budgets import PLATFORM_SOUGHT
from canary.content import Message
from canary.model import Component, Seen, TimeSource
from canary.oauth import Token
from canary.queues import Found, Intake, WatchResources
from canary.queues.claims import claims
from canary.queues.google.client import GoogleClient, connected, entries, fault, stored
from canary.queues.google.settings import QuarantineSettings
from canary.queues.imap.headers import WITHIN, message_id
from canary.queues.rest.answers import moment, word
from canary.queues.rest.bearer import BearerLogin
from canary.queues.rest.by_message_id import AskedById
from canary.queues.rest.faults import RestReason
from canary.queues.rest.together import Together
from canary.queues.rest.watching import RestWatcher


def open_quarantine(name: str, settings: QuarantineSettings, resources: WatchResources) -> QuarantineWatcher:
    """A watcher of the quarantines ``name``."""
    return QuarantineWatcher(name, settings, resources)


class QuarantineWatcher(RestWatcher):
    """A :class:`canary.queues.Watcher` of the quarantines of one organisation."""

    component = Component.PLATFORM

    def __init__(self, name: str, settings: QuarantineSettings, resources: WatchResources) -> None:
        super().__init__(name, resources, settings.ca_file)
        self._settings = settings
        self._login = BearerLogin(self.component, settings.auth, settings.auth.subject, resources.clock)
        self._reader: QuarantineReader | None = None

    async def look(self, intake: Intake) -> float:
        """Ask for what is sought. Raises OwnFaultError."""
        self._reader = self._reader or QuarantineReader(self.name, self._settings, intake)
        await self._login.use(partial(self._read, self._reader))
        return self._settings.poll

    def check(self) -> str:
        """Log in, and see which quarantines there are. Raises OwnFaultError."""
        return self.asked_once(self._login.use(self._check))

    async def _read(self, reader: QuarantineReader, token: Token) -> None:
        async with connected(self._settings, token, self._login.echo(), self.trusted) as client:
            await reader.read(client)

    async def _check(self, token: Token) -> str:
        async with connected(self._settings, token, self._login.echo(), self.trusted) as client:
            names = await quarantines(client)
        return f"quarantines at {self._settings.system()['server']} ({token.told()}): {', '.join(names)}"


class QuarantineReader:
    """Knows what was asked for; the client is lent to each call."""

    def __init__(self, watch: str, settings: QuarantineSettings, intake: Intake) -> None:
        self.name, self._settings, self._intake = watch, settings, intake
        self._sought = AskedById(settings.places()[:1], intake, PLATFORM_SOUGHT)
        self._ours = Together(intake, watch)
        self._read: dict[str, set[str]] = {}
        """What was read of each report, by mark: nothing rests on it."""

    async def read(self, client: GoogleClient) -> None:
        """Ask for what is sought, what was not asked for the longest first. Raises OwnFaultError."""
        began = self._intake.now()
        await quarantines(client)  # which shows that they may be seen at all
        with self._ours.look():
            for mark, ident in self._sought.due():
                at, read = self._intake.now(), self._read.setdefault(mark, set())
                for item in await self._held(client, ident):
                    name = word(item, "name")
                    if name not in read:
                        self._ours.add(await self._found(client, item, name))
                        read.add(name)
                self._sought.asked(mark, at)
        self._read = {mark: read for mark, read in self._read.items() if mark in self._sought}
        since = self._sought.all_since(began)
        if since is not None:
            for place in self._settings.places():
                self._intake.looked(place.queue, since - timedelta(seconds=self._settings.delay))

    async def _held(self, client: GoogleClient, ident: str) -> list[Any]:
        """What a search for a Message-ID finds, in all quarantines and of all owners."""
        asked, found = {"query": f"rfc822msgid:{ident.strip('<>')}", "pageSize": 100}, list[Any]()
        while True:
            answer = await client.ask("quarantinedMessages:search", body=asked)
            found += entries(answer, "quarantinedMessages")
            client.asked.budget.hold(number=client.asked.number)
            page = word(answer, "nextPageToken", 1000)
            if not page:
                return found
            asked = {**asked, "pageToken": page}

    async def _found(self, client: GoogleClient, item: Any, name: str) -> list[Found]:
        """A message that is held back, if it is ours or claims to be. Of another one nothing is kept."""
        answer = await client.ask(self._path(name), (("view", "MESSAGE_VIEW_RAW"),), told=(404,))
        if answer is None:
            return []
        raw, received = stored(answer, "rawMessage"), _received(item)
        place = self._settings.place_of(word(item, "messageOwner"))
        header = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        state = word(item, "state", 40).lower().replace("_", " ")
        try:
            claimed = claims(self._intake.keys.find_in_message(raw), self._intake)
        except ValueError as error:  # a budget: one message must not keep us from all others
            self._intake.trouble(Component.PLATFORM, RestReason.TOO_MUCH, f"a message cannot be read: {error}")
            return []
        return [
            Found(
                Seen.REPORT, probe, place, received + WITHIN, TimeSource.RECORD, WITHIN.total_seconds(), Message(raw),
                message_id=message_id(header), forgery=forgery, detail=f"held back: {state or 'state not told'}",
                where=f"{name.rpartition(':')[2]}/{place.queue}", header=header,
            )
            for probe, forgery in claimed.items()
        ]  # fmt: skip

    def _path(self, name: str) -> str:
        """Where a message is. Raises OwnFaultError for a name that is not of this organisation's quarantines."""
        of, found, rest = name.partition("/quarantinedMessages/")
        if of != f"customers/{self._settings.customer}" or not found or not rest or "/" in rest:
            raise fault(RestReason.GARBAGE, "a message that is held back has a name of another form")
        return f"quarantinedMessages/{rest}"


async def quarantines(client: GoogleClient) -> list[str]:
    """What the quarantines are called. Raises OwnFaultError if none may be seen: there is always the default one."""
    names = [word(item, "displayName", 100) for item in entries(await client.ask("quarantines"), "quarantines")]
    if not names:
        raise fault(RestReason.BLIND, "no quarantine may be seen: has the administrator the privilege for quarantines?")
    return names


def _received(item: Any) -> datetime:
    try:
        return moment(item, "receiveTime").replace(microsecond=0)
    except ValueError as error:
        raise fault(RestReason.GARBAGE, f"a message that is held back: {error}") from error
