"""Watches a mailbox of Exchange Online over Microsoft Graph: each folder by the list of what changed in it (delta).

The folders are asked for by the names that Graph knows them by in every language (inbox, junkemail, deleteditems), or
by their own below one of those.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

from canary.budgets import PLATFORM_LIST, PLATFORM_LOOK
from canary.model import Component, Place
from canary.oauth import Token
from canary.queues import Intake, WatchResources
from canary.queues.microsoft.graph import GraphClient, connected, fault, odata_time, quoted
from canary.queues.microsoft.settings import GraphFolder, GraphMailboxSettings
from canary.queues.rest.answers import items, moment, word
from canary.queues.rest.bearer import BearerLogin
from canary.queues.rest.faults import RestReason
from canary.queues.rest.mailbox import ListedMail, MailChanges, MailReader
from canary.queues.rest.watching import RestWatcher

_PREFER = 'odata.maxpagesize=100, IdType="ImmutableId"'
"""Few questions; and a message keeps its name when it is moved."""
_SELECT = "internetMessageId,subject,receivedDateTime"
_LONGEST_ID = 1000


def open_graph_mailbox(name: str, settings: GraphMailboxSettings, resources: WatchResources) -> GraphMailboxWatcher:
    """A watcher of the mailbox ``name``."""
    return GraphMailboxWatcher(name, settings, resources)


class GraphMailboxWatcher(RestWatcher):
    """A :class:`canary.queues.Watcher` of one mailbox."""

    component = Component.PLATFORM

    def __init__(self, name: str, settings: GraphMailboxSettings, resources: WatchResources) -> None:
        super().__init__(name, resources, settings.ca_file)
        self._settings = settings
        self._login = BearerLogin(self.component, settings.auth, settings.auth.client_id, resources.clock)
        self._readers: dict[str, MailReader[GraphClient]] = {}
        self._found_folders = False

    def begun(self) -> None:
        """The folders are to be found, once."""
        self._found_folders = False

    async def look(self, intake: Intake) -> float:
        """Read each folder. Raises OwnFaultError."""
        await self._login.use(partial(self._read, intake))
        return self._settings.poll

    def check(self) -> str:
        """Log in, find every folder, and say how much is in it. Raises OwnFaultError."""
        return self.asked_once(self._login.use(self._check))

    async def _read(self, intake: Intake, token: Token) -> None:
        async with connected(self._settings, token, self._login.echo(), PLATFORM_LOOK, self.trusted, _PREFER) as client:
            if not self._found_folders:
                sources = [await self._source(client, folder) for folder in self._settings.folders]
                self._readers = {
                    one.ident: self._readers.get(one.ident) or self._reader(one, intake) for one in sources
                }
                self._found_folders = True
            for reader in self._readers.values():
                await reader.read(client)

    def _reader(self, source: GraphFolderSource, intake: Intake) -> MailReader[GraphClient]:
        return MailReader(self.name, source, intake, self._settings.poll, self.clock)

    async def _check(self, token: Token) -> str:
        told = []
        async with connected(self._settings, token, self._login.echo(), PLATFORM_LOOK, self.trusted, _PREFER) as client:
            for folder in self._settings.folders:
                source = await self._source(client, folder)
                number = await source.total(client)
                told.append(f"{folder.folder} ({folder.role}, {number} messages)")
        return f"{self._settings.mailbox} at {self._settings.system()['server']} ({token.told()}): {', '.join(told)}"

    async def _source(self, client: GraphClient, folder: GraphFolder) -> GraphFolderSource:
        """A folder, found step by step. Raises OwnFaultError if the application may see none of that name."""
        root = f"/users/{self._settings.mailbox}/mailFolders"
        ident, *names = folder.folder.split("/")
        for name in names:
            query = {"$filter": f"displayName eq {quoted(name)}", "$select": "id"}
            found = [
                one async for page in client.pages(f"{root}/{ident}/childFolders", query, PLATFORM_LIST) for one in page
            ]
            ident = word(found[0], "id", _LONGEST_ID) if found else ""
            if not ident:
                raise fault(RestReason.QUEUE_MISSING, f"no folder {name!r} of {folder.folder!r} that may be seen")
        source = GraphFolderSource(self._settings.mailbox, folder.folder, ident, self._settings.place(folder))
        await source.total(client)
        return source


class GraphFolderSource:
    """One folder of a mailbox: a :class:`canary.queues.rest.mailbox.MailSource`."""

    def __init__(self, mailbox: str, name: str, ident: str, place: Place) -> None:
        self.name, self.places, self.ident = name, (place,), ident
        self._messages = f"/users/{mailbox}/messages"
        self._folder = f"/users/{mailbox}/mailFolders/{ident}"

    async def total(self, client: GraphClient) -> int:
        """How many messages are in it. Raises OwnFaultError if there is no such folder."""
        status, answer = await client.ask(client.url(self._folder, {"$select": "totalItemCount"}), told=(404,))
        if status == 404:
            raise fault(RestReason.QUEUE_MISSING, f"no folder {self.name!r} of this mailbox that may be seen")
        number = word(answer, "totalItemCount", 20)
        if not number.isdigit():
            raise fault(RestReason.GARBAGE, f"folder {self.name!r}: got no number of its messages")
        return int(number)

    async def changes(self, client: GraphClient, cursor: str, since: datetime) -> AsyncIterator[MailChanges]:
        """What changed since a delta link; from the beginning where there is none, or the platform has forgotten it."""
        query = {"$select": _SELECT, "$filter": f"receivedDateTime ge {odata_time(since)}"}
        first = client.url(f"{self._folder}/messages/delta", query)
        url = cursor if client.is_own(cursor) else first
        while not client.asked.enough:
            status, answer = await client.ask(url, told=() if url == first else (410,))
            if status == 410:
                url = first
                continue
            more, end = (client.following(answer, f"@odata.{link}") for link in ("nextLink", "deltaLink"))
            if (more is None) is (end is None):
                raise fault(RestReason.GARBAGE, f"folder {self.name!r}: want either a nextLink or a deltaLink")
            url = more or end or ""
            yield MailChanges(self._listed(answer), url, more is None)
            if more is None:
                return

    async def newest(self, client: GraphClient) -> datetime | None:
        """When the newest message was received; None if the folder says that it is empty, and shows nothing."""
        query = {"$select": _SELECT, "$orderby": "receivedDateTime desc", "$top": "1"}
        _, answer = await client.ask(client.url(f"{self._folder}/messages", query))
        listed = self._listed(answer)
        if not listed and await self.total(client):
            raise fault(RestReason.BLIND, f"folder {self.name!r} is not empty, and none of its messages is shown")
        return max((message.received for message in listed), default=None)

    async def raw(self, client: GraphClient, ident: str) -> bytes | None:
        """A message as it is stored; None if it is gone."""
        status, content = await client.raw(client.url(f"{self._messages}/{ident}/$value"), told=(404,))
        return None if status == 404 else content

    async def having(self, client: GraphClient, mark: str) -> list[ListedMail]:
        """What a search for a word finds in this folder."""
        query = {"$select": _SELECT, "$search": f'"{mark}"', "$top": "10"}
        _, answer = await client.ask(client.url(f"{self._folder}/messages", query))
        return self._listed(answer)

    def _listed(self, answer: Any) -> list[ListedMail]:
        """The messages of an answer; what is gone from the folder is none. Raises OwnFaultError."""
        try:
            listed = items(answer, "value")
            PLATFORM_LIST.hold(number=len(listed))
            return [self._mail(item) for item in listed if not (isinstance(item, dict) and "@removed" in item)]
        except ValueError as error:
            raise fault(RestReason.GARBAGE, f"folder {self.name!r}: {error}") from error

    def _mail(self, item: Any) -> ListedMail:
        ident, message_id = word(item, "id", _LONGEST_ID), word(item, "internetMessageId")
        if not ident:
            raise ValueError(f"got {type(item).__name__} without an id, want a message")
        subject = " ".join(word(item, "subject").split())
        header = f"Message-ID: {' '.join(message_id.split())}\r\nSubject: {subject}\r\n\r\n"
        return ListedMail(ident, self.places[0], header.encode("utf-8", "replace"), moment(item, "receivedDateTime"))
