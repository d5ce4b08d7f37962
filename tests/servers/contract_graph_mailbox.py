"""Answers as Microsoft Graph's mailboxes do by its public description: ours, and proves nothing of Microsoft's servers.

From the description: a list of what changed in a folder ends with a delta link, and goes on with a skip token before;
a link that is too old is answered with 410; an item comes again when it changed, and is ``@removed`` when it left. A
search finds something only some time after it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

from servers.contract_graph import ContractGraph, error, iso

MAILBOX = "desk@ca.test"
_USER = f"/v1.0/users/{MAILBOX}"
Answer = tuple[int, dict[str, str], Any]


@dataclass
class StoredMail:
    """A message in a folder; ``changed`` counts the changes of the whole mailbox."""

    id: str
    folder: str
    message_id: str
    raw: bytes
    received: datetime
    changed: int
    left: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        private = {"@odata.etag": "W", "subject": _subject(self.raw)}
        return {**private, "id": self.id, "internetMessageId": self.message_id, "receivedDateTime": iso(self.received)}


@dataclass
class ContractGraphMailbox(ContractGraph):
    """A context in which it answers for one mailbox with these folders, by id; ``named`` are those below the inbox."""

    folders: list[str] = field(default_factory=lambda: ["inbox", "junkemail", "deleteditems", "folder-cpr"])
    named: dict[str, str] = field(default_factory=lambda: {"CPR": "folder-cpr"})
    mail: dict[str, StoredMail] = field(default_factory=dict)
    page: int = 2
    forgotten: int = 0
    """Delta links from before this change are answered with 410."""
    searched: bool = True
    _changes: Any = field(default_factory=lambda: count(1))

    def deliver(self, folder: str, message_id: str, text: str = "", age: float = 0.0) -> StoredMail:
        """A message that was received so many seconds ago."""
        raw = f"Subject: private words\r\nMessage-ID: {message_id}\r\n\r\n{text}\r\n".encode()
        ident = f"mail-{next(self._ids)}"
        received = self.now() - timedelta(seconds=age)
        self.mail[ident] = StoredMail(ident, folder, message_id, raw, received, next(self._changes))
        return self.mail[ident]

    def move(self, mail: StoredMail, folder: str) -> None:
        """Somebody moves it: it keeps its name, which is the immutable one."""
        mail.changed = next(self._changes)
        mail.left[mail.folder] = mail.changed
        mail.folder = folder

    def touch(self, mail: StoredMail) -> None:
        """Somebody reads it."""
        mail.changed = next(self._changes)

    def forget(self) -> None:
        """No delta link is known any more."""
        self.forgotten = next(self._changes)

    def _elsewhere(self, path: str, query: dict[str, str]) -> Answer:
        below = re.fullmatch(rf"{_USER}/mailFolders/([^/]+)(/.*)?", path)
        stored = re.fullmatch(rf"{_USER}/messages/([^/]+)/\$value", path)
        if stored and stored[1] in self.mail:
            return 200, {}, self.mail[stored[1]].raw
        if below and below[1] in self.folders:
            return self._folder(below[1], below[2] or "", query)
        return 404, {}, error("ErrorItemNotFound", "The specified object was not found in the store.")

    def _folder(self, folder: str, rest: str, query: dict[str, str]) -> Answer:
        here = [mail for mail in self.mail.values() if mail.folder == folder]
        match rest:
            case "":
                return 200, {}, {"id": folder, "totalItemCount": len(here)}
            case "/childFolders":
                name = query["$filter"].removeprefix("displayName eq '").removesuffix("'").replace("''", "'")
                return 200, {}, {"value": [{"id": self.named[name]}] if name in self.named else []}
            case "/messages/delta":
                return self._delta(folder, query)
            case "/messages" if "$search" in query:
                word = query["$search"].strip('"').encode()
                return 200, {}, {"value": [mail.told() for mail in here if self.searched and word in mail.raw]}
            case "/messages":
                newest = sorted(here, key=lambda mail: mail.received, reverse=True)
                return 200, {}, {"value": [mail.told() for mail in newest[: int(query["$top"])]]}
        return 404, {}, error("ResourceNotFound", "There is no such thing.")

    def _delta(self, folder: str, query: dict[str, str]) -> Answer:
        after, skipped = int(query.get("$deltatoken", 0)), int(query.get("$skiptoken", 0))
        if "$deltatoken" in query and after < self.forgotten:
            return 410, {}, error("SyncStateNotFound", "The sync state generation is not found.")
        since = datetime.min.replace(tzinfo=UTC)
        if wanted := query.get("$filter"):
            since = datetime.fromisoformat(wanted.removeprefix("receivedDateTime ge "))
        listed: list[tuple[int, dict[str, Any]]] = [
            (mail.changed, mail.told())
            for mail in self.mail.values()
            if mail.folder == folder and mail.changed > after and mail.received >= since.replace(microsecond=0)
        ]
        listed += [
            (mail.left[folder], {"id": mail.id, "@removed": {"reason": "deleted"}})
            for mail in self.mail.values()
            if after < mail.left.get(folder, 0) and mail.folder != folder
        ]
        told = [item for _, item in sorted(listed, key=lambda one: one[0])]
        answer: dict[str, Any] = {"value": told[skipped : skipped + self.page]}
        here = f"{self.url}/users/{MAILBOX}/mailFolders/{folder}/messages/delta"
        if len(told) > skipped + self.page:
            answer["@odata.nextLink"] = f"{here}?{urlencode({**query, '$skiptoken': skipped + self.page})}"
        else:
            newest = max([self.forgotten, *(mail.changed for mail in self.mail.values())])
            answer["@odata.deltaLink"] = f"{here}?{urlencode({'$deltatoken': newest})}"
        return 200, {}, answer


def _subject(raw: bytes) -> str:
    found = re.search(rb"^Subject: (.*)\r$", raw, re.MULTILINE)
    return found[1].decode() if found else ""
