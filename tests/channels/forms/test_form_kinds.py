"""What ``form inspect`` prints of a page works on that page, whatever the form is made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from channels.opened import resources
from servers.form_examples import SENDER, TEXT, report
from servers.form_kinds import PAGES, KindsSite

from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.model import Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site() -> Iterator[KindsSite]:
    with KindsSite(PAGES) as running:
        yield running


async def submit(settings: WebFormSettings, browser: Browser) -> Submission:
    channel = WebFormChannel(settings, SENDER, resources(browser))
    return await channel.submit(channel.prepare(report()), within=60)


def holds_what_it_should(page: str, taken: dict[str, str]) -> None:
    assert taken["name"] == "Erika Anna Beispiel"
    assert taken["email"] == "erika@reporter.example"
    assert taken["text"].replace("\r\n", "\n") == TEXT
    assert taken.get("topic", "Certificate problem") == "Certificate problem"
    assert taken.get("extra", "") == ""
    assert ("ok" in taken) == page.startswith("box")
    assert ("topic" in taken) == page.startswith(("combo", "button", "list", "radios", "marks"))


@pytest.mark.parametrize("page", PAGES)
async def test_what_inspect_prints_works_on_the_page_it_saw(site: KindsSite, browser: Browser, page: str) -> None:
    number = len(site.taken)
    block = await inspect_form(site.url(page), browser)
    assert len(site.taken) == number, "nothing is submitted"
    settings = WebFormSettings.model_validate(yaml.safe_load(block)["channels"]["web-form"] | {"patience": "6s"})
    result = await submit(settings, browser)
    assert (result.accepted, result.reason) == (True, ""), block
    holds_what_it_should(page, site.taken[-1])
