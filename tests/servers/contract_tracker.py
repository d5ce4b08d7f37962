"""Answers as Request Tracker's REST API does, from memory, and misbehaves on demand: for what a real one cannot do.

Nothing is proved by it that a real Request Tracker shows, too.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from servers.ports import LOOPBACK

QUEUES = {"1": "General", "3": "CPR", "4": "Spam"}


@dataclass
class Kept:
    """A ticket with its first message."""

    id: int
    queue: str
    mark: str
    updated: datetime
    created: datetime
    status: str = "new"
    text: str = ""

    def shown(self) -> dict[str, Any]:
        times = {"Created": _iso(self.created), "LastUpdated": _iso(self.updated)}
        return {"id": str(self.id), "Queue": {"Name": self.queue}, "Status": self.status, "Subject": "", **times}


@dataclass
class ContractTracker:
    """A context in which it answers. ``misbehaves`` is what it does instead, by what the path begins with."""

    misbehaves: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    kept: dict[int, Kept] = field(default_factory=dict)
    _sorted: list[Kept] = field(default_factory=list)

    def open(self, queue: str, mark: str, text: str = "", age: float = 0.0) -> int:
        """A ticket by mail; ``age`` is how many seconds ago it was."""
        number, at = len(self.kept) + 1, datetime.now(UTC) - timedelta(seconds=age)
        self.kept[number] = Kept(number, queue, mark, at, at, text=text)
        return number

    def fill(self, queue: str, number: int, age: float) -> None:
        """So many tickets, all changed ``age`` seconds ago and made years before."""
        at = datetime.now(UTC) - timedelta(seconds=age)
        for ident in range(len(self.kept) + 1, len(self.kept) + number + 1):
            self.kept[ident] = Kept(ident, queue, "a-stranger", at, at.replace(year=2020))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> Self:
        tracker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # their names there
                tracker._serve(self)

            def do_POST(self) -> None:
                tracker._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.misbehaves.clear()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"] or 0))
        path = request.path.removeprefix("/REST/2.0")
        self.asked.append(path)
        how = next((how for begin, how in self.misbehaves.items() if path.startswith(begin)), None)
        try:
            if how is None:
                answer = self._answer(urlsplit(path).path, parse_qs(urlsplit(path).query), body)
                status, headers, content = 404 if answer is None else 200, {}, json.dumps(answer).encode()
            else:
                status, headers, content = MISBEHAVIOUR[how]
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

    def _answer(self, path: str, query: Mapping[str, list[str]], body: bytes) -> Any:
        match path.strip("/").split("/"):
            case ["queues", "all"]:
                return {"items": [{"id": ident, "Name": name} for ident, name in QUEUES.items()]}
            case ["tickets"]:
                return {"items": [ticket.shown() for ticket in self._listed(query)]}
            case ["ticket", number]:
                ticket = self.kept.get(int(number))
                return ticket and ticket.shown()
            case ["ticket", number, "history"]:
                ticket = self.kept[int(number)]
                opened = {"id": number, "ObjectId": number, "Type": "Create", "Creator": {"id": "robin"}}
                return {"items": [opened | {"Created": _iso(ticket.created)}]}
            case ["transaction", number, "attachments"]:
                headers = f"Message-ID: <{self.kept[int(number)].mark}@persona.test>"
                return {"items": [{"id": number, "Headers": headers, "ContentType": "text/plain", "Filename": ""}]}
            case ["attachment", number]:
                return {"Content": base64.b64encode(self.kept[int(number)].text.encode()).decode()}
            case ["attachments"]:
                mark = json.loads(body)[0]["value"]
                return {"items": [{"TransactionId": str(t.id)} for t in self.kept.values() if t.mark == mark]}
            case ["transaction", number]:
                return {"Object": {"id": number}}
        return None

    def _listed(self, query: Mapping[str, list[str]]) -> Iterator[Kept]:
        asked = re.fullmatch(r"Queue = '(.*)' AND LastUpdated >= '(\d+) seconds ago'", query["query"][0])
        assert asked is not None, query
        since = datetime.now(UTC) - timedelta(seconds=int(asked[2]))
        size, page = int(query["per_page"][0]), int(query["page"][0])
        if len(self._sorted) != len(self.kept):
            self._sorted = sorted(self.kept.values(), key=lambda ticket: ticket.updated)
        recent = islice(self._sorted, bisect_left(self._sorted, since, key=lambda ticket: ticket.updated), None)
        here = (t for t in recent if t.queue == asked[1] and t.status != "deleted")
        yield from islice(here, size * (page - 1), size * page)


MISBEHAVIOUR: dict[str, tuple[int, dict[str, str], bytes]] = {
    "broken": (500, {}, b"Internal error"),
    "out of order": (503, {}, b"maintenance"),
    "limited": (429, {"Retry-After": "1"}, b""),
    "refused": (401, {}, b'{"message":"Unauthorized"}'),
    "forbidden": (403, {}, b'{"message":"Forbidden"}'),
    "elsewhere": (302, {"Location": "http://attacker.test/steal"}, b""),
    "a page": (200, {}, b"<html>please log in</html>"),
    "a number": (200, {}, b"7"),
    "nothing": (200, {}, b'{"items": []}'),
    "no list": (200, {}, b'{"items": {"id": 1}}'),
    "no tickets": (200, {}, b'{"items": [{"id": null}, 7, [], "x"]}'),
    "deep": (200, {}, b"[" * 200_000),
    "a bomb": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
    "endless": (200, {}, b'{"items": ['),
    "silent": (200, {}, b""),
}
"""Status, headers and body by what is done."""


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
