"""Answers as the Gmail API does by its public description, for one mailbox: ours, and no proof of Google's servers.

From the description: an empty list is left out; the history is told from a point on, page by page, and is 404 where
that point is forgotten; times are milliseconds as text; too many questions are a 403 that says so, or a 429.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from servers.contract_graph import ContractGraph
from servers.ports import LOOPBACK

GMAILBOX = "desk@ca.test"
_USER = f"/gmail/v1/users/{GMAILBOX}/"
Answer = tuple[int, dict[str, str], Any]
RATE_LIMITED = {
    "error": {"code": 403, "errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}], "status": "x"}
}


@dataclass
class GmailMessage:
    """A message with its labels; ``history`` tells since when it has each."""

    id: str
    message_id: str
    raw: bytes
    received: datetime
    labels: dict[str, int]
    added: int

    def told(self, form: str) -> dict[str, Any]:
        known = {"id": self.id, "threadId": self.id, "labelIds": [*self.labels], "historyId": str(self.added)}
        date = str(int(self.received.timestamp() * 1000))
        match form:
            case "raw":
                return {**known, "internalDate": date, "raw": base64.urlsafe_b64encode(self.raw).decode().rstrip("=")}
            case "metadata":
                headers = [{"name": "Message-Id", "value": self.message_id}, {"name": "Subject", "value": "private"}]
                return {**known, "internalDate": date, "snippet": "private", "payload": {"headers": headers}}
        return {**known, "internalDate": date}


@dataclass
class ContractGmail(ContractGraph):
    """A context in which it answers for one mailbox; ``named`` are its labels by name, with their ids."""

    named: dict[str, str] = field(
        default_factory=lambda: {"INBOX": "INBOX", "SPAM": "SPAM", "TRASH": "TRASH", "CPR": "Label_7"}
    )
    mail: dict[str, GmailMessage] = field(default_factory=dict)
    page: int = 2
    forgotten: int = 0
    """The history from before this point is forgotten."""
    searched: bool = True
    too_much: bool = False
    _history: Any = field(default_factory=lambda: count(100))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def deliver(self, labels: list[str], message_id: str, text: str = "", age: float = 0.0) -> GmailMessage:
        """A message that was received so many seconds ago; each has a label of its own that nobody looks for."""
        raw = f"Subject: private\r\nMessage-ID: {message_id}\r\n\r\n{text}\r\n".encode()
        ident, at, here = f"gmail-{next(self._ids)}", next(self._history), self.now() - timedelta(seconds=age)
        self.mail[ident] = GmailMessage(ident, message_id, raw, here, dict.fromkeys([*labels, "UNREAD"], at), at)
        return self.mail[ident]

    def label(self, mail: GmailMessage, *, gives: str, takes: str) -> None:
        """Somebody moves it from one label to another."""
        mail.labels.pop(takes)
        mail.labels[gives] = next(self._history)

    def forget(self) -> None:
        """The history until now is forgotten."""
        self.forgotten = next(self._history)

    def _answer(self, path: str, _: dict[str, str]) -> Answer:
        if self.too_much:
            self.too_much = False
            return 403, {}, RATE_LIMITED
        if refused := self._refused():
            return refused
        return self._told(path.removeprefix(_USER), self._queries[-1])

    def _told(self, what: str, query: dict[str, list[str]]) -> Answer:
        newest = max([self.forgotten, 100, *(at for mail in self.mail.values() for at in mail.labels.values())])
        match what.split("/"):
            case ["profile"]:
                return 200, {}, {"emailAddress": GMAILBOX, "historyId": str(newest)}
            case ["labels"]:
                return 200, {}, {"labels": [{"id": ident, "name": name} for name, ident in self.named.items()]}
            case ["labels", ident]:
                return 200, {}, {"id": ident, "messagesTotal": sum(ident in m.labels for m in self.mail.values())}
            case ["messages"]:
                return 200, {}, self._paged("messages", [{"id": m.id} for m in self._listed_by(query)], query)
            case ["messages", ident] if ident in self.mail:
                return 200, {}, self.mail[ident].told(query["format"][0])
            case ["history"]:
                after = int(query["startHistoryId"][0])
                if after < self.forgotten:
                    return 404, {}, {"error": {"code": 404, "status": "NOT_FOUND"}}
                answer = self._paged("history", self._since(after), query)
                return 200, {}, {**answer, "historyId": str(newest)}
        return 404, {}, {"error": {"code": 404, "status": "NOT_FOUND"}}

    def _listed_by(self, query: dict[str, list[str]]) -> list[GmailMessage]:
        listed = sorted(self.mail.values(), key=lambda mail: mail.received, reverse=True)
        asked = query.get("q", [""])[0]
        if since := re.fullmatch(r"after:(\d+)", asked):
            return [mail for mail in listed if mail.received.timestamp() >= int(since[1])]
        if asked:
            return [mail for mail in listed if self.searched and asked.strip('"').encode() in mail.raw]
        return [mail for mail in listed if query["labelIds"][0] in mail.labels]

    def _since(self, after: int) -> list[dict[str, Any]]:
        records: list[tuple[int, dict[str, Any]]] = []
        for mail in self.mail.values():
            known = {"message": {"id": mail.id, "labelIds": [*mail.labels]}}
            if mail.added > after:
                records.append((mail.added, {"id": str(mail.added), "messagesAdded": [known]}))
            given = [at for at in mail.labels.values() if at > max(after, mail.added)]
            records += [(at, {"id": str(at), "messages": [{"id": mail.id}], "labelsAdded": [known]}) for at in given]
        return [record for _, record in sorted(records, key=lambda one: one[0])]

    def _paged(self, name: str, listed: list[Any], query: dict[str, list[str]]) -> dict[str, Any]:
        size, begins = min(self.page, int(query["maxResults"][0])), int(query.get("pageToken", ["0"])[0])
        part = listed[begins : begins + size]
        more = {"nextPageToken": str(begins + size)} if len(listed) > begins + size else {}
        return {**({name: part} if part else {}), **more, "resultSizeEstimate": len(part)}

    @property
    def _queries(self) -> list[dict[str, list[str]]]:
        """What was asked, as it was asked: a parameter may come several times."""
        return [parse_qs(urlsplit(url).query) for url in self.urls[-1:]]
