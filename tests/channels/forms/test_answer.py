"""The answer to a form, as a visitor has it: where it stands, what is no answer, and what its requests say."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import pytest_asyncio
from channels.opened import resources
from servers.answer_pages import FIELDS, THANKS, Answers, answering, by_script, form
from servers.form_examples import SENDER, report, web_form

from canary.channels.forms.browser import Browser
from canary.channels.forms.web import WebFormChannel
from canary.model import Failure, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")

_P = f"<p>{THANKS}.</p>"
_SHADOW = f"""<x-form></x-form><script>customElements.define("x-form", class extends HTMLElement {{
connectedCallback() {{ const root = this.attachShadow({{mode: "MODE"}}); root.innerHTML = `<div>{FIELDS}
<button>Send report</button></div>`; root.querySelector("button").onclick = async () => {{
const body = new URLSearchParams(); for (const f of root.querySelectorAll("input, textarea")) body.set(f.name, f.value);
await fetch("", {{method: "POST", body}}); root.innerHTML = "{_P}"; }} }} }})</script>"""

YES = {
    "plain": form(),
    "by get": form(attributes="action=/thanks").replace("method=post", "method=get"),
    "new tab": form(attributes="target=_blank"),
    "popup by script": by_script("await post(''); open('/thanks')"),
    "popup written to": by_script(f"const w = open(''); await post(''); w.document.body.innerHTML = '{_P}'"),
    "frame": form(attributes="target=f", after="<iframe name=f></iframe>"),
    "frame in a frame": by_script(
        "await post(''); document.querySelector('iframe').src = '/nest'", after="<iframe></iframe>"
    ),
    "nest": "<iframe src=/thanks></iframe>",
    "new frame": by_script(f"await post(''); say('<iframe srcdoc=\"{_P}\"></iframe>')"),
    "shadow": _SHADOW.replace("MODE", "open"),
    "closed shadow": _SHADOW.replace("MODE", "closed"),
    "shadow toast": by_script(
        f"await post(''); const e = document.createElement('x-toast'); document.body.append(e);"
        f"e.attachShadow({{mode: 'closed'}}).innerHTML = '{_P}'"
    ),
    "alert": by_script(f"await post(''); alert('{THANKS}.')"),
    "confirm": by_script(f"if (confirm('Send?')) {{ await post(''); confirm('{THANKS}. Another one?') }}"),
    "dialog": by_script("await post(''); box.showModal()", after=f"<dialog id=box>{_P}</dialog>"),
    "dialog that closes": by_script(
        "await post(''); box.showModal(); setTimeout(() => box.close(), 300)", after=f"<dialog id=box>{_P}</dialog>"
    ),
    "toast": by_script(f"await post(''); say('<div id=t>{_P}</div>'); setTimeout(() => t.remove(), 200)"),
    "toast that fades in": by_script(
        "await post(''); t.style.opacity = 1", after=f"<div id=t style='opacity:0'>{THANKS}.</div>"
    ),
    "toast that slides in": by_script(
        "await post(''); t.style.transform = ''",
        after=f"<div id=t style='position:fixed;top:0;transform:translateY(-200px)'>{THANKS}.</div>",
    ),
    "unfolded": by_script(
        "await post(''); t.style.height = 'auto'", after=f"<div id=t style='height:0;overflow:hidden'>{_P}</div>"
    ),
    "live region": by_script(
        f"t.textContent = 'Sending…'; await post(''); t.textContent = '{THANKS}.'", after="<div id=t role=alert></div>"
    ),
    "error region says yes": by_script(f"await post(''); say('<div class=error role=alert>{THANKS}.</div>')"),
    "in a field": by_script(f"await post(''); say('<input readonly value=\"{THANKS}.\">')"),
    "in the text field": by_script(f"await post(''); d.value = '{THANKS}.'"),
    "over lines": by_script("await post(''); say('<p>Thank <b>you</b>,<br>your report<p>is filed')"),
    "image": by_script(f"await post(''); say('<img alt=\"{THANKS}\">')"),
    "by xhr": by_script(
        "const x = new XMLHttpRequest(); x.open('POST', ''); x.onload = () => say(x.responseText); x.send('a=b')"
    ),
    "by beacon": by_script(f"navigator.sendBeacon('/beacon', d.value); say('{_P}')"),
    "goes on by script": by_script("await post(''); location = '/thanks'"),
    "goes on at once": by_script("post('', {keepalive: true}); location = '/thanks'"),
    "waits": form(attributes="action=/wait"),
    "waits by refresh": form(attributes="action=/refresh"),
    "waits by polling": form(attributes="action=/poll"),
    "waits behind an error": form(attributes="action=/challenge"),
    "tries again": by_script("await post('/busy'); await post('/busy'); say(await (await post('')).text())"),
    "tries again later": by_script(
        "await post('/busy'); setTimeout(async () => { await post('/gone').catch(() => 0); "
        "setTimeout(async () => say(await (await post('')).text()), 2000) }, 2000)"
    ),
    "redirected": form(attributes="action=/see"),
    "changed by history": by_script(f"await post(''); history.pushState(0, '', '/done'); say('{_P}')"),
    "thanks before, too": form(before="<p>Thank you for helping us. Your report is filed by our team."),
    "once more": by_script("await post(''); document.body.innerHTML += '<h2>Thank you, your report is filed</h2>'"),
}
_ON = "setTimeout(() => location = '/thanks', 4000)"
REPLIES = {
    "wait": (200, f"<form action=/find><input name=q></form>Please wait<script>{_ON}</script>"),
    "challenge": (503, "Just a moment…<meta http-equiv=refresh content='2;url=/thanks'>"),
    "refresh": (200, f"<meta http-equiv=refresh content='4;url=/thanks'>{form()}"),
    "poll": (
        202,
        "<p role=alert>Your report is being processed.</p><script>let n = 0; const t = setInterval(async () => {"
        "await fetch('/find', {method: 'POST'}); if (++n > 5) location = '/thanks' }, 700)</script>",
    ),
    "busy": (503, ""),
    "see": (303, "thanks"),
    "fail500": (500, ""),
    "fail422": (422, '{"errors":{"serial":["The serial number is missing."]}}'),
    "no": (200, '{"ok":false,"message":"The serial number is missing."}'),
    "nothing": (204, ""),
    "same": (200, form(before="<p>Thank you for helping us.</p><p class=error>The serial number is missing.</p>")),
    "same unmarked": (200, form(before="<p>Thank you for helping us. The serial number is missing.</p>")),
    "same silent": (200, form(before="<p>Thank you for helping us.</p>")),
    "lost": (303, "nowhere"),
    "broken": (500, "<h1>Something went wrong</h1>"),
}


_SAYS = "The telephone number is required."
_NO = "not confirmed: page says {!r}, want 'Thank you, your report is filed'".format
_OWN, _UNSENT = _NO(_SAYS), "; no POST left the browser"
_SILENT = "not confirmed: the page says nothing new, want 'Thank you, your report is filed'"
NO: dict[str, tuple[str, str]] = {
    "own check": (by_script(f"say('<span class=wpcf7-not-valid-tip>{_SAYS}</span>')"), _OWN + _UNSENT),
    "own check by alert": (
        by_script(f"alert('{_SAYS}')"),
        f"the click did nothing within 4 s: no POST left the browser; a dialog said {_SAYS!r}",
    ),
    "own check in a frame": (by_script(f"say('<iframe srcdoc=\"{_SAYS}\"></iframe>')"), _OWN + _UNSENT),
    "own check in a field": (by_script(f"document.getElementById('e').value = '{_SAYS}'"), _OWN + _UNSENT),
    "own check in a shadow root": (
        by_script(
            "const e = document.createElement('x-e'); document.body.append(e);"
            f"e.attachShadow({{mode: 'closed'}}).innerHTML = '{_SAYS}'"
        ),
        _OWN + _UNSENT,
    ),
    "own check that vanishes": (
        by_script(f"say('<p id=t>{_SAYS}'); setTimeout(() => t.remove(), 200)"),
        _OWN + _UNSENT,
    ),
    "required": (
        form(extra="<label for=s>Serial</label><input id=s name=s required>"),
        _NO("Serial: Please fill out this field.") + _UNSENT,
    ),
    "does nothing": (by_script(""), "the click did nothing within 4 s: no POST left the browser"),
    "fetch 500": (by_script("await post('/fail500')"), "HTTP 500 for POST URL/fail500: the page says nothing new"),
    "xhr 500": (
        by_script("const x = new XMLHttpRequest(); x.open('POST', '/fail500'); x.send('a=b')"),
        "HTTP 500 for POST URL/fail500: the page says nothing new",
    ),
    "beacon 500": (
        by_script("navigator.sendBeacon('/fail500', 'a')"),
        "HTTP 500 for POST URL/fail500: the page says nothing new",
    ),
    "500 and words": (
        by_script("await post('/fail500'); say('<b class=err>Please write to us.</b>')"),
        "HTTP 500 for POST URL/fail500: page says 'Please write to us.'",
    ),
    "422 with JSON": (
        by_script("await post('/fail422')"),
        "HTTP 422 for POST URL/fail422: the page says nothing new, the answer "
        """'{"errors":{"serial":["The serial number is missing."]}}'""",
    ),
    "500 in a new tab": (
        form(attributes="action=/broken target=_blank"),
        "HTTP 500 for POST URL/broken: page says 'Something went wrong'",
    ),
    "500 in a frame": (
        form(attributes="action=/broken target=f", after="<iframe name=f></iframe>"),
        "HTTP 500 for POST URL/broken: page says 'Something went wrong'",
    ),
    "404 after all": (form(attributes="action=/lost"), "HTTP 404 for GET URL/nowhere: page says 'Not here'"),
    "200 that says no": (
        by_script("await post('/no')"),
        f"""{_SILENT}; POST URL/no was answered '{REPLIES["no"][1]}'""",
    ),
    "200 that says no, in words": (
        by_script("say((await (await post('/no')).json()).message)"),
        f"""{_NO("The serial number is missing.")}; POST URL/no was answered '{REPLIES["no"][1]}'""",
    ),
    "too quick": (
        by_script("await post(''); say('The form was sent too quickly.')"),
        _NO("The form was sent too quickly.") + "; a step 'pause' lets time go by",
    ),
    "unknown words": (by_script("await post(''); say('We cannot help you.')"), _NO("We cannot help you.")),
    "thanks for a moment before it fails": (
        by_script("say('<p id=t>Sending, thank you'); await post('/fail500'); t.remove()"),
        "HTTP 500 for POST URL/fail500: page says 'Sending, thank you'",
    ),
    "no beside an unrelated yes": (
        by_script("await post('/fail500'); await fetch('/metrics', {method: 'POST', body: 'x'})"),
        "HTTP 500 for POST URL/fail500: the page says nothing new",
    ),
}
"""A page, and what is said of it."""
OPEN: dict[str, tuple[str, str]] = {
    "hangs": (form(attributes="action=/hang"), "no answer within 4 s: none to POST URL/hang"),
    "hangs by script": (
        by_script("say('Sending…'); await post('/hang')"),
        "no answer within 4 s: none to POST URL/hang; page says 'Sending…'",
    ),
    "hangs in a new tab": (
        form(attributes="action=/hang target=_blank"),
        "no answer within 4 s: none to POST URL/hang",
    ),
    "hangs up": (
        by_script("await post('/gone')"),
        "the form was sent and the connection failed: POST URL/gone: net::ERR_EMPTY_RESPONSE",
    ),
    "hangs up on the page": (
        form(attributes="action=/gone"),
        "the form was sent and the connection failed: POST URL/gone: net::ERR_EMPTY_RESPONSE",
    ),
    "hangs up on a new tab": (
        form(attributes="action=/gone target=_blank"),
        "the form was sent and the connection failed: POST URL/gone: net::ERR_EMPTY_RESPONSE",
    ),
    "silent": (
        by_script("await post('')"),
        "no answer within 4 s: POST URL/silent was answered with HTTP 200, and nothing new is shown",
    ),
    "no content": (
        form(attributes="action=/nothing"),
        "no answer within 4 s: POST URL/nothing was answered with HTTP 204, and nothing new is shown",
    ),
    "echo": (
        by_script("await post(''); say('<p id=echo>'); echo.textContent = d.value"),
        "no answer within 4 s: POST URL/echo was answered with HTTP 200, and nothing new is shown",
    ),
}
"""A page that leaves it open whether the report was taken, and what is said of it."""
STOOD: dict[str, str] = {
    "same": "page says 'The serial number is missing.'",
    "same unmarked": "page says 'Thank you for helping us. The serial number is missing.'",
    "same silent": "page says 'Report a certificate",
}
"""What comes back where the words of the confirmation stood before, and what is said of it."""


PAGES = {name: form(before="<p>Thank you for helping us.</p>", attributes=f"action='/{name}'") for name in STOOD}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Answers]:
    async with answering(YES | {name: page for name, (page, _) in (NO | OPEN).items()} | PAGES, REPLIES) as running:
        yield running


STEPS: list[Any] = [
    {"fill": {"label": "Your name", "with": "{name}"}},
    {"fill": {"label": "Email", "with": "{email}"}},
    {"fill": {"label": "Description", "with": "{text}"}},
    {"click": "Send report"},
]


async def submit(site: Answers, page: str, browser: Browser, within: float = 15, **changes: Any) -> Submission:
    confirm = {"text": changes.pop("text", THANKS), "within": f"{within:g}s"}
    settings = web_form(
        site.url,
        "report",
        url=f"{site.url}/{page}",
        **{"steps": STEPS, "confirm": confirm, "patience": "30s", **changes},
    )
    channel = WebFormChannel(settings, SENDER, resources(browser))
    return await channel.submit(channel.prepare(report()), within=300)


async def all_of(site: Answers, pages: Iterable[str], browser: Browser, **changes: Any) -> dict[str, Submission]:
    """What comes of each page; they share the browser."""
    names = list(pages)
    results = await asyncio.gather(*(submit(site, name, browser, **changes) for name in names))
    return dict(zip(names, results, strict=True))


async def test_a_yes_is_seen_wherever_it_stands(site: Answers, browser: Browser) -> None:
    results = await all_of(site, [name for name in YES if name != "nest"], browser)
    assert {name: result.reason for name, result in results.items() if not result.accepted} == {}
    sent = Counter(path for path, body in site.posted if b"compromised" in body)
    assert sent["goes on at once"] == 1, "what is under way is not taken back"


async def test_a_page_that_refuses_by_itself_is_told_in_its_words(site: Answers, browser: Browser) -> None:
    results = await all_of(site, NO, browser, within=4)
    told = {name: (result.failure, result.uncertain, result.reason) for name, result in results.items()}
    wanted = {name: (Failure.FORM_ERROR, False, want.replace("URL", site.url)) for name, (_, want) in NO.items()}
    assert told == wanted


async def test_what_may_have_been_taken_is_left_open(site: Answers, browser: Browser) -> None:
    results = await all_of(site, OPEN, browser, within=4)
    told = {name: (result.failure, result.uncertain, result.reason) for name, result in results.items()}
    wanted = {name: (Failure.FORM_ERROR, True, want.replace("URL", site.url)) for name, (_, want) in OPEN.items()}
    assert told == wanted


async def test_words_that_stood_there_before_confirm_nothing(site: Answers, browser: Browser) -> None:
    results = await all_of(site, STOOD, browser, within=4, text="Thank you")
    for name, result in results.items():
        assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False), name
        assert STOOD[name] in result.reason
        assert "want 'Thank you', which stood there before" in result.reason
    confirm = {"text": "Report a certificate", "within": "4s"}
    settings = web_form(site.url, "report", url=f"{site.url}/same", steps=STEPS, confirm=confirm)
    found = await WebFormChannel(settings, SENDER, resources(browser)).check()
    assert "'Report a certificate' stands there already" in found
