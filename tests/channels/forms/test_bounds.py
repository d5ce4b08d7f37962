"""What a hostile page may cost: itself, at worst the browser, and never the good form beside it, nor us."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from functools import partial
from typing import Any

import pytest
from channels.opened import resources
from servers.form_examples import SENDER, report
from servers.hostile_site import PAGES, HostileSite, hostile_site

from canary.budgets import BROWSER_PAGE, MIB, Budget
from canary.channels.forms.browser import Browser
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.settings import BrowserSettings, WebFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.clock import Clock
from canary.model import Component, Failure, OwnFaultError, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def submit(site: HostileSite, path: str, browser: Browser, *, within: float = 300, **changes: Any) -> Submission:
    settings = WebFormSettings.model_validate(
        {
            "arrives_in": "cpr",
            "approved_by": "the tests, always",
            "url": f"{site.url}/{path.replace(' ', '%20')}",
            "steps": [{"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}],
            "confirm": {"text": "Thank you for your report", "within": "30s" if path == "good" else "3s"},
            "loads_within": "60s" if path == "good" else "5s",
            "patience": "30s" if path == "good" else "2s",
            **changes,
        }
    )
    channel = WebFormChannel(settings, SENDER, resources(browser))
    return await channel.submit(channel.prepare(report()), within=within)


async def test_hostile_pages_all_at_once_and_the_good_form_goes_through(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """More than may be in the browser at once: they wait for their turns, and the good form for its own."""
    caplog.set_level(logging.ERROR)
    async with hostile_site() as site:
        names = [*PAGES, "good"]
        results = dict(zip(names, await asyncio.gather(*(submit(site, n, browser) for n in names)), strict=True))
        again = await submit(site, "good", browser)
    assert (results["good"].accepted, results["good"].reason) == (True, "")
    assert (again.accepted, again.reason) == (True, "")
    assert all(result.accepted or result.reason for result in results.values())
    assert caplog.records == []


@pytest.mark.parametrize("page", ["endless", "objects"])
async def test_a_form_that_lost_its_browser_beside_a_hostile_page_is_begun_again_alone(
    browser: Browser, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what two pages at one address have loaded, or of a page that was ended, it is not known whose it was."""
    less = Budget("what a page has", received=4 * MIB, number=1_000, pieces="requests")
    monkeypatch.setattr("canary.channels.forms.browser.Outlet", partial(Outlet, traffic=less))
    never = [{"wait_for": "never there"}, {"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}]
    async with hostile_site() as site:
        good = submit(
            site, "late", browser, within=600, patience="60s", steps=[{"wait_for": "Now you may"}, *never[1:]]
        )
        bad = submit(site, page, browser, within=600, patience="60s", loads_within="60s", steps=never)
        good_result, bad_result = await asyncio.gather(good, bad)
    assert good_result.accepted, good_result.reason
    assert (bad_result.failure, bad_result.uncertain) == (Failure.FORM_ERROR, False)
    assert "the page was ended: " in bad_result.reason


@pytest.mark.parametrize("page", ["objects", "buffers"])
async def test_a_page_that_takes_too_much_memory_is_ended_and_that_is_its_own_fault(
    browser: Browser, page: str
) -> None:
    before = await browser.describe()
    slow = [{"wait_for": "never there"}, {"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}]
    async with hostile_site() as site:
        result = await submit(site, page, browser, patience="60s", loads_within="60s", steps=slow)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason == f"the page was ended: {BROWSER_PAGE.what}: more than {BROWSER_PAGE.decoded} bytes"
    assert await browser.describe() == before


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("dialogs", "more than 10 windows"),
        ("windows", "more than 10 windows"),
        ("requests", "more than 100 requests"),
        ("endless", f"more than {4 * MIB} bytes"),
    ],
)
async def test_a_page_that_never_has_enough_is_left(
    browser: Browser, page: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    less = Budget("what a page has", received=4 * MIB, number=100, pieces="requests")
    monkeypatch.setattr("canary.channels.forms.browser.Outlet", partial(Outlet, traffic=less))
    monkeypatch.setattr("canary.channels.forms.visit.BROWSER_DIALOGS", Budget("a page", number=10, pieces="windows"))
    slow = [{"wait_for": "never there"}, {"fill": {"label": "Description", "with": "{text}"}}, {"click": "Send"}]
    async with hostile_site() as site:
        result = await submit(site, page, browser, patience="60s", steps=slow)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert words in result.reason


@pytest.mark.parametrize("page", ["stream", "file"])
async def test_a_page_that_is_none_is_not_our_fault(browser: Browser, page: str) -> None:
    async with hostile_site() as site:
        result = await submit(site, page, browser)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "Download is starting" in result.reason


async def test_who_has_no_turn_in_time_has_met_a_fault_of_ours(browser: Browser) -> None:
    async with hostile_site() as site:
        async with browser.visit(), browser.visit(), browser.visit(), browser.visit():
            result = await submit(site, "good", browser, within=0.2)
        assert (result.failure, result.component, result.own_reason) == (Failure.OURS, Component.BROWSER, "busy")
        assert result.reason.endswith("no turn in the browser within 0.2 s: 4 forms are in it")
        assert (await submit(site, "good", browser)).accepted
        assert site.posted == 1


async def test_a_browser_that_does_not_react_is_ended_and_the_next_probe_has_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("canary.channels.forms.browser._REACTS_WITHIN", 2.0)
    monkeypatch.setattr("canary.channels.forms.launch._STOPS_WITHIN", 2.0)
    browser = Browser(BrowserSettings(), Clock())
    async with browser.visit() as visited:
        assert visited.context.browser is not None
        session = await visited.context.browser.new_browser_cdp_session()
        processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    (pid,) = [process["id"] for process in processes if process["type"] == "browser"]
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(OwnFaultError) as fault:
        async with browser.visit():
            pass
    assert (fault.value.component, fault.value.reason) == (Component.BROWSER, "hangs")
    async with hostile_site() as site:
        assert (await submit(site, "good", browser)).accepted
    await browser.close()
