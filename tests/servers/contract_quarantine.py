"""Answers as Google's Mail Admin Quarantine API does by the description of its preview: ours, and no proof of Google's.

From the description: a search is a POST with a query in Gmail's syntax, whose empty list is left out; what it finds has
its owner in its name; a message is given out whole in Base64 for addresses.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from servers.contract_graph import ContractGraph, iso
from servers.ports import LOOPBACK

CUSTOMER = "C03az79cb"
_CUSTOMER = f"/v1/customers/{CUSTOMER}/"
Answer = tuple[int, dict[str, str], Any]


@dataclass
class HeldMessage:
    """A message that is held back, and whose it is."""

    name: str
    owner: str
    raw: bytes
    received: datetime
    state: str = "PENDING_TRIAGE"

    def told(self) -> dict[str, Any]:
        known = {"name": self.name, "messageOwner": self.owner, "state": self.state, "direction": "INBOUND"}
        return {**known, "receiveTime": iso(self.received), "quarantines": [f"customers/{CUSTOMER}/quarantines/0"]}


@dataclass
class ContractQuarantine(ContractGraph):
    """A context in which it answers for one organisation."""

    held: list[HeldMessage] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: ["Default"])
    page: int = 2
    understands: bool = True
    """Whether it knows the word of the query: else it finds everything."""

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def hold(self, owner: str, message_id: str, text: str = "", age: float = 0.0) -> HeldMessage:
        """A message to somebody is held back."""
        raw = f"Subject: private\r\nMessage-ID: {message_id}\r\n\r\n{text}\r\n".encode()
        name = f"customers/{CUSTOMER}/quarantinedMessages/{owner}:{next(self._ids):016x}"
        self.held.append(HeldMessage(name, owner, raw, self.now() - timedelta(seconds=age)))
        return self.held[-1]

    def _answer(self, path: str, query: dict[str, str]) -> Answer:
        if refused := self._refused():
            return refused
        match path.removeprefix(_CUSTOMER):
            case "quarantines":
                return 200, {}, {"quarantines": [{"name": "q/0", "displayName": name} for name in self.names]}
            case "quarantinedMessages:search":
                return 200, {}, self._found(self.bodies[-1])
        found = next((held for held in self.held if path == f"/v1/{held.name}"), None)
        if found is None:
            return 404, {}, {"error": {"code": 404, "status": "NOT_FOUND"}}
        whole = {"rawMessage": base64.urlsafe_b64encode(found.raw).decode().rstrip("=")}
        return 200, {}, {**found.told(), **(whole if query["view"] == "MESSAGE_VIEW_RAW" else {})}

    def _found(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = asked["query"].removeprefix("rfc822msgid:").encode()
        listed = [held.told() for held in self.held if not self.understands or b"<" + wanted + b">" in held.raw]
        begins = int(asked.get("pageToken", 0))
        part = listed[begins : begins + min(self.page, asked["pageSize"])]
        more = {"nextPageToken": str(begins + len(part))} if len(listed) > begins + len(part) else {}
        return {**({"quarantinedMessages": part} if part else {}), **more}
