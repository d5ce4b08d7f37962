"""What a web form does instead of taking a report, and what is told of it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from channels.forms.submitting import submit
from channels.opened import resources
from servers.form_examples import SENDER, STEPS, web_form
from servers.form_site import Fault, FormSite
from servers.speaking import saying, speaking

from canary.channels import UnusableError
from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.settings import BrowserSettings
from canary.channels.forms.web import WebFormChannel
from canary.clock import Clock
from canary.model import Component, Failure

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    with FormSite(tmp_path) as running:
        yield running


@pytest.mark.parametrize("form", ["report", "app", "wizard"])
async def test_a_page_that_says_no_with_200_is_a_form_error_in_its_own_words(
    site: FormSite, browser: Browser, form: str
) -> None:
    site.fault = Fault.REJECTS
    result = await submit(site.url, browser, form)
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False)
    assert result.reason == (
        "not confirmed: page says 'The serial number was not found in our database.', want 'Thank you for your report'"
    )
    assert site.submissions == []


async def test_a_rejection_that_nothing_marks_as_one_is_told_by_what_is_new(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.REJECTS_PLAINLY
    result = await submit(site.url, browser)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "page says 'The serial number was not found in our database.'" in result.reason


@pytest.mark.parametrize("form", ["report", "app"])
async def test_a_further_required_field_is_named(site: FormSite, browser: Browser, form: str) -> None:
    site.fault = Fault.ADDED
    result = await submit(site.url, browser, form)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "Relationship to the certificate" in result.reason
    assert site.submissions == []


@pytest.mark.parametrize("form", ["report", "app", "state"])
async def test_a_renamed_field_is_told_with_the_labels_that_are_there(
    site: FormSite, browser: Browser, form: str
) -> None:
    site.fault = Fault.RENAMED
    result = await submit(site.url, browser, form)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason.startswith("field not found: got fields [")
    assert "'Certificate identifier'" in result.reason
    assert result.reason.endswith("want 'Serial number'")


async def test_a_missing_button_and_a_missing_option_are_told(site: FormSite, browser: Browser) -> None:
    no_button = await submit(site.url, browser, steps=[*STEPS["report"][:-1], {"click": "Submit"}])
    assert no_button.reason == "button not found: got buttons ['Send report'], want 'Submit'"
    topic = {"choose": {"label": "Topic", "option": "Abuse"}}
    no_option = await submit(site.url, browser, steps=[topic, *STEPS["report"]])
    assert no_option.reason == (
        "option not found in 'Topic': got ['Please choose', 'General enquiry', 'Certificate problem report'], "
        "want 'Abuse'"
    )


async def test_http_500_is_a_form_error(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.ERROR
    result = await submit(site.url, browser)
    assert result.failure is Failure.FORM_ERROR
    assert result.reason == f"HTTP 500 for {site.url}/report: 'Internal Server Error Internal Server Error'"


async def test_a_site_that_breaks_between_page_and_submission_is_a_form_error(site: FormSite, browser: Browser) -> None:
    steps = [*STEPS["report"][:-1], {"wait_for": "Certificate"}, STEPS["report"][-1]]
    site.fault_on_submission = Fault.ERROR
    result = await submit(site.url, browser, steps=steps)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason.startswith(f"HTTP 500 for POST {site.url}/report: page says 'Internal Server Error")


async def test_a_page_that_does_not_load_in_time_is_a_form_error(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.SLOW
    result = await submit(site.url, browser, loads_within="300ms")
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason == f"{site.url}/report did not load within 0.3 s"


async def test_silence_after_the_last_click_leaves_it_open(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.HANGS
    confirm = {"text": "Thank you", "within": "600ms"}
    result = await submit(site.url, browser, confirm=confirm)
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, True)
    assert result.reason == f"no answer within 0.6 s: none to POST {site.url}/report"
    assert len(site.submissions) == 1


async def test_an_answer_that_breaks_off_leaves_it_open(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.BREAKS_OFF
    result = await submit(site.url, browser, "app", confirm={"text": "Thank you", "within": "3s"})
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, True)
    assert len(site.submissions) == 1


async def test_a_form_that_leads_to_a_closed_port_was_surely_not_taken(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.DEAD_END
    result = await submit(site.url, browser, posts_to=[site.dead_end])
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "the connection failed: POST http://127.0.0.1:" in result.reason
    assert "ERR_CONNECTION_REFUSED" in result.reason


async def test_a_refused_connection_is_a_form_error_in_the_engines_words(browser: Browser) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = await submit(f"http://127.0.0.1:{closed.getsockname()[1]}", browser)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "page unreachable" in result.reason
    assert "ERR_CONNECTION_REFUSED" in result.reason


async def test_a_certificate_of_an_unknown_authority_is_a_form_error(tmp_path: Path, browser: Browser) -> None:
    with FormSite(tmp_path, tls=True) as site:
        result = await submit(site.url, browser)
    assert result.failure is Failure.FORM_ERROR
    assert "ERR_CERT_AUTHORITY_INVALID" in result.reason


async def test_a_name_that_is_not_found_is_theirs_and_a_resolver_that_fails_is_ours(browser: Browser) -> None:
    result = await submit("http://no-such-host.invalid", browser)
    with pytest.raises(socket.gaierror) as told:
        socket.getaddrinfo("no-such-host.invalid", None)
    exists_not = told.value.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
    assert result.failure is (Failure.FORM_ERROR if exists_not else Failure.OURS)
    assert result.component is (None if exists_not else Component.DNS)
    assert "no-such-host.invalid" in result.reason


async def test_a_captcha_is_named(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.CAPTCHA
    result = await submit(site.url, browser)
    assert result.failure is Failure.FORM_ERROR
    assert result.reason.startswith("CAPTCHA: the page has reCAPTCHA; not confirmed: page says 'Please confirm")


async def test_a_login_wall_is_named_and_nothing_is_typed_into_it(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.LOGIN
    result = await submit(site.url, browser)
    assert result.failure is Failure.FORM_ERROR
    assert result.reason.startswith("login wall: the page asks for a password; field not found")


async def test_a_missing_browser_is_our_own_fault() -> None:
    absent = Browser(BrowserSettings(executable=Path("/nonexistent/chromium")), Clock())
    result = await submit("http://127.0.0.1:1", absent)
    assert (result.failure, result.component, result.own_reason) == (Failure.OURS, Component.BROWSER, "missing")
    assert "apt-get install chromium" in result.reason


async def running_browser() -> tuple[Browser, Callable[[], None]]:
    """A browser that runs, and what kills it as it runs then."""
    browser = Browser(BrowserSettings(), Clock())
    async with browser.visit() as visited:
        assert visited.context.browser is not None
        session = await visited.context.browser.new_browser_cdp_session()
        processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    (pid,) = [process["id"] for process in processes if process["type"] == "browser"]

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    return browser, kill


async def test_a_browser_killed_while_the_answer_is_awaited_leaves_it_open(tmp_path: Path) -> None:
    browser, kill = await running_browser()
    with FormSite(tmp_path, on_submission=lambda _: kill()) as site:
        site.fault = Fault.HANGS
        result = await submit(site.url, browser, within=600)
    assert (result.failure, result.component, result.own_reason) == (Failure.OURS, Component.BROWSER, "crashed")
    assert result.uncertain
    with FormSite(tmp_path) as site:
        assert (await submit(site.url, browser)).accepted
    await browser.close()


FORM = """<form method=post><label>Your name <input name=name></label><label>Email address <input name=email></label>
<label>Serial number <input name=serial></label><label>Subject <input name=subject></label>
<label>Description of the problem <textarea name=text></textarea></label><button>Send report</button></form>"""
OVERRIDES = [
    "Array.prototype.slice = () => 5",
    "String.prototype.slice = () => ({})",
    "Array.prototype.map = null",
    "document.querySelectorAll = () => 7",
    "Set = function () { return [1, 2] }",
    "URL = function () { return {href: 5} }",
    "URL = null",
]


@pytest.mark.parametrize("script", OVERRIDES)
async def test_a_page_that_changes_what_it_is_read_by_is_a_form_error(browser: Browser, script: str) -> None:
    page = f"<script>{script}</script>{FORM}".encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(page)
    async with speaking(saying(head, page)) as url:
        result = await submit(url, browser, "state", confirm={"text": "Thank you", "within": "1s"})
        assert (result.accepted, result.failure) == (False, Failure.FORM_ERROR)
        assert script != "Array.prototype.map = null" or "scripts keep it from being read" in result.reason
        with suppress(UnusableError):  # and nothing else
            await WebFormChannel(web_form(url, "state"), SENDER, resources(browser)).check()
        with suppress(UnusableError):
            await inspect_form(f"{url}/", browser)


async def test_a_browser_killed_before_anything_was_sent_is_started_again_and_the_form_with_it(tmp_path: Path) -> None:
    browser, kill = await running_browser()
    with FormSite(tmp_path, on_load=kill) as site:
        result = await submit(site.url, browser, within=600)
    assert (result.accepted, result.reason) == (True, "")
    assert len(site.submissions) == 1
    await browser.close()


async def test_a_form_with_which_the_browser_ends_each_time_is_not_begun_for_ever(tmp_path: Path) -> None:
    browser = Browser(BrowserSettings(), Clock())
    killed = []

    def kill() -> None:
        running = browser._running
        assert running is not None
        killed.append(running)
        running.processes.end()

    with FormSite(tmp_path, on_load=kill) as site:
        result = await submit(site.url, browser, within=600)
    assert (result.failure, result.component, result.own_reason) == (Failure.OURS, Component.BROWSER, "crashed")
    assert (len(killed), result.uncertain, site.submissions) == (2, False, [])
    await browser.close()


async def test_a_form_is_not_begun_again_where_it_would_not_have_its_whole_time(tmp_path: Path) -> None:
    browser, kill = await running_browser()
    with FormSite(tmp_path, on_load=kill) as site:
        result = await submit(site.url, browser, within=30)
    assert (result.failure, result.component, result.own_reason) == (Failure.OURS, Component.BROWSER, "crashed")
    assert site.submissions == []
    await browser.close()
