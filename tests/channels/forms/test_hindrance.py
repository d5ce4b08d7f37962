"""What keeps a control from being used, and the steps by which one gets past it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from channels.opened import resources
from servers.answer_pages import THANKS, Answers, answering, form
from servers.form_examples import SENDER, report, web_form

from canary.channels.forms.browser import Browser
from canary.channels.forms.web import WebFormChannel
from canary.model import Failure, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")

_OVER = "position:fixed;inset:0;background:#0008;z-index:9"
_NOTICE = (
    f"<div id=cc style='{_OVER}'><div style='background:#fff'>We use cookies. "
    "<button onclick='cc.remove()'>Accept all</button></div></div>"
)
_DISABLED = form().replace("<button>", "<button disabled>")
_CLICK = "step 'click Send report' could not be done: "
HINDERED: Mapping[str, tuple[str, str]] = {
    "notice": (form(before=_NOTICE), f"{_CLICK}it is covered by 'We use cookies. Accept all' (<div id=cc>)"),
    "frame over it": (
        form(after=f"<iframe title='Our cookies' style='{_OVER};width:100%;height:100%'></iframe>"),
        f"{_CLICK}it is covered by 'Our cookies' (<iframe>)",
    ),
    "nothing to see": (form(after=f"<div class=x style='{_OVER}'></div>"), f"{_CLICK}it is covered by <div>"),
    "in a shadow root": (
        form(
            after="<x-cc></x-cc><script>document.querySelector('x-cc').attachShadow({mode: 'closed'}).innerHTML ="
            f"\"<div style='{_OVER}'>Cookies, please</div>\"</script>"
        ),
        f"{_CLICK}it is covered by <x-cc>",
    ),
    "modal": (
        form(after="<dialog id=m>Choose a country</dialog><script>m.showModal()</script>"),
        "step 'fill Your name' could not be done: it is covered by 'Choose a country' (<dialog id=m>)",
    ),
    "disabled": (_DISABLED, f"{_CLICK}it is disabled"),
    "disabled for readers": (form().replace("<button>", "<button aria-disabled=true>"), f"{_CLICK}it is disabled"),
    "disabled as a set": (
        form().replace("<button>", "<fieldset disabled><button>"),
        f"{_CLICK}it is disabled",
    ),
    "hidden": (form().replace("<button>", "<button style='visibility:hidden'>"), f"{_CLICK}it is hidden"),
    "field is disabled": (
        form().replace("id=e ", "id=e disabled "),
        "step 'fill Email' could not be done: it is disabled",
    ),
    "field is read-only": (
        form().replace("id=e ", "id=e readonly "),
        "step 'fill Email' could not be done: it is read-only",
    ),
    "field of numbers": (
        form().replace("id=e ", "id=e type=number "),
        "step 'fill Email' could not be done: the field does not take this text",
    ),
    "field of dates": (
        form().replace("id=e ", "id=e type=date "),
        "step 'fill Email' could not be done: the field does not take this text",
    ),
    "never at rest": (
        form(
            before="<script>let x = 0; requestAnimationFrame(function move() { requestAnimationFrame(move);"
            "const b = document.querySelector('button'); if (b) b.style.marginLeft = `${x = (x + 7) % 700}px`; });"
            "</script>"
        ),
        f"{_CLICK}it did not react within 1 s",
    ),
}
"""A page, and what is said of it."""

_ENABLES = "const full = () => { b.disabled = [...document.querySelectorAll('input, textarea')].some(x => !x.value) };"
_BUTTON = _DISABLED.replace("<button ", "<button id=b ")
_WATCHED = "document.querySelectorAll('input, textarea').forEach(f => f.addEventListener({}, full))"
PASSED: Mapping[str, str] = {
    "no notice": form(),
    "notice": form(before=_NOTICE),
    "notice that comes later": form(
        after=f"<script>setTimeout(() => document.body.insertAdjacentHTML('afterbegin', `{_NOTICE}`), 500)</script>"
    ),
    "keyup": f"{_BUTTON}<script>{_ENABLES}{_WATCHED.format(repr('keyup'))}</script>",
    "keydown": f"{_BUTTON}<script>{_ENABLES}{_WATCHED.format(repr('keydown'))}</script>",
    "left": f"{_BUTTON}<script>{_ENABLES}{_WATCHED.format(repr('change'))}</script>",
    "blur": f"{_BUTTON}<script>{_ENABLES}{_WATCHED.format(repr('blur'))}</script>",
}
STEPS: list[Any] = [
    {"fill": {"label": "Your name", "with": "{name}"}},
    {"fill": {"label": "Email", "with": "{email}"}},
    {"fill": {"label": "Description", "with": "{text}"}},
    {"click": "Send report"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Answers]:
    pages = {name: page for name, (page, _) in HINDERED.items()} | {f"{name}!": page for name, page in PASSED.items()}
    async with answering(pages, {}) as running:
        yield running


def channel(site: Answers, page: str, browser: Browser, steps: list[Any], **changes: Any) -> WebFormChannel:
    confirm = {"text": THANKS, "within": "10s"}
    more = {"steps": steps, "confirm": confirm, "patience": "1s", **changes}
    return WebFormChannel(web_form(site.url, "report", url=f"{site.url}/{page}", **more), SENDER, resources(browser))


async def submit(site: Answers, page: str, browser: Browser, steps: list[Any], **changes: Any) -> Submission:
    form = channel(site, page, browser, steps, **changes)
    return await form.submit(form.prepare(report()), within=60)


@pytest.mark.parametrize("page", HINDERED)
async def test_what_hinders_a_step_is_named(site: Answers, browser: Browser, page: str) -> None:
    before = len(site.posted)
    result = await submit(site, page, browser, STEPS)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert HINDERED[page][1] in result.reason
    assert not any(word in result.reason for word in ("Locator", "Timeout", "ms exceeded", "strict mode"))
    assert len(site.posted) == before


@pytest.mark.parametrize("page", PASSED)
async def test_a_step_may_be_optional_and_fields_are_filled_in_as_by_a_person(
    site: Answers, browser: Browser, page: str
) -> None:
    steps = [{"click": "Accept all", "optional": True}, *STEPS]
    result = await submit(site, f"{page}!", browser, steps, patience="6s")
    assert (result.accepted, result.reason) == (True, "")
    site.posted.clear()
    assert (
        f"{page}!: found 'Your name', 'Email', 'Description'" in await channel(site, f"{page}!", browser, steps).check()
    )


async def test_a_field_may_be_typed_key_by_key_and_time_may_go_by(site: Answers, browser: Browser) -> None:
    steps = [
        STEPS[0],
        {"fill": {"label": "Email", "with": "{email}", "by_key": True}},
        STEPS[2],
        {"pause": "1s"},
        STEPS[3],
    ]
    result = await submit(site, "no notice!", browser, steps, patience="20s")
    at = dict(result.steps)
    assert result.accepted
    assert at["pause 1 s"] - at["fill Description"] >= 1
    assert b"erika%40reporter.example" in site.posted[-1][1]
