"""A small CA web site with report forms as CAs have them: real HTTP on loopback, with faults to switch on.

``/report`` a plain form, ``/app`` one made by script (the topic reveals required fields), ``/wizard`` two pages,
``/state`` with view state, CSRF token and cookie, ``/upload`` with a file field.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme
import uvicorn
from servers import form_pages as pages
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


class Fault(StrEnum):
    """What the site does wrong."""

    REJECTS = "rejects"  # 200, and a page that says no
    REJECTS_PLAINLY = "rejects_plainly"  # the same without anything that marks the words as an error
    ERROR = "error"  # HTTP 500 to every request
    SLOW = "slow"  # answers after a second
    HANGS = "hangs"  # takes the report, then never answers
    BREAKS_OFF = "breaks_off"  # takes the report, then closes the connection in the middle of the answer
    RENAMED = "renamed"  # a required field has another label and name
    ADDED = "added"  # a further required field
    CAPTCHA = "captcha"  # the form has a CAPTCHA and insists on it
    LOGIN = "login"  # the form is behind a login page
    OFF_SITE = "off_site"  # the form goes to another host
    DEAD_END = "dead_end"  # the form goes to a port on which nobody listens
    MOVED = "moved"  # the page redirects to another host
    BARE = "bare"  # a page without a form
    HOSTILE = "hostile"  # a form with labels made to break whatever is made of them


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form as it came in."""

    page: str
    fields: dict[str, str]
    files: dict[str, list[tuple[str, bytes]]] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    reference: str


class FormSite:
    """The site, served from a thread of its own while the ``with`` block lasts."""

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        on_load: Callable[[], None] | None = None,
        on_submission: Callable[[Submitted], None] | None = None,
    ) -> None:
        self.fault: Fault | None = None
        self.fault_on_submission: Fault | None = None
        self.lets_by: Callable[[Request], bool] = lambda _: False
        """Who meets no fault."""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of each request."""
        self.submissions: list[Submitted] = []
        self.further: dict[str, Response] = {}
        """By name, further pages."""
        self._folder, self._tls, self._on_load, self._on_submission = folder, tls, on_load, on_submission
        self._tokens: set[str] = set()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._deaf = socket.socket()
        self._deaf.bind(("127.0.0.1", 0))
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def dead_end(self) -> str:
        """Host and port on which nobody listens."""
        return f"127.0.0.1:{self._deaf.getsockname()[1]}"

    @property
    def ca_file(self) -> Path:
        """The CA that signed the site's certificate; no system trusts it."""
        return self._folder / "form-site-ca.pem"

    def __enter__(self) -> Self:
        app = Starlette(
            routes=[
                Route("/{page}", self._show, methods=["GET"]),
                Route("/{page}", self._take, methods=["POST"]),
                Route("/{page}/{step}", self._take, methods=["POST"]),
            ],
            middleware=[Middleware(_Policy)],
        )
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0, lifespan="off", **self._files())
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the form site did not start")
            self._stopping.wait(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
        self._deaf.close()

    def _files(self) -> dict[str, str]:
        if not self._tls:
            return {}
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        certificate = authority.issue_cert("127.0.0.1")
        key = self._folder / "form-site.pem"
        certificate.private_key_and_cert_chain_pem.write_to_path(str(key))
        return {"ssl_certfile": str(key), "ssl_keyfile": str(key)}

    async def _show(self, request: Request) -> Response:
        page = request.path_params["page"]
        by = self._by(request)
        if self._on_load:
            self._on_load()
        if page in self.further:
            return self.further[page]
        if self.fault is Fault.ERROR and not by:
            return HTMLResponse(pages.problem("Internal Server Error"), 500)
        if self.fault is Fault.MOVED and request.url.hostname != "localhost":
            return RedirectResponse(str(request.url.replace(hostname="localhost")))
        if self.fault is Fault.SLOW:
            await asyncio.sleep(1)
        if self.fault is Fault.LOGIN:
            return HTMLResponse(pages.login())
        token = secrets.token_hex(16)
        self._tokens.add(token)
        action = f"/{page}"
        if self.fault is Fault.DEAD_END:
            action = f"http://{self.dead_end}/"
        if self.fault is Fault.OFF_SITE:
            action = str(request.url.replace(hostname="localhost"))
        if self.fault is Fault.BARE:
            return HTMLResponse(pages.bare())
        html = (
            pages.hostile(action)
            if self.fault is Fault.HOSTILE
            else pages.form(page, action, token, None if by else self.fault)
        )
        if html is None:
            return HTMLResponse(pages.problem("Not Found"), 404)
        response = HTMLResponse(html)
        response.set_cookie("session", token, httponly=True)
        return response

    async def _take(self, request: Request) -> Response:
        page, step = request.path_params["page"], request.path_params.get("step")
        by = self._by(request)
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        files: dict[str, list[tuple[str, bytes]]] = {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and value.filename:
                files.setdefault(name, []).append((value.filename, await value.read()))
        if Fault.ERROR in (self.fault, self.fault_on_submission) and not by:
            return HTMLResponse(pages.problem("Internal Server Error"), 500)
        if page == "wizard" and step is None:
            return HTMLResponse(pages.wizard_second(fields))
        objection = None if by else self._objection(page, fields, request)
        if objection:
            return HTMLResponse(pages.rejection(objection, marked=self.fault is not Fault.REJECTS_PLAINLY))
        if self.fault is Fault.SLOW:
            await asyncio.sleep(1)
        submitted = Submitted(page, fields, files, dict(request.headers), f"CPR-{len(self.submissions) + 1:06d}")
        self.submissions.append(submitted)
        if self._on_submission:
            self._on_submission(submitted)
        return await self._answer(submitted, request)

    def _by(self, request: Request) -> bool:
        """Whether a request is let by what keeps others out; each is asked once."""
        self.asked.append((request.method, request.url.path, dict(request.headers)))
        return self.lets_by(request)

    async def _answer(self, submitted: Submitted, request: Request) -> Response:
        if self.fault_on_submission is Fault.MOVED:
            return RedirectResponse(str(request.url.replace(hostname="localhost")), 303)
        if self.fault is Fault.HANGS:
            await asyncio.to_thread(self._stopping.wait)
        if self.fault is Fault.BREAKS_OFF:
            return StreamingResponse(iter([b"<p>Tha"]), headers={"content-length": "1000"}, media_type="text/html")
        return HTMLResponse(pages.thanks(submitted.reference))

    def _objection(self, page: str, fields: dict[str, str], request: Request) -> str | None:
        if self.fault in (Fault.REJECTS, Fault.REJECTS_PLAINLY):
            return "The serial number was not found in our database."
        if self.fault is Fault.CAPTCHA and not fields.get("g-recaptcha-response"):
            return "Please confirm that you are not a robot."
        if self.fault is Fault.ADDED and not fields.get("relationship"):
            return "Please fill in: Relationship to the certificate."
        if page == "state":
            token = fields.get("csrf_token", "")
            if token not in self._tokens or request.cookies.get("session") != token:
                return "The form has expired (token mismatch)."
            if fields.get("__VIEWSTATE") != pages.VIEW_STATE:
                return "Validation of view state failed."
        return None


class _Policy:
    """Sends the strict content security policy that such sites have: no eval, scripts from the site alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))  # type: ignore[call-overload]
                policy = b"default-src 'self'; script-src 'self' 'nonce-form'; style-src 'self' 'unsafe-inline'"
                message = {**message, "headers": [*headers, (b"content-security-policy", policy)]}
            await send(message)

        await self._app(scope, receive, with_policy)
