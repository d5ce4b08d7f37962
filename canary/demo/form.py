"""The demo CA's web form: checks what was entered, hands it to the mail system, and shows a reference number.

It works with and without JavaScript: the script only hides the fields that the chosen topic does not need.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from canary.demo.directory import CA_NAME
from canary.demo.mail_system import Enquiry, MailSystem

TOPICS = {
    "problem-report": "Report a problem with a certificate",
    "order": "Question about an order or invoice",
    "support": "Technical support",
}
PROBLEMS = {
    "key-compromise": "Private key compromised",
    "misissuance": "Certificate issued wrongly",
    "compliance": "Compliance or disclosure question",
    "other": "Something else",
}
_MAX_TEXT, _MAX_FILE, _MAX_REQUEST = 50_000, 5_000_000, 6_000_000
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_COOKIE = "form"

_pages = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True)


@dataclass(slots=True)
class _FormInput:
    """What was entered, and what is wrong with it by field name."""

    values: dict[str, str]
    attachment: tuple[str, bytes] | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def enquiry(self) -> Enquiry:
        details = {
            "problem-report": (
                ("Problem", PROBLEMS.get(self.values["problem"], "")),
                ("Certificate", self.values["certificate"]),
            ),
            "order": (("Order number", self.values["order"]),),
        }
        values = self.values
        return Enquiry(
            values["name"],
            values["email"],
            values["topic"],
            values["description"],
            details.get(values["topic"], ()),
            self.attachment,
        )


_LINES = ("name", "email", "topic", "problem", "certificate", "order", "consent")


async def _entry(form: FormData) -> _FormInput:
    """Read the fields: everything but the description becomes one line, and control characters vanish."""
    values = {name: _line(form.get(name)) for name in _LINES}
    values["description"] = _text(form.get("description"))
    entry = _FormInput(values)
    upload = form.get("evidence")
    if isinstance(upload, UploadFile) and upload.filename:
        content = await upload.read(_MAX_FILE + 1)
        entry.attachment = (_line(upload.filename)[:100] or "evidence", content)
    entry.errors = _errors(entry)
    return entry


def _line(value: Any) -> str:
    return " ".join(_text(value).split())[:500]


def _text(value: Any) -> str:
    """``value`` with line feeds only and without control characters; empty if it is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value.replace("\r\n", "\n") if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


def _errors(entry: _FormInput) -> dict[str, str]:
    values = entry.values
    wrong = {
        "topic": (values["topic"] not in TOPICS, "Please choose what your report is about."),
        "problem": (
            values["topic"] == "problem-report" and values["problem"] not in PROBLEMS,
            "Please choose what kind of problem it is.",
        ),
        "order": (values["topic"] == "order" and not values["order"], "Please enter the order number."),
        "name": (not values["name"], "Please enter your name."),
        "email": (not _EMAIL.fullmatch(values["email"]), "Please enter a valid email address."),
        "description": (not values["description"].strip(), "Please describe what happened."),
        "consent": (values["consent"] != "yes", "Please agree that we process your data to answer you."),
    }
    if len(values["description"]) > _MAX_TEXT:
        wrong["description"] = (True, f"Please keep the description under {_MAX_TEXT} characters.")
    if entry.attachment and len(entry.attachment[1]) > _MAX_FILE:
        wrong["evidence"] = (True, f"Please attach a file of at most {_MAX_FILE // 1_000_000} MB.")
    return {name: words for name, (is_wrong, words) in wrong.items() if is_wrong}


class Form:
    """The pages, as an ASGI application in ``app``."""

    def __init__(self, mail_system: MailSystem) -> None:
        self._mail_system = mail_system
        self._key = secrets.token_bytes(32)
        self._issued: set[str] = set()
        self.app = Starlette(
            routes=[
                Route("/", lambda _: RedirectResponse("/report")),
                Route("/report", self._show, methods=["GET"]),
                Route("/report", self._take, methods=["POST"]),
                Route("/received/{reference}", self._received),
            ]
        )

    async def _show(self, request: Request) -> Response:
        return self._form(request, _FormInput(dict.fromkeys((*_LINES, "description"), "")))

    async def _take(self, request: Request) -> Response:
        if int(request.headers.get("content-length", _MAX_REQUEST + 1)) > _MAX_REQUEST:
            return _page("refused.html", 413, why="What you sent is too large, or does not say how large it is.")
        async with request.form(max_files=1, max_fields=20, max_part_size=4 * _MAX_TEXT) as form:
            token = form.get("csrf_token")
            if not isinstance(token, str) or not self._is_ours(request.cookies.get(_COOKIE, ""), token):
                return _page("refused.html", 403, why="The form was open for too long. Please load it again.")
            entry = await _entry(form)
        if entry.errors:
            return self._form(request, entry)  # with status 200, as many a form does: the words tell, not the number
        reference = await self._mail_system.take_enquiry(entry.enquiry())
        self._issued.add(reference)
        return RedirectResponse(f"/received/{reference}", status_code=303)

    async def _received(self, request: Request) -> Response:
        reference = request.path_params["reference"]
        if reference not in self._issued:
            return _page("refused.html", 404, why="There is no such enquiry.")
        return _page("received.html", reference=reference)

    def _form(self, request: Request, entry: _FormInput) -> Response:
        session = request.cookies.get(_COOKIE) or secrets.token_urlsafe(16)
        page = _page(
            "form.html",
            topics=TOPICS,
            problems=PROBLEMS,
            values=entry.values,
            errors=entry.errors,
            csrf_token=self._token(session),
        )
        page.set_cookie(_COOKIE, session, httponly=True, samesite="strict")
        return page

    def _token(self, session: str) -> str:
        return hmac.digest(self._key, session.encode(), "sha256").hex()

    def _is_ours(self, session: str, token: str) -> bool:
        return bool(session) and hmac.compare_digest(self._token(session).encode(), token.encode())


def _page(template: str, status: int = 200, **values: str | Mapping[str, str]) -> Response:
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    text = _pages.get_template(template).render(ca=CA_NAME, nonce=nonce, **values)
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(text, status, headers)
