"""Answer as the APIs of three mail gateways do by what is told of them in public: ours, and no proof of the vendors'.

Proofpoint: Basic login; a list without pages, of one folder, of the last 24 hours if no date is named, which demands a
sender, a recipient or a subject; a message whole by its GUID; what is released stays in its folder unless it is moved.
Mimecast: a token; every question is a POST, pages by a token in what is posted; what is wrong is told with the status
200. Trellix: a key of its own header; the newest first, at most 200, the next ones until the time that is told last;
what is released stays in the list and says so; a name of its own for each message, and its Message-ID in it alone.
"""

from __future__ import annotations

import base64
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from servers.contract_tracker import MISBEHAVIOUR
from servers.ports import LOOPBACK

CPR = "problems@ca.test"
Answer = tuple[int, Any]
GATEWAY_MISBEHAVIOUR = {**MISBEHAVIOUR, "not there": (404, {}, b"Not Found"), "no word of it": (200, {}, b"{}")}
"""Status, headers and body by what is done."""


@dataclass
class GatewayMail:
    """A message that is held back; ``gone`` from every list, or ``released`` and still in it."""

    id: str
    message_id: str
    recipient: str
    subject: str
    at: datetime
    folder: str = "Quarantine"
    released: bool = False
    gone: bool = False

    @property
    def raw(self) -> bytes:
        return f"Subject: {self.subject}\r\nMessage-ID: <{self.message_id}>\r\n\r\nmost private\r\n".encode()


class ContractGateway(ABC):
    """A context in which it answers; ``misbehaves`` is what it does instead, by what the path begins with."""

    listing: ClassVar[str]
    whole: ClassVar[str] = "/nowhere"

    def __init__(self, is_good: Callable[[str], Any] = bool) -> None:
        self.held: list[GatewayMail] = []
        self.misbehaves: dict[str, str] = {}
        self.asked: list[tuple[str, Any]] = []
        self.is_good = is_good
        self._ids = count(1)

    @abstractmethod
    def answer(self, request: BaseHTTPRequestHandler, path: str, asked: Any) -> Answer:
        """Status and content: bytes as they are, anything else as JSON."""

    def release(self, mail: GatewayMail) -> None:
        """It is released, as the gateway shows that."""
        mail.gone = True

    def hold(self, message_id: str, subject: str = "Compromised key", age: float = 0.0) -> GatewayMail:
        """A message is held back, so many seconds ago."""
        at = datetime.now(UTC) - timedelta(seconds=age)
        self.held.append(GatewayMail(f"g{next(self._ids):06d}", message_id.strip("<>"), CPR, subject, at))
        return self.held[-1]

    def whole_asked_for(self) -> list[str]:
        """The paths by which a message was asked for whole."""
        return [path for path, _ in self.asked if path.startswith(self.whole)]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> Self:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # their names there
                gateway._serve(self)

            def do_POST(self) -> None:
                gateway._serve(self)

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
        body = request.rfile.read(int(request.headers["content-length"] or 0))
        asked = json.loads(body) if body else dict(parse_qsl(urlsplit(request.path).query))
        self.asked.append((request.path, asked))
        how = next((how for begin, how in self.misbehaves.items() if request.path.startswith(begin)), None)
        if how is None:
            (status, answer), headers = self.answer(request, urlsplit(request.path).path, asked), {}
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        else:
            status, headers, content = GATEWAY_MISBEHAVIOUR[how]
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


