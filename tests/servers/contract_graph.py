"""Answers as Microsoft Graph's message trace does by its public description, from memory, and misbehaves on demand.

It is ours and proves nothing of Microsoft's servers. From the description: both bounds of a time or none, ten days at
most, no older than ninety, none in the future; pages of ``$top`` with ``$skiptoken``; a filter keeps one value of a
property; 100 questions in five minutes, then 429 with Retry-After. Rows and steps come some time after the message.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from servers.contract_tracker import MISBEHAVIOUR
from servers.ports import LOOPBACK

TRACES = "/v1.0/admin/exchange/tracing/messageTraces"
GRAPH_MISBEHAVIOUR: dict[str, tuple[int, dict[str, str], bytes]] = {
    **MISBEHAVIOUR,
    "nothing": (200, {}, b'{"value": []}'),
    "no list": (200, {}, b'{"value": {"id": 1}}'),
    "no rows": (200, {}, b'{"value": [{"id": null}, 7, [], "x"]}'),
    "goes on elsewhere": (200, {}, b'{"value": [], "@odata.nextLink": "https://attacker.test/v1.0/next"}'),
    "goes on for ever": (200, {}, b'{"value": [], "@odata.nextLink": "HERE"}'),
    "endless": (200, {}, b'{"value": ['),
}
"""Status, headers and body by what is done."""
del GRAPH_MISBEHAVIOUR["no tickets"]

STEPS = {
    "delivered": ("Deliver", "The message was successfully delivered."),
    "filteredAsSpam": ("Deliver", "The message was successfully delivered to the folder: DefaultFolderType:JunkEmail"),
    "quarantined": ("Spam", "Spam confidence level: 8"),
    "failed": ("Fail", "Reason: [{LED=554 5.2.2 mailbox full; carol@ca.test};{MSG=};{FQDN=};{IP=};{LRT=}]"),
    "pending": ("Defer", "Reason: [{LED=450 4.4.317 Cannot connect to remote server};{MSG=};{FQDN=};{IP=}]"),
    "expanded": ("Expand DL", "The message was sent to a distribution list (DL) that was expanded."),
}


@dataclass
class Row:
    """What became of a message for one recipient; it is shown from ``shown`` on, its steps from ``stepped`` on."""

    id: str
    message_id: str
    recipient: str
    status: str
    received: datetime
    shown: datetime
    stepped: datetime
    step: tuple[str, str] | None = None

    def told(self) -> dict[str, Any]:
        private = {"senderAddress": "robin@persona.test", "subject": "private words", "fromIP": "", "toIP": ""}
        found = {"id": self.id, "messageId": self.message_id, "recipientAddress": self.recipient}
        return {**private, **found, "status": self.status, "receivedDateTime": iso(self.received), "size": 1}

    def steps(self) -> list[dict[str, Any]]:
        event, said = self.step or STEPS.get(self.status, ("Receive", ""))
        received = {
            "event": "Receive",
            "dateTime": iso(self.received),
            "action": "",
            "description": "by: A",
            "data": "",
        }
        at = iso(self.received + timedelta(seconds=5))
        return [{**received, "event": event, "dateTime": at, "description": said}, received]


@dataclass
class ContractGraph:
    """A context in which it answers who shows a token that ``is_good``; ``misbehaves`` by what is in the path."""

    is_good: Callable[[str], Any] = bool
    misbehaves: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    left: int = 1_000_000
    """Questions that are answered until it wants to be left alone."""
    page: int = 1000
    ahead: timedelta = timedelta()
    """By how much its clock is ahead of ours."""
    _ids: Iterator[int] = field(default_factory=count)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def trace(self, message_id: str, age: float = 0.0, lag: float = 0.0, **statuses: str) -> list[Row]:
        """A message, and what became of it: ``statuses`` by the local part of the recipient at ``ca.test``."""
        received = self.now() - timedelta(seconds=age)
        shown, ident = self.now() + timedelta(seconds=lag), f"trace-{next(self._ids)}"
        made = [Row(ident, message_id, f"{who}@ca.test", how, received, shown, shown) for who, how in statuses.items()]
        self.rows += made
        return made

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}/v1.0"

    def asked_for(self, what: str) -> list[str]:
        """The questions with this in them."""
        return [asked for asked in self.asked if what in asked]

    def __enter__(self) -> Self:
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # its name there
                graph._serve(self)

            def do_POST(self) -> None:
                graph.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                graph._serve(self)

            def date_time_string(self, timestamp: float | None = None) -> str:
                return super().date_time_string(graph.now().timestamp() if timestamp is None else timestamp)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.misbehaves.clear()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        path, query = unquote(parts.path), {key: found[0] for key, found in parse_qs(parts.query).items()}
        self.asked.append(f"{path}?{query.get('$filter', '')}{query.get('$search', '')}")
        self.urls.append(request.path)
        self.tokens.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        how = next((how for part, how in self.misbehaves.items() if part in path), None)
        self.left -= 1
        if how is not None:
            status, headers, content = GRAPH_MISBEHAVIOUR[how]
            content = content.replace(b"HERE", f"{self.url}/next".encode())
        else:
            status, headers, answer = self._answer(path, query)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(content)
            while how == "endless" and self.misbehaves:
                request.wfile.write(b" " * 65536)
            while how == "silent" and self.misbehaves:
                threading.Event().wait(0.05)
        except OSError:
            pass

    def _answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        if refused := self._refused():
            return refused
        steps = re.fullmatch(rf"{TRACES}/([^/]+)/getDetailsByRecipient\(recipientAddress='((?:[^']|'')*)'\)", path)
        if steps:
            there = (row for row in self.rows if row.id == steps[1] and row.recipient == steps[2].replace("''", "'"))
            return 200, {}, {"value": [s for row in there if row.stepped <= self.now() for s in row.steps()]}
        return self._listed(query) if path == TRACES else self._elsewhere(path, query)

    def _refused(self) -> tuple[int, dict[str, str], Any] | None:
        """Its answer to who asks too much, or shows no token that is good."""
        if self.left < 0:
            self.left = 1_000_000
            return 429, {"Retry-After": "1"}, error("TooManyRequests", "Your recent queries have surpassed the limit.")
        if not self.is_good(self.tokens[-1]):
            return 401, {}, error("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        return None

    def _elsewhere(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        """What is at another address than that of the traces."""
        return 404, {}, error("ResourceNotFound", f"There is no {path}.")

    def _listed(self, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        wanted = query.get("$filter", "")
        times = {how: datetime.fromisoformat(at) for how, at in re.findall(r"receivedDateTime (ge|le) (\S+)", wanted)}
        since, until = times.get("ge", self.now() - timedelta(days=2)), times.get("le", self.now())
        top, skipped = int(query.get("$top", self.page)), int(query.get("$skiptoken", 0))
        wrong = self._wrong(set(times), since, until, top)
        if wrong:
            return 400, {}, error("BadRequest", wrong)
        equal = {name: value.replace("''", "'") for name, value in re.findall(r"(\w+) eq '((?:[^']|'')*)'", wanted)}
        found = [
            row.told()
            for row in sorted(self.rows, key=lambda one: one.received, reverse=True)
            if row.shown <= self.now() and since <= row.received <= until
        ]
        found = [row for row in found if all(row[name].casefold() == value.casefold() for name, value in equal.items())]
        answer: dict[str, Any] = {"value": found[skipped : skipped + top]}
        if len(found) > skipped + top:
            more = urlencode({**query, "$skiptoken": skipped + top})
            answer["@odata.nextLink"] = f"{self.url.removesuffix('/v1.0')}{TRACES}?{more}"
        return 200, {}, answer

    def _wrong(self, given: set[str], since: datetime, until: datetime, top: int) -> str:
        if given and given != {"ge", "le"}:
            return "EndDate is required when a StartDate is entered."
        if until - since > timedelta(days=10):
            return "The interval between StartDate and EndDate can't be longer than 10 days."
        if since < self.now() - timedelta(days=90):
            return "Invalid StartDate value. The StartDate can't be older than 90 days from today."
        if until > self.now():
            return "Invalid EndDate value. The EndDate can't be in the future."
        return "" if 1 <= top <= 5000 else "ResultSize is invalid."


def iso(at: datetime) -> str:
    """A time as it writes them."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error(code: str, message: str) -> dict[str, Any]:
    """An error as it writes them."""
    return {"error": {"code": code, "message": message}}
