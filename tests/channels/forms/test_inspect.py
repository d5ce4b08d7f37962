from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from channels.opened import resources
from servers.form_examples import FILES, SENDER, report
from servers.form_site import Fault, FormSite

from canary.channels import UnusableError
from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.web import WebFormChannel

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    with FormSite(tmp_path) as running:
        yield running


def settings(block: str, confirm: str = "Thank you") -> WebFormSettings:
    """The block as an operator would use it."""
    found = yaml.safe_load(block)["channels"]["web-form"]
    assert found["confirm"]["text"] == "Thank you"
    return WebFormSettings.model_validate({**found, "confirm": {"text": confirm}})


@pytest.mark.parametrize("form", ["report", "app", "state", "upload"])
async def test_the_block_submits_the_form_it_was_made_from(site: FormSite, browser: Browser, form: str) -> None:
    block = await inspect_form(f"{site.url}/{form}", browser)
    assert site.submissions == []
    channel = WebFormChannel(settings(block), SENDER, resources(browser))
    result = await channel.submit(channel.prepare(report(attachments=FILES)), within=60)
    assert (result.accepted, result.reason) == (True, "")
    fields = site.submissions[0].fields
    assert fields["name"] == "Erika Anna Beispiel"
    assert fields["text"].replace("\r\n", "\n") == report().text


async def test_the_block_tells_options_and_what_is_required(site: FormSite, browser: Browser) -> None:
    lines = (await inspect_form(f"{site.url}/report", browser)).splitlines()
    assert '      - fill: {label: "Your name", with: "{name}"}  # required' in lines
    assert '      - fill: {label: "Phone", with: "{phone}"}' in lines
    assert '      # options: "Please choose", "General enquiry", "Certificate problem report"' in lines
    assert '      - choose: {label: "Topic", option: "Certificate problem report"}  # required' in lines
    assert '      # options: "TLS", "S/MIME"' in lines
    assert not any("Newsletter" in line for line in lines)


async def test_a_form_of_several_pages_is_followed_and_nothing_submitted(site: FormSite, browser: Browser) -> None:
    block = await inspect_form(f"{site.url}/wizard", browser)
    assert '# SEVERAL PAGES: went on by "Continue"; nothing was submitted.' in block
    assert site.submissions == []
    titles = [step.title for step in settings(block).steps]
    assert titles == [
        "choose What is the matter?", "next_page Continue", "fill Your name", "fill Email address", "fill Phone",
        "fill Subject", "fill Description of the problem", "click Send report",
    ]  # fmt: skip
    channel = WebFormChannel(settings(block), SENDER, resources(browser))
    assert (await channel.submit(channel.prepare(report()), within=60)).accepted


async def test_a_captcha_and_a_login_wall_are_noted(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.CAPTCHA
    assert "# CAPTCHA: the page has reCAPTCHA" in await inspect_form(f"{site.url}/report", browser)
    site.fault = Fault.LOGIN
    block = await inspect_form(f"{site.url}/report", browser)
    assert "# LOGIN: the page asks for a password" in block
    assert '# "Password" asks for a password, which is never typed' in block
    settings(block)


@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.ERROR, "HTTP 500: 'Internal Server Error"), (Fault.BARE, "no form found at ")]
)
async def test_a_page_without_a_form_is_told(site: FormSite, browser: Browser, fault: Fault, words: str) -> None:
    site.fault = fault
    with pytest.raises(UnusableError, match=words):
        await inspect_form(f"{site.url}/report", browser)


async def test_a_hostile_page_stays_within_its_strings(site: FormSite, browser: Browser) -> None:
    site.fault = Fault.HOSTILE
    block = await inspect_form(f"{site.url}/report", browser)
    loaded = yaml.safe_load(block)
    assert list(loaded) == ["channels"]
    assert list(loaded["channels"]) == ["web-form"]
    assert loaded["channels"]["web-form"]["arrives_in"] == "cpr"
    channel = WebFormChannel(settings(block), SENDER, resources(browser))
    assert (await channel.submit(channel.prepare(report()), within=60)).accepted
    assert site.submissions[0].fields["a"] == "erika@reporter.example"


async def test_what_is_no_web_address_is_refused(browser: Browser) -> None:
    with pytest.raises(ValueError, match="wanted https://HOST/PATH"):
        await inspect_form("file:///etc/passwd", browser)