class ProofpointGateway(ContractGateway):
    """As Proofpoint Protection Server does."""

    listing = "/rest/v1/quarantine?folder"
    whole = "/rest/v1/quarantine?guid"

    def answer(self, request: BaseHTTPRequestHandler, path: str, asked: Any) -> Answer:
        login = "Basic " + base64.b64encode(b"canary:sesame-open-now").decode()
        if request.headers["authorization"] != login:
            return 401, b"Unauthorized"
        if path != "/rest/v1/quarantine" or request.command != "GET":
            return 404, b"Not Found"
        if "guid" in asked:
            found = next((m.raw for m in self.held if m.id == asked["guid"] and not m.gone), None)
            return (404, b"no message") if found is None else (200, found)
        if not {"from", "rcpt", "subject"} & asked.keys():
            return 400, {"error": "at least one of from, rcpt, subject"}
        day = datetime.now(UTC) - timedelta(days=1)
        since = (
            datetime.strptime(asked["startdate"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            if "startdate" in asked
            else day
        )
        there = [m for m in self.held if not m.gone and m.at >= since and m.recipient == asked["rcpt"]]
        records = [self._told(m) for m in there if m.folder == asked.get("folder", "Quarantine")]
        return 200, {"count": len(records), "records": records} if records else {"count": 0}

    @staticmethod
    def _told(mail: GatewayMail) -> dict[str, Any]:
        more = {"processingserver": "...", "size": "6496", "spamscore": "100", "from": "robin@persona.test"}
        place = {"guid": mail.id, "localguid": "6:6:239", "folder": mail.folder, "host_ip": "[192.0.2.1] [192.0.2.1]"}
        date = mail.at.strftime("%Y-%m-%d %H:%M:%S")
        return {**more, **place, "date": date, "subject": mail.subject, "messageid": mail.message_id, "rcpts": [CPR]}


class MimecastGateway(ContractGateway):
    """As message tracking of Mimecast's API 2.0 does."""

    listing = "/api/message-finder/search"

    def __init__(self, is_good: Callable[[str], Any] = bool) -> None:
        super().__init__(is_good)
        self.page, self.narrows, self.fails, self.ends = 2, True, "", True
        """How many it tells at a time, whether it knows the word of the search, what goes wrong with a 200, and whether
        its pages come to an end."""

    def answer(self, request: BaseHTTPRequestHandler, path: str, asked: Any) -> Answer:
        if not self.is_good((request.headers["authorization"] or "").removeprefix("Bearer ")):
            return 401, {"fail": [{"code": "token_verification_failed"}]}
        if path != self.listing or request.command != "POST":
            return 404, {"fail": [{"code": "not_found"}]}
        [wanted], pages = asked["data"], asked["meta"]["pagination"]
        start, end = (datetime.fromisoformat(wanted[name]) for name in ("start", "end"))
        if self.fails or start < datetime.now(UTC) - timedelta(days=30):
            code = self.fails or "err_track_and_trace_invalid_start_date"
            return 200, {"meta": {"status": 200}, "data": [], "fail": [{"errors": [{"code": code, "message": "no"}]}]}
        found = [m for m in self.held if start <= m.at <= end + timedelta(seconds=1)]
        found = [m for m in found if not self.narrows or m.message_id == wanted["messageId"]]
        begins = int(pages.get("pageToken", "page-0").removeprefix("page-"))
        ends = begins + min(self.page, pages["pageSize"])
        told: dict[str, Any] = {"pageSize": pages["pageSize"], "totalCount": len(found)}
        more = {"next": f"page-{ends}"} if ends < len(found) else {}
        if found and not self.ends:
            begins, ends, more = 0, 1, {"next": f"page-{begins + 1}"}
        emails = [self._told(mail) for mail in found[begins:ends]]
        data = [{"trackedEmails": emails}] if emails else []
        return 200, {"meta": {"status": 200, "pagination": {**told, **more}}, "data": data, "fail": []}

    @staticmethod
    def _told(mail: GatewayMail) -> dict[str, Any]:
        sent = mail.at.strftime("%Y-%m-%dT%H:%M:%S+0000")
        who = {"fromEnv": {"emailAddress": "robin@persona.test"}, "to": [{"displayableName": "", "emailAddress": CPR}]}
        what = {"route": "inbound", "spamScore": 2, "attachments": False, "senderIP": "192.0.2.1", "sent": sent}
        how = {"status": "archived" if mail.gone else "held", "info": "Spam policy"}
        return {**who, **what, **how, "id": mail.id, "received": sent, "subject": mail.subject}


class TrellixGateway(ContractGateway):
    """As Trellix Email Security - Cloud does."""

    listing = "/api/v1/quarantine/"
    whole = "/api/v1/quarantine/email/"

    def answer(self, request: BaseHTTPRequestHandler, path: str, asked: Any) -> Answer:
        if request.headers["x-fireeye-api-key"] != "sesame-open-now":
            return 401, {"message": "Unauthorized"}
        if path.startswith(self.whole):
            found = next((m.raw for m in self.held if m.id == path.removeprefix(self.whole)), None)
            return (404, {"message": "code=404"}) if found is None else (200, found)
        if path != self.listing or request.command != "POST":
            return 405, {"message": "Method Not Allowed"}
        wanted = asked["attributes"]
        since, until = (datetime.fromisoformat(wanted["date"][n]).replace(tzinfo=UTC) for n in ("from_date", "to_date"))
        there = [m for m in self.held if not m.gone and since <= m.at <= until + timedelta(seconds=1)]
        there = sorted((m for m in there if m.recipient in wanted["recipients"]), key=lambda m: m.at, reverse=True)
        part = there[: min(200, asked["size"])]
        last = {"timestamp_quarantine": _thousandths(part[-1].at)} if part else {}
        return 200, {"data": [self._told(m) for m in part], "meta": {"total": len(there), **last}}

    @staticmethod
    def _told(mail: GatewayMail) -> dict[str, Any]:
        released = [{"email_id": CPR, "is_released": int(mail.released), "key": "131d79133e0f05e2"}]
        verdicts = {"verdict_as": "fail", "verdict_av": "pass", "attachments": None, "country_code": "us"}
        who = {"from": "robin@persona.test", "recipients": [CPR], "sender_ip": "192.0.2.1", "domain": "ca.test"}
        at = _thousandths(mail.at)
        times = {"timestamp_quarantine": at, "timestamp_sent": at}
        return {**verdicts, **who, **times, "message_id": mail.id, "subject": mail.subject, "released": released}

    def release(self, mail: GatewayMail) -> None:
        mail.released = True


def _thousandths(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
