"""A ticket system in memory that things happen to, and a server on loopback that shows them as one vendor's API does.

How a system is added:

1. Describe it in ``canary/queues/tickets/systems/NAME.yaml``.
2. Derive a class from :class:`ContractSystem` in ``contract/NAME.py`` (dashes are underscores there). Its ``answer``
   says how the vendor shows what is kept here: as the vendor's public description has it, the odd parts included. Tell
   in its docstring what that description is. Keep in it nothing of the happenings themselves: those are
   :meth:`ContractSystem.arrive`, ``move``, ``assign`` and so on, the same for every system.
3. Put it into ``SYSTEMS`` in ``contract/table.py``: the happenings that it cannot have, each with a sentence that
   stands word for word in ``docs/systems/NAME.md``, and those of which another thing is told there than elsewhere.

``test_presets.py`` does the rest.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from servers.contract_tracker import MISBEHAVIOUR
from servers.ports import LOOPBACK

REPORTER = "robin"
MACHINE = "robot"


@dataclass(frozen=True)
class Done:
    """What was done with a ticket: ``kind`` is one of move, assign, reply, note, status, merge."""

    id: int
    kind: str
    by: str
    at: datetime
    old: str = ""
    new: str = ""


@dataclass
class Filed:
    """A ticket with its first message. ``aside`` is where it was put that is no queue, such as ``spam``."""

    id: int
    queue: str
    subject: str
    text: str
    message_id: str
    created: datetime
    updated: datetime
    files: dict[str, bytes] = field(default_factory=dict)
    status: str = "new"
    owner: str = ""
    aside: str = ""
    merged_into: int | None = None
    done: list[Done] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A request: the path in pieces, without what stands before it in every one."""

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    body: Any
    login: str

    def number(self, name: str, otherwise: int) -> int:
        """A number among the parameters."""
        return int(self.query.get(name, otherwise))


