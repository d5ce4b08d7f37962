"""Watches a mailbox of Gmail: by the history of what was added to it, and of which labels were given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from canary.model import Component, Place
from canary.oauth import Token
from canary.queues import Intake, WatchResources
from canary.queues.google.client import GoogleClient, connected, entries, fault, stored
from canary.queues.google.settings import GmailSettings
from canary.queues.rest.answers import at, word
from canary.queues.rest.bearer import BearerLogin
from canary.queues.rest.faults import RestReason
from canary.queues.rest.mailbox import ListedMail, MailChanges, MailReader
from canary.queues.rest.watching import RestWatcher

_PAGE = "100"
_TOLD = (("format", "metadata"), ("metadataHeaders", "Message-ID"), ("metadataHeaders", "Subject"))
"""What is told of a message: no more of its header, and nothing of its text."""
_ADDED = (("historyTypes", "messageAdded"), ("historyTypes", "labelAdded"), ("maxResults", _PAGE))


def open_gmail(name: str, settings: GmailSettings, resources: WatchResources) -> GmailWatcher:
    """A watcher of the mailbox ``name``."""
    return GmailWatcher(name, settings, resources)


class GmailWatcher(RestWatcher):
    """A :class:`canary.queues.Watcher` of one mailbox."""

    component = Component.PLATFORM

    def __init__(self, name: str, settings: GmailSettings, resources: WatchResources) -> None:
        super().__init__(name, resources, settings.ca_file)
        self._settings = settings
        self._login = BearerLogin(self.component, settings.auth, settings.mailbox, resources.clock)
        self._kept: tuple[GmailSource, MailReader[GoogleClient]] | None = None
        self._found_labels = False

    def begun(self) -> None:
        """The labels are to be found, once."""
        self._found_labels = False

    async def look(self, intake: Intake) -> float:
        """Read what changed. Raises OwnFaultError."""
        await self._login.use(partial(self._read, intake))
        return self._settings.poll

    def check(self) -> str:
        """Log in, find every label, and say how much has it. Raises OwnFaultError."""
        return self.asked_once(self._login.use(self._check))

    async def _read(self, intake: Intake, token: Token) -> None:
        async with connected(self._settings, token, self._login.echo(), self.trusted) as client:
            if self._kept is None or not self._found_labels:
                places = await self._places(client)
                if self._kept is None or self._kept[0].labels != places:
                    source = GmailSource(places)
                    self._kept = source, MailReader(self.name, source, intake, self._settings.poll, self.clock)
                self._found_labels = True
            await self._kept[1].read(client)

    async def _check(self, token: Token) -> str:
        async with connected(self._settings, token, self._login.echo(), self.trusted) as client:
            source = GmailSource(await self._places(client))
            told = [
                f"{label.label} ({label.role}, {await source.total(client, ident)} messages)"
                for label, ident in zip(self._settings.labels, source.labels, strict=True)
            ]
        return f"{self._settings.mailbox} at {self._settings.system()['server']} ({token.told()}): {', '.join(told)}"

    async def _places(self, client: GoogleClient) -> dict[str, Place]:
        """What has each label, by its id. Raises OwnFaultError that names every missing one."""
        found = {word(item, "name"): word(item, "id") for item in entries(await client.ask("labels"), "labels")}
        missing = [repr(label.label) for label in self._settings.labels if not found.get(label.label)]
        if missing:
            there_are = ", ".join(sorted(found)[:50]) or "none"
            raise fault(RestReason.QUEUE_MISSING, f"no label {', '.join(missing)}; there are: {there_are}")
        return {found[label.label]: self._settings.place(label) for label in self._settings.labels}


class GmailSource:
    """A mailbox by some of its labels: a :class:`canary.queues.rest.mailbox.MailSource`.

    Where it stands is ``since HISTORY PAGE``, or ``list HISTORY PAGE`` while all that came lately is listed: the
    history from when that began goes on after it.
    """

    name = "mailbox"

    def __init__(self, labels: Mapping[str, Place]) -> None:
        self.labels, self.places = labels, tuple(labels.values())
        self._dates: dict[str, datetime] = {}
        """When the newest messages were received, by id."""

    async def changes(self, client: GoogleClient, cursor: str, since: datetime) -> AsyncIterator[MailChanges]:
        """What was added since a point of the history; all that came since ``since`` where that is none (404)."""
        how, history, page = [*cursor.split(" "), "", "", ""][:3]
        while not client.asked.enough:
            answer = None
            if how == "since":
                query = (("startHistoryId", history), *_ADDED, *_paged(page))
                answer = await client.ask("history", query, told=(404,))
            if answer is None and how != "list":
                how, history, page = "list", await self._now(client), ""
            if how == "list":
                query = (("q", f"after:{int(since.timestamp())}"), ("includeSpamTrash", "true"), ("maxResults", _PAGE))
                answer = await client.ask("messages", (*query, *_paged(page)))
                idents = [word(item, "id") for item in entries(answer, "messages")]
            else:
                idents = self._added(entries(answer, "history"))
            listed = [mail for ident in dict.fromkeys(idents) for mail in await self._mail(client, ident)]
            page, last = word(answer, "nextPageToken", 1000), how == "since"
            if not page:
                history, how = (word(answer, "historyId") or history) if last else history, "since"
            yield MailChanges(listed, f"{how} {history} {page}", last and not page)
            if last and not page:
                return

    async def newest(self, client: GoogleClient) -> datetime | None:
        """When the newest message with any of the labels was received; None if all say that nothing has them."""
        newest = dict[str, datetime]()
        for label in self.labels:
            query = (("labelIds", label), ("includeSpamTrash", "true"), ("maxResults", "1"))
            listed = entries(await client.ask("messages", query), "messages")
            if not listed and await self.total(client, label):
                raise fault(RestReason.BLIND, f"label {label!r} has messages, and none of them is shown")
            for ident in (word(item, "id") for item in listed[:1]):
                newest |= {ident: self._dates[ident]} if ident in self._dates else await self._date(client, ident)
        self._dates = newest
        return max(newest.values(), default=None)

    async def total(self, client: GoogleClient, label: str) -> int:
        """How many messages have a label. Raises OwnFaultError if that is not told."""
        number = word(await client.ask(f"labels/{label}"), "messagesTotal", 20)
        if not number.isdigit():
            raise fault(RestReason.GARBAGE, f"label {label!r}: got no number of its messages")
        return int(number)

    async def raw(self, client: GoogleClient, ident: str) -> bytes | None:
        """A message as it is stored; None if it is gone."""
        answer = await client.ask(f"messages/{ident}", (("format", "raw"),), told=(404,))
        if answer is None:
            return None
        return stored(answer, "raw")

    async def having(self, client: GoogleClient, mark: str) -> list[ListedMail]:
        """What a search for a word finds, of what has any of the labels."""
        query = (("q", f'"{mark}"'), ("includeSpamTrash", "true"), ("maxResults", "10"))
        found = entries(await client.ask("messages", query), "messages")
        return [mail for item in found for mail in await self._mail(client, word(item, "id"))]

    async def _now(self, client: GoogleClient) -> str:
        """Where the history of the mailbox stands now."""
        found = word(await client.ask("profile"), "historyId")
        if not found.isdigit():
            raise fault(RestReason.GARBAGE, "the profile of the mailbox: got no historyId")
        return found

    def _added(self, records: Iterable[Any]) -> list[str]:
        """The messages that were added, or were given a label, where they may have one that is looked for."""
        added = (
            at(one, "message")
            for record in records
            for what in ("messagesAdded", "labelsAdded")
            for one in (at(record, what) or () if isinstance(record, dict) else ())
        )
        return [word(mail, "id") for mail in added if self._may_be_here(at(mail, "labelIds"))]

    def _may_be_here(self, labels: Any) -> bool:
        return not isinstance(labels, list) or any(label in self.labels for label in labels if isinstance(label, str))

    async def _mail(self, client: GoogleClient, ident: str) -> list[ListedMail]:
        """A message in each place that it is in; in none if it is gone."""
        answer = await client.ask(f"messages/{ident}", _TOLD, told=(404,)) if ident else None
        if answer is None:
            return []
        received, labels = _received(answer), at(answer, "labelIds")
        headers = at(answer, "payload.headers")
        told = [(word(one, "name"), word(one, "value")) for one in headers] if isinstance(headers, list) else []
        wanted = [f"{name}: {' '.join(value.split())}\r\n" for name, value in told if name.lower() in _WANTED]
        header = f"{''.join(wanted)}\r\n".encode("utf-8", "replace")
        here = [self.labels[label] for label in self.labels if isinstance(labels, list) and label in labels]
        return [ListedMail(ident, place, header, received) for place in here]

    async def _date(self, client: GoogleClient, ident: str) -> dict[str, datetime]:
        answer = await client.ask(f"messages/{ident}", (("format", "minimal"),), told=(404,))
        return {} if answer is None else {ident: _received(answer)}


_WANTED = ("message-id", "subject")


def _paged(page: str) -> tuple[tuple[str, str], ...]:
    return (("pageToken", page),) if page else ()


def _received(answer: Any) -> datetime:
    """When Gmail got a message: milliseconds since 1970, as text. Raises OwnFaultError."""
    said = word(answer, "internalDate", 20)
    try:
        return datetime.fromtimestamp(int(said) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise fault(RestReason.GARBAGE, f"a message: got {said!r} at internalDate, want milliseconds") from None
