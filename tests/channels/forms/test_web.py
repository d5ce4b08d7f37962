"""Web forms in a browser: what they are given, to whom, what is kept of it, and what check finds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from channels.forms.submitting import submit
from channels.opened import resources
from servers.form_examples import FILES, SENDER, STEPS, TEXT, report, web_form
from servers.form_site import Fault, FormSite

from canary.channels import UnusableError
from canary.channels.forms.browser import Browser
from canary.channels.forms.settings import BrowserSettings
from canary.channels.forms.web import WebFormChannel
from canary.clock import Clock
from canary.model import Failure, OwnFaultError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    with FormSite(tmp_path) as running:
        yield running


async def test_a_plain_form_is_filled_in_and_its_reference_kept(site: FormSite, browser: Browser) -> None:
    result = await submit(site.url, browser)
    assert (result.accepted, result.failure, result.uncertain, result.reason) == (True, None, False, "")
    assert result.reference == "CPR-000001"
    assert result.artefacts == ()
    (submitted,) = site.submissions
    fields = dict(submitted.fields)
    assert fields.pop("text").replace("\r\n", "\n") == TEXT
    assert fields == {
        "name": "Erika Anna Beispiel",
        "email": "erika@reporter.example",
        "phone": "",
        "topic": "cpr",
        "kind": "tls",
        "serial": "0123456789abcdef",
        "subject": report().subject,
        "consent": "on",
    }


async def test_every_step_is_timed_in_order(site: FormSite, browser: Browser) -> None:
    result = await submit(site.url, browser)
    names, seconds = zip(*result.steps, strict=True)
    assert (names[0], names[1], names[-1]) == ("load", "fill Your name", "click Send report")
    assert list(seconds) == sorted(seconds)
    assert seconds[-1] <= result.seconds


async def test_the_browser_looks_like_any_other(site: FormSite, browser: Browser) -> None:
    await submit(site.url, browser)
    headers = site.submissions[0].headers
    assert "Chrome/" in headers["user-agent"]
    assert "headless" not in str(headers).lower()


@pytest.mark.parametrize("form", ["app", "wizard", "state"])
async def test_forms_by_script_on_two_pages_and_with_view_state_are_submitted(
    site: FormSite, browser: Browser, form: str
) -> None:
    result = await submit(site.url, browser, form)
    assert (result.accepted, result.reason, result.reference) == (True, "", "CPR-000001")
    assert site.submissions[0].fields["text"].replace("\r\n", "\n") == TEXT


async def test_the_wizard_keeps_the_answers_of_its_first_page(site: FormSite, browser: Browser) -> None:
    await submit(site.url, browser, "wizard")
    assert site.submissions[0].fields["matter"] == "key"


@pytest.mark.parametrize(("wish", "count"), [("attachments", 2), ("first_attachment", 1)])
async def test_attachments_are_uploaded_whole_and_recorded(
    site: FormSite, browser: Browser, wish: str, count: int
) -> None:
    steps = [step for step in STEPS["upload"] if "upload" not in step]
    steps.insert(-1, {"upload": {"label": "Evidence", "file": wish}})
    channel = WebFormChannel(web_form(site.url, "upload", steps=steps), SENDER, resources(browser))
    outgoing = channel.prepare(report(attachments=FILES))
    assert (await channel.submit(outgoing, within=60)).accepted
    sent = site.submissions[0].files["evidence"]
    assert sent == [(file.name, file.content) for file in FILES[:count]]
    recorded = json.loads(outgoing.payload)["attachments"]
    assert recorded == [{"name": name, "sha256": sha256(content).hexdigest()} for name, content in sent]


async def test_a_report_without_attachments_goes_through_an_upload_form(site: FormSite, browser: Browser) -> None:
    channel = WebFormChannel(web_form(site.url, "upload"), SENDER, resources(browser))
    assert (await channel.submit(channel.prepare(report()), within=60)).accepted
    assert site.submissions[0].files == {}


async def test_the_payload_is_canonical_and_holds_what_is_typed(browser: Browser) -> None:
    channel = WebFormChannel(web_form("https://ca.example", "report"), SENDER, resources(browser))
    payload = channel.prepare(report(attachments=FILES)).payload
    told = json.loads(payload)
    assert rfc8785.dumps(told) == payload
    assert told["fields"] == {
        "Your name": "Erika Anna Beispiel",
        "Email address": "erika@reporter.example",
        "Topic": "Certificate problem report",
        "Type of certificate": "TLS",
        "Serial number": "0123456789abcdef",
        "Subject": report().subject,
        "Description of the problem": TEXT,
        "I agree…": "on",
    }
    assert (told["text"], told["subject"], told["attachments"]) == (TEXT, report().subject, [])


async def test_a_slow_site_is_waited_for(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.SLOW
    assert (await submit(site.url, browser)).accepted


@pytest.mark.parametrize("fault", [Fault.MOVED, Fault.OFF_SITE])
async def test_a_report_is_not_given_to_another_host(site: FormSite, browser: Browser, fault: Fault) -> None:
    site.fault = fault
    result = await submit(site.url, browser)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "to another host: got 'localhost', want 127.0.0.1" in result.reason
    assert site.submissions == []


async def test_a_host_that_the_configuration_allows_may_take_it(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.OFF_SITE
    assert (await submit(site.url, browser, posts_to=["localhost"])).accepted


async def test_screenshot_and_trace_are_kept_of_a_failure_and_the_next_probe_is_traced_in_detail(
    site: FormSite, browser: Browser
) -> None:
    site.fault = Fault.REJECTS
    channel = WebFormChannel(web_form(site.url, "report"), SENDER, resources(browser))
    traces = []
    for _ in range(2):
        artefacts = dict((await channel.submit(channel.prepare(report()), within=60)).artefacts)
        assert artefacts["screenshot.png"].startswith(b"\x89PNG")
        with zipfile.ZipFile(io.BytesIO(artefacts["trace.zip"])) as trace:
            traces.append(trace.read("trace.trace"))
    assert b"Serial" in traces[0]
    assert [b'"frame-snapshot"' in trace for trace in traces] == [False, True]
    site.fault = None
    kept = (await submit(site.url, browser, screenshots="always")).artefacts
    assert [name for name, _ in kept] == ["screenshot.png", "trace.zip"]


async def test_check_finds_the_fields_and_sends_nothing(site: FormSite, browser: Browser) -> None:
    for form in STEPS:
        found = await WebFormChannel(web_form(site.url, form), SENDER, resources(browser)).check()
        assert f"{site.url}/{form}: found '" in found
        assert "sandbox" in found
    assert site.submissions == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [(Fault.RENAMED, "want 'Serial number'"), (Fault.LOGIN, "login wall"), (Fault.ERROR, "HTTP 500")],
)
async def test_check_tells_what_a_form_lacks(site: FormSite, browser: Browser, fault: Fault, words: str) -> None:
    site.fault = fault
    with pytest.raises(UnusableError, match=words):
        await WebFormChannel(web_form(site.url, "report"), SENDER, resources(browser)).check()


async def test_check_mentions_a_captcha(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.CAPTCHA
    assert (
        "reCAPTCHA on the page"
        in await WebFormChannel(web_form(site.url, "report"), SENDER, resources(browser)).check()
    )


async def test_check_raises_our_own_fault_without_a_browser() -> None:
    absent = Browser(BrowserSettings(executable=Path("/nonexistent/chromium")), Clock())
    with pytest.raises(OwnFaultError, match="apt-get install chromium"):
        await WebFormChannel(web_form("http://127.0.0.1:1", "report"), SENDER, resources(absent)).check()


async def test_a_channel_for_reachability_only_is_never_submitted(site: FormSite, browser: Browser) -> None:
    channel = WebFormChannel(web_form(site.url, "report", reachability_only=True), SENDER, resources(browser))
    with pytest.raises(ValueError, match="reachability_only"):
        await channel.submit(channel.prepare(report()), within=60)
    assert "found 'Your name'" in await channel.check()
    assert site.submissions == []
