"""Every row of the page of whose fault what is, in its section about forms: both kinds of form, run and judged."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import START, a_case
from builders import report as seen
from channels.forms.opting_in import MAIL, Mailing, opt_in
from channels.hurried_clock import HurriedClock
from channels.opened import resources
from docs.fault_table import Row, sections
from judging import verdict
from servers.form_examples import SENDER, report, web_form
from servers.form_site import Fault, FormSite
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from canary.channels import Letters, Resources
from canary.channels.forms.browser import Browser
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.settings import BrowserSettings, HttpFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.clock import Clock
from canary.model import Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")
FIELDS = {
    "name": "{name}", "email": "{email}", "subject": "{subject}", "text": "{text}", "serial": "{serial}",
    "topic": "cpr", "kind": "tls", "consent": "on",
}  # fmt: skip
MAIL_ELSEWHERE = MAIL.replace("{site}", "http://localhost:9")
SHORT = {"text": "Thank you for your report", "within": "600ms"}
Patch = pytest.MonkeyPatch


class Tried:
    """One way to submit a form: a kind of channel, with the browser for the one that needs it."""

    def __init__(self, kind: str, folder: Path, browser: Browser, patch: Patch) -> None:
        self.kind, self.folder, self.browser, self.patch = kind, folder, browser, patch
        self.letters: Letters | None = None
        self.clock = Clock()

    async def submit(self, url: str, **changes: Any) -> Submission:
        """Submit a report to the form at ``/report``."""
        channel: HttpFormChannel | WebFormChannel
        if self.kind == "http_form":
            given = {"url": f"{url}/report", "arrives_in": "cpr", "approved_by": "the tests", "fields": FIELDS}
            confirm = {"text": "Thank you for your report", "within": "20s"}
            settings = HttpFormSettings.model_validate(given | {"serial": "01" * 8, "confirm": confirm} | changes)
            channel = HttpFormChannel(settings, SENDER, self.resources())
        else:
            channel = WebFormChannel(web_form(url, "report", **changes), SENDER, self.resources())
        return await channel.submit(channel.prepare(report()), within=60)

    def resources(self) -> Resources:
        """What the channel is opened with."""
        return resources(self.browser, clock=self.clock, letters=self.letters)

    async def opting_in(self, *mails: str, shows: Response | None = None, read: bool = True) -> Submission:
        """Submit it to a form that sends these mails, and shows this behind their link."""
        mailing = Mailing(self.folder, *mails, clock=self.clock, read=read)
        self.letters = mailing.letters
        if shows is not None:
            mailing.shows(shows)
        with mailing.site as site:
            return await self.submit(site.url, opt_in=opt_in(confirm={"text": "is confirmed", "within": "2s"}))

    async def at(self, fault: Fault | None = None, on_submission: Fault | None = None, /, **changes: Any) -> Submission:
        """Submit it to a site with these faults."""
        with FormSite(self.folder) as site:
            site.fault, site.fault_on_submission = fault, on_submission
            return await self.submit(site.url, **changes)

    async def when_looking_up(self, error: OSError) -> Submission:
        """Submit it while the system fails so at each name."""

        def fails(*_: object, **__: object) -> None:
            raise error

        self.patch.setattr(socket, "getaddrinfo", fails)
        return await self.submit("https://forms.ca.example")


async def nobody_listens(tried: Tried) -> Submission:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return await tried.submit(f"http://127.0.0.1:{closed.getsockname()[1]}")


async def not_verified(tried: Tried) -> Submission:
    with FormSite(tried.folder, tls=True) as site:
        return await tried.submit(site.url)


async def no_browser(tried: Tried) -> Submission:
    tried.browser = Browser(BrowserSettings(executable=tried.folder / "absent"), Clock())
    return await tried.submit("http://127.0.0.1:9")


async def unread(tried: Tried) -> Submission:
    tried.clock = HurriedClock()
    return await tried.opting_in(MAIL_ELSEWHERE, read=False)


async def hanging_link(tried: Tried) -> Submission:
    """A page behind the link of which nothing but the head comes."""
    never = asyncio.Event()

    async def nothing() -> AsyncIterator[bytes]:
        yield b"<p>"
        await never.wait()

    changes: dict[str, Any] = {"loads_within": "2s"}
    mailing = Mailing(tried.folder, MAIL)
    tried.letters = mailing.letters
    mailing.shows(StreamingResponse(nothing(), media_type="text/html"))
    with mailing.site as site:
        return await tried.submit(site.url, opt_in=opt_in(confirm={"text": "is confirmed", "within": "2s"}), **changes)


async def crashes(tried: Tried) -> Submission:
    """A browser of its own, which is killed when the report has come."""
    tried.browser = Browser(BrowserSettings(), Clock())
    try:
        async with tried.browser.visit() as visited:
            assert visited.context.browser is not None
            session = await visited.context.browser.new_browser_cdp_session()
            processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        (pid,) = [process["id"] for process in processes if process["type"] == "browser"]
        with FormSite(tried.folder, on_submission=lambda _: os.kill(pid, signal.SIGKILL)) as site:
            site.fault = Fault.HANGS
            return await tried.submit(site.url)
    finally:
        await tried.browser.close()


CHECKS: dict[str, Callable[[Tried], Awaitable[Submission]]] = {
    "DNS: the form's name does not exist": lambda t: t.when_looking_up(socket.gaierror(socket.EAI_NONAME, "unknown")),
    "DNS: our resolver fails": lambda t: t.when_looking_up(socket.gaierror(socket.EAI_AGAIN, "try again")),
    "connect: nobody listens": nobody_listens,
    "connect: our network is down": lambda t: t.when_looking_up(OSError(errno.ENETUNREACH, "Network is unreachable")),
    "TLS: a certificate that does not verify": not_verified,
    "page load: answered with 500": lambda t: t.at(Fault.ERROR),
    "page load: not whole in time": lambda t: t.at(Fault.SLOW, loads_within="300ms"),
    "page load: it leads to another host": lambda t: t.at(Fault.MOVED),
    "field: not there": lambda t: t.at(Fault.RENAMED),
    "field: behind a login": lambda t: t.at(Fault.LOGIN),
    "submit: refused in words": lambda t: t.at(Fault.REJECTS),
    "submit: answered with 500": lambda t: t.at(None, Fault.ERROR),
    "submit: hangs up, and it is seen nowhere": lambda t: t.at(Fault.BREAKS_OFF, confirm=SHORT),
    "submit: hangs, and it is seen nowhere": lambda t: t.at(Fault.HANGS, confirm=SHORT),
    "submit: hangs, and it is seen": lambda t: t.at(Fault.HANGS, confirm=SHORT),
    "submit: confirmed, and seen nowhere": lambda t: t.at(),
    "opt-in mail: does not come, and the report is seen nowhere": lambda t: t.opting_in(),
    "opt-in mail: its link leads to another host": lambda t: t.opting_in(MAIL_ELSEWHERE),
    "opt-in mail: our mailbox is not read": unread,
    "opt-in link: its page says that it has expired": lambda t: t.opting_in(
        MAIL, shows=HTMLResponse("<p>Expired.</p>")
    ),
    "opt-in link: it leads on to another host": lambda t: t.opting_in(
        MAIL, shows=RedirectResponse("http://127.0.0.2:9/confirm")
    ),
    "opt-in link: hangs, and the report is seen nowhere": hanging_link,
    "our browser: not there": no_browser,
    "our browser: crashes after the click": crashes,
}
SEEN = {"submit: hangs, and it is seen"}
KINDS = ("web_form", "http_form")


def check_of(row: Row) -> str:
    """The name of a row's check: without the kind of form that it is about."""
    return str(row).partition(" (`")[0]


WALK = [(row, kind) for row in sections()["Forms"] for kind in KINDS if f"`{kind}`" in row.what or "`" not in row.what]


@pytest.mark.parametrize(("row", "kind"), WALK, ids=[f"{kind}, {row}" for row, kind in WALK])
async def test_each_row_is_so(row: Row, kind: str, tmp_path: Path, browser: Browser, monkeypatch: Patch) -> None:
    submission = await CHECKS[check_of(row)](Tried(kind, tmp_path, browser, monkeypatch))
    sightings = [seen()] if check_of(row) in SEEN else []
    found = verdict(a_case(*sightings, submission=replace(submission, at=START)))
    fault = f"{submission.component}/{submission.own_reason}" if submission.component else ""
    assert (found.outcome, fault) == (row.outcome, row.told_as), submission


async def test_no_check_is_without_a_row() -> None:
    assert CHECKS.keys() == {check_of(row) for row in sections()["Forms"]}
    assert {str(row) for row, _ in WALK} == {str(row) for row in sections()["Forms"]}
