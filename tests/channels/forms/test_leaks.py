"""Nothing typed into a form leaves to a host other than the form's, whatever its page does; and it is told."""

from __future__ import annotations

from typing import Any

import pytest
from channels.opened import resources
from servers.form_examples import MARK, SENDER, TEXT, report
from servers.leaky_site import LeakySite, leaky_site

from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.typed import Typed
from canary.channels.forms.web import WebFormChannel
from canary.model import Component, Failure, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")


def channel(site: LeakySite, browser: Browser, **changes: Any) -> WebFormChannel:
    settings = WebFormSettings.model_validate(
        {
            "arrives_in": "cpr",
            "approved_by": "the tests, always",
            "url": site.url,
            "steps": [{"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}],
            "confirm": {"text": "Thank you for your report", "within": "20s"},
            **changes,
        }
    )
    return WebFormChannel(settings, SENDER, resources(browser))


GETS = ("fetch", "image", "websocket", "shared", "nested", "sandbox", "srcdoc", "window", "frame", "redirected")
POSTS = ("body", "beacon", "framed", "windowed", "redirected", "left")
REACHED = frozenset({f"GET /{name}" for name in GETS} | {f"POST /{name}" for name in POSTS})


async def submit(site: LeakySite, browser: Browser, **changes: Any) -> Submission:
    way = channel(site, browser, **changes)
    return await way.submit(way.prepare(report()), within=60)


def carried(said: list[str]) -> list[str]:
    """What of it has something typed in it, or is a write, or is for something else than the web."""
    typed = Typed()
    typed.add(TEXT)
    typed.add_mark(MARK)
    return [text for text in said if text and (not text.startswith(("GET ", "OPTIONS ")) or typed.is_in([text]))]


async def test_no_way_out_of_a_page_carries_what_is_typed(browser: Browser) -> None:
    async with leaky_site("all") as site:
        result = await submit(site, browser)
        assert (result.accepted, result.reason) == (True, "")
        assert len(site.posted) == 1
        assert carried(site.stranger) == []
        assert carried(site.stranger) == []
        assert any("/picture.png" in said for said in site.stranger)
    assert {trouble[:2] for trouble in result.troubles} == {(Component.BROWSER, "kept_from_sending")}
    told = " ".join(detail for _, _, detail in result.troubles)
    assert site.url in told
    assert "what was typed, in a GET to localhost" in told
    assert "POST to localhost" in told


async def test_what_the_form_may_reach_it_reaches_in_every_way(browser: Browser) -> None:
    """The other way round: the page and the stranger do what they are said to."""
    async with leaky_site("all") as site:
        site.awaited = REACHED - {"POST /left"}
        result = await submit(site, browser, posts_to=[f"localhost:{site.port}"])
        assert (result.accepted, result.troubles) == (True, ())
        await site.heard(REACHED)
        assert site.asked() >= REACHED


async def test_a_form_that_changes_its_target_when_it_is_sent_is_stopped(browser: Browser) -> None:
    async with leaky_site(leads="/stolen") as site:
        result = await submit(site, browser)
        assert carried(site.stranger) == []
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False)
    assert result.reason == (
        "the form goes to another host when it is sent; kept from sending elsewhere: POST to localhost"
    )


async def test_a_redirect_of_the_report_itself_is_stopped(browser: Browser) -> None:
    async with leaky_site() as site:
        site.leads = f"'.slice(0, 0) + '/redirect?http://localhost:{site.port}/stolen"
        site.leads = site.leads.replace("E + ", "")
        result = await submit(site, browser)
        assert carried(site.stranger) == []
    assert result.failure is Failure.FORM_ERROR


async def test_the_same_is_told_once_and_check_and_inspect_tell_it_too(browser: Browser) -> None:
    async with leaky_site("navigator.sendBeacon(E + '/beacon', T)") as site:
        way = channel(site, browser)
        results = [await way.submit(way.prepare(report()), within=60) for _ in range(2)]
        assert [len(result.troubles) for result in results] == [1, 0]
        page = site.page
        site.page = lambda: page().replace("let sent", "navigator.sendBeacon(E + '/loaded', 'a'); let sent")  # type: ignore[method-assign]  # of this one site
        assert "; kept from sending elsewhere: POST to localhost" in await channel(site, browser).check()
        assert "# ELSEWHERE: the page was kept from sending: POST to localhost" in await inspect_form(site.url, browser)
        assert carried(site.stranger) == []
