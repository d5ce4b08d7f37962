"""A form without a browser, sent as a browser sends it: the same pages to Chromium and to ``http_form``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from channels.opened import resources
from servers.answering import Answering
from servers.form_examples import MARK, SENDER, report

from canary.channels.forms.browser import Browser
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.settings import HttpFormSettings, WebFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.model import Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")

UTF8 = "<meta charset=utf-8>"
FIELDS = "<input name=name><input name=email><textarea name=text></textarea>"
SEND = "<button>Send</button>"
FORM = f"<form method=post>{FIELDS}{SEND}</form>"
PAGES = {
    "base": f"{UTF8}<base href=/other/><form method=post action=post>{FIELDS}{SEND}</form>",
    "base elsewhere on the host": f"{UTF8}<base href=/a/b><base href=/c/>"
    f"<form method=post action=post?x=1>{FIELDS}{SEND}",
    "base without an action": f"{UTF8}<base href=/other/>{FORM}",
    "fields elsewhere": f"{UTF8}<form id=f1 method=post></form><main><label>Name <input name=name form=f1>"
    "</label><label>Mail <input name=email form=f1></label><textarea name=text form=f1></textarea>"
    "<button form=f1>Send</button>",
    "button elsewhere": f"{UTF8}<form id=f method=post>{FIELDS}</form><button form=f name=go value=1>Send</button>",
    "a field of another form": f"{UTF8}"
    f"<form method=post>{FIELDS}<input name=not value=mine form=g>{SEND}</form><form id=g>",
    "latin 2": f"<meta charset=iso-8859-2><form method=post>{FIELDS}<input type=hidden name=_charset_>"
    f"<input type=hidden name=say value='Zażółć'>{SEND}</form>",
    "latin 1": f"<meta http-equiv=content-type content='text/html; charset=iso-8859-1'>{FORM}",
    "accepts cyrillic": f"{UTF8}<form method=post accept-charset='x-none koi8-r'>{FIELDS}{SEND}</form>",
    "disabled": f"{UTF8}<form method=post>{FIELDS}<fieldset disabled><legend><input name=a value=1></legend>"
    f"<input name=b value=2><fieldset><input name=c value=3></fieldset><button name=go value=0>Draft</button>"
    f"</fieldset>{SEND}</form>",
    "a button's own address": f"{UTF8}<form action=/no method=get>{FIELDS}<button formaction=/yes formmethod=post "
    "formenctype=multipart/form-data name=go value=1>Send</button></form>",
    "an image": f"{UTF8}<form method=post>{FIELDS}<input type=image alt=Send name=go></form>",
}
BUTTONS = (
    f"{UTF8}<form method=post>{FIELDS}<button name=go value=draft>Save</button><button name=go value=send>Send</button>"
)


class Site(Answering):
    """Shows those pages, in the character set that they say, and keeps what is posted."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        if body:
            self.taken.append((path, body))
            wait = b"<meta http-equiv=refresh content='0;url=/thanks'>Please wait" if path == "/waits" else b""
            return 200, "text/html", wait or b"Thank you"
        if path in ("/thanks", "/form"):
            return 200, "text/html", b"Thank you" if path == "/thanks" else FORM.encode()
        if path in ("/moved", "/round"):
            goes = b"0; URL='form'" if path == "/moved" else b"0"
            return 200, "text/html", b'<meta http-equiv=Refresh content="' + goes + b'"><p>Moved'
        page = {**PAGES, "waits": FORM, "buttons": BUTTONS}[path[1:].replace("-", " ")]
        return 200, "text/html", page.encode("iso-8859-2" if "8859-2" in page else "utf-8")

    def url(self, page: str) -> str:
        """The address of a page."""
        return f"{self.address}/{page.replace(' ', '-')}"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


WORDS = {"name": "{name}", "email": "{email}", "text": "ż é € я 漢 ~*' {mark}\nend"}
WHO = {"arrives_in": "cpr", "approved_by": "the tests", "confirm": {"text": "Thank you", "within": "20s"}}


async def by_hand(url: str, **changes: Any) -> Submission:
    settings = HttpFormSettings.model_validate({**WHO, "url": url, "fields": WORDS, **changes})
    channel = HttpFormChannel(settings, SENDER, resources())
    return await channel.submit(channel.prepare(report()), within=60)


async def by_browser(url: str, browser: Browser) -> Submission:
    steps: list[Any] = [{"fill": {"label": name, "with": text}} for name, text in WORDS.items()]
    settings = WebFormSettings.model_validate(
        {**WHO, "url": url, "steps": [*steps, {"click": "Send"}], "patience": "20s"}
    )
    channel = WebFormChannel(settings, SENDER, resources(browser))
    return await channel.submit(channel.prepare(report()), within=60)


def parts(body: bytes) -> list[bytes]:
    """What was sent, in no order, whatever separates its parts; what need not be escaped is not."""
    if body.startswith(b"--"):
        boundary = body.split(b"\r\n", 1)[0]
        return sorted(part.strip() for part in body.split(boundary))
    return sorted(body.replace(b"%7E", b"~").split(b"&"))


@pytest.mark.parametrize("page", PAGES)
async def test_what_is_sent_is_what_chromium_sends(site: Site, browser: Browser, page: str) -> None:
    results = await by_hand(site.url(page)), await by_browser(site.url(page), browser)
    assert [(result.accepted, result.reason) for result in results] == [(True, "")] * 2
    (path, body), (wanted_path, wanted) = site.taken[-2:]
    if page == "an image":
        assert (path, b"go.x=0&go.y=0" in body, b"go.x=" in wanted) == (wanted_path, True, True)
    else:
        assert (path, parts(body)) == (wanted_path, parts(wanted))


@pytest.mark.parametrize("button", ["Send", "send", "go=send"])
async def test_which_of_several_buttons_is_named(site: Site, button: str) -> None:
    assert (await by_hand(site.url("buttons"), button=button)).accepted
    assert b"go=send" in site.taken[-1][1]


async def test_which_of_several_buttons_must_be_named(site: Site) -> None:
    number = len(site.taken)
    unnamed = await by_hand(site.url("buttons"))
    assert unnamed.reason == "2 buttons send the form: ['go=draft', 'go=send']; want one of them as `button`"
    wrong = await by_hand(site.url("buttons"), button="Submit")
    assert wrong.reason == "button not found: got buttons ['go=draft', 'go=send'], want 'Submit'"
    assert (unnamed.uncertain, wrong.uncertain, len(site.taken)) == (False, False, number)


@pytest.mark.parametrize("page", ["waits", "moved"])
async def test_a_page_that_gives_way_is_followed(site: Site, page: str) -> None:
    assert (await by_hand(site.url(page))).accepted
    assert MARK.encode() in site.taken[-1][1]


async def test_a_page_that_gives_way_for_ever_is_a_form_error(site: Site) -> None:
    result = await by_hand(site.url("round"))
    assert (result.uncertain, "redirects of a form" in result.reason) == (False, True)
