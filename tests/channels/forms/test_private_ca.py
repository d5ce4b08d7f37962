"""A form behind an operator's own CA: reached by it alone, and with the name that its certificate has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from channels.opened import resources
from servers.form_examples import SENDER, TEXT, report, web_form
from servers.form_site import FormSite

from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.web import WebFormChannel
from canary.model import Failure, OwnFaultError, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FormSite]:
    with FormSite(tmp_path_factory.mktemp("site"), tls=True) as running:
        yield running


async def submit(url: str, browser: Browser, **changes: Any) -> Submission:
    channel = WebFormChannel(web_form(url, "report", **changes), SENDER, resources(browser))
    return await channel.submit(channel.prepare(report()), within=60)


async def test_a_form_behind_an_own_ca_is_inspected_and_submitted(site: FormSite, browser: Browser) -> None:
    block = await inspect_form(f"{site.url}/report", browser, site.ca_file)
    assert '- click: "Send report"' in block
    result = await submit(site.url, browser, ca_file=str(site.ca_file))
    assert (result.accepted, result.reason) == (True, "")
    assert site.submissions[-1].fields["text"].replace("\r\n", "\n") == TEXT


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_another_ca_or_another_name_is_not_taken(
    site: FormSite, browser: Browser, host: str, tmp_path: Path
) -> None:
    number, other = len(site.submissions), tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    file, code = (other, "AUTHORITY") if host == "127.0.0.1" else (site.ca_file, "COMMON_NAME")
    result = await submit(site.url.replace("127.0.0.1", host), browser, ca_file=str(file))
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason.startswith(f"page unreachable: net::ERR_CERT_{code}_INVALID (")
    assert len(site.submissions) == number


async def test_without_it_the_same_form_is_untrusted(site: FormSite, browser: Browser) -> None:
    result = await submit(site.url, browser)
    assert (result.failure, "ERR_CERT_AUTHORITY_INVALID" in result.reason) == (Failure.FORM_ERROR, True)


async def test_no_other_address_is_reached(site: FormSite, browser: Browser, tmp_path: Path) -> None:
    with FormSite(tmp_path) as other:
        async with browser.visit(web_form(site.url, "report").home(), ca_file=site.ca_file) as visited:
            page = await visited.context.new_page()
            await page.goto(f"{site.url}/report")
            got = "url => fetch(url, {mode: 'no-cors'}).then(() => 'got', () => 'not')"
            assert await page.evaluate(got, f"{other.url}/report") == "not"
            assert await page.evaluate(got, f"{site.url}/report") == "got"


async def test_a_file_without_a_ca_is_our_own_fault(site: FormSite, browser: Browser, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(OwnFaultError, match=r"empty\.pem"):
        await inspect_form(f"{site.url}/report", browser, empty)