@dataclass(frozen=True)
class Answer:
    """An answer that is not simply JSON with status 200; a ``body`` of bytes is sent as it is."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class ContractSystem(ABC):
    """A context in which it answers.

    ``misbehaves`` is what it does instead of answering, by what the path begins with; ``hidden`` is what its lists do
    not show yet, ``empty`` says that they show nothing. ``asked`` are the paths that it was asked for.
    """

    queues: ClassVar[dict[int, str]] = {1: "General", 3: "CPR", 4: "Spam", 5: "Archive"}
    """By id; nobody watches the last one."""
    junk: ClassVar[str] = ""
    """Where it puts junk aside, if that is no queue."""
    users: ClassVar[dict[str, int]] = {REPORTER: 11, "anna": 12, MACHINE: 13, "canary": 14}
    login: ClassVar[str] = "Bearer sesame-open-now"
    """What the header Authorization must be."""
    header: ClassVar[str] = "Authorization"
    listing: ClassVar[str]
    """What the path of the list of changes begins with."""
    first_number: ClassVar[int] = 101
    prefix: ClassVar[str] = ""
    """What stands before the name of each queue, where people say it."""

    def __init__(self) -> None:
        self.filed: dict[int, Filed] = {}
        self.misbehaves: dict[str, str] = {}
        self.asked: list[str] = []
        self.hidden: set[int] = set()
        self.empty = False
        self._acts = 1000
        self._port = 0

    @abstractmethod
    def answer(self, asked: Asked) -> Any:
        """What the vendor's system answers: JSON, or an :class:`Answer`; None where there is no such thing."""

    def written(self, asked: Asked) -> Any:
        """What is answered to whoever changes something, as the account ``canary``; None where nothing is."""
        return None

    # What happens

    def arrive(self, queue: str, mark: str, subject: str = "Compromised key", age: float = 0.0) -> int:
        """A report by mail opens a ticket, so many seconds ago; its number."""
        number, at = self.first_number + len(self.filed), datetime.now(UTC) - timedelta(seconds=age)
        text, files = f"A report.\n\n{mark}\n", {"a.zip": bytes(range(256))}
        self.filed[number] = Filed(number, queue, subject, text, f"{mark}@persona.test", at, at, files)
        return number

    def move(self, number: int, queue: str, by: str = "anna") -> None:
        ticket = self.filed[number]
        self._do(ticket, "move", by, ticket.queue, queue)
        ticket.queue = queue

    def assign(self, number: int, by: str = "anna", owner: str = "anna") -> None:
        ticket = self.filed[number]
        self._do(ticket, "assign", by, ticket.owner, owner)
        ticket.owner = owner

    def reply(self, number: int, by: str = "anna", text: str = "We look into it.") -> None:
        self._do(self.filed[number], "reply", by, new=text)

    def note(self, number: int, by: str = "anna", text: str = "A note of ours.") -> None:
        """A comment that whoever reported does not see."""
        self._do(self.filed[number], "note", by, new=text)

    def solve(self, number: int, by: str = "anna") -> None:
        ticket = self.filed[number]
        self._do(ticket, "status", by, ticket.status, "solved")
        ticket.status = "solved"

    def merge(self, number: int, into: int, by: str = "anna") -> None:
        ticket = self.filed[number]
        self._do(ticket, "merge", by, new=str(into))
        ticket.merged_into = into

    def delete(self, number: int) -> None:
        self._do(self.filed[number], "status", "anna", self.filed[number].status, "deleted")
        self.filed[number].aside = "deleted"

    def arrive_as_junk(self, mark: str) -> int:
        """It takes a report for junk, and puts it where that is."""
        number = self.arrive("General" if self.junk else "Spam", mark)
        self.filed[number].aside = self.junk
        return number

    def _do(self, ticket: Filed, kind: str, by: str, old: str = "", new: str = "") -> None:
        self._acts += 1
        at = max(datetime.now(UTC), ticket.updated + timedelta(milliseconds=1))
        ticket.done.append(Done(self._acts, kind, by, at, old, new))
        ticket.updated = at

    # What vendors need to show it

    def named(self, number: int) -> str:
        """What an operator calls a ticket by."""
        return str(number)

    def changed(self, since: datetime, queue: str | None = None, aside: str = "") -> list[Filed]:
        """What changed since then, as far as the index knows: the oldest change first."""
        known = () if self.empty else (t for t in self.filed.values() if t.id not in self.hidden)
        here = (t for t in known if t.updated >= since and queue in (None, t.queue) and t.aside == aside)
        return sorted(here, key=lambda ticket: ticket.updated)

    def queue_id(self, name: str) -> int:
        return next(ident for ident, queue in self.queues.items() if queue == name)

    def user_name(self, ident: int) -> str:
        return next(name for name, user in self.users.items() if user == ident)

    def find(self, number: str) -> Filed | None:
        """A ticket by its number, unless it is put aside."""
        ticket = self.filed.get(int(number)) if number.isdigit() else None
        return None if ticket is None or ticket.aside else ticket

    # The server

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Answer, again at the same address if it did before."""
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # their names there
                system._serve(self)

            def do_POST(self) -> None:
                system._serve(self)

            def do_PUT(self) -> None:
                system._serve(self)

            def do_PATCH(self) -> None:
                system._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be down."""
        self.misbehaves.clear()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        content = request.rfile.read(int(request.headers["content-length"] or 0))
        how = next((how for begin, how in self.misbehaves.items() if request.path.startswith(begin)), None)
        self.asked.append(request.path)
        try:
            if how is None:
                self._answer(request, content)
                return
            status, headers, body = MISBEHAVIOUR[how]
            _send(request, status, headers, body)
            while how in ("endless", "silent") and self.misbehaves:
                request.wfile.write(b" " * 65536 if how == "endless" else b"")
                threading.Event().wait(0.05 if how == "silent" else 0)
        except OSError:
            pass

    def _answer(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        parts = urlsplit(request.path)
        path = tuple(unquote(piece) for piece in parts.path.strip("/").split("/"))
        login = request.headers.get(self.header, "")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(request.command, path, query, json.loads(content) if content else None, login)
        found: Any = Answer({"error": "no such login"}, 401)
        if self.login in ("", login):
            found = self.written(asked) if asked.method != "GET" else None
            found = self.answer(asked) if found is None and asked.method in ("GET", "POST") else found
        answer = found if isinstance(found, Answer) else Answer(found, 404 if found is None else 200)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        _send(request, answer.status, {"Content-Type": "application/json", **answer.headers}, body)


def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


def page_of(found: Iterable[Any], begin: int, size: int) -> list[Any]:
    """A piece of a list."""
    return list(found)[begin : begin + size]
