"""Which control a step means where several may be meant, and what is said where that is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from channels.opened import resources
from servers.form_examples import SENDER, report
from servers.form_kinds import PAGES, PERSON, KindsSite

from canary.channels import UnusableError
from canary.channels.forms.browser import Browser
from canary.channels.forms.inspect import inspect_form
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.model import Failure, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS: list[Any] = [
    {"fill": {"label": "Your name", "with": "{name}"}},
    {"fill": {"label": "Email", "with": "{email}"}},
    {"fill": {"label": "Description", "with": "{text}"}},
]
SEND = {"click": "Send report"}
TWINS = f"<form method=post id=one>{PERSON}<button>Send report</button></form>"
OWN_PAGES = {
    "twin fields": TWINS.replace("<button>", "<label>Email <input name=again></label><button>"),
    "twin buttons": TWINS.replace("<button>", "<button name=b1>Send report</button><button name=b2>"),
    "twin forms": TWINS + TWINS.replace("id=", "id=x").replace("for=", "for=x"),
    "framed": "<h1>Report</h1><input aria-label=Search><iframe src=/newsletter width=600 height=600></iframe>",
    "framed without an address": f"<h1>Report</h1><iframe width=600 height=600 srcdoc='{TWINS}'></iframe>",
    "closed": "<h1>Report</h1><x-form><template shadowrootmode=closed><input aria-label=Name></template></x-form>",
    "asks too much": "<form method=post><label>Name <input required></label><button>Next</button></form><p>Page 1</p>",
}


@pytest.fixture(scope="module")
def site() -> Iterator[KindsSite]:
    with KindsSite({**PAGES, **OWN_PAGES}) as running:
        yield running


def channel(url: str, browser: Browser, *steps: Any, patience: str = "20s") -> WebFormChannel:
    wanted = {"arrives_in": "cpr", "approved_by": "the tests", "url": url, "steps": steps, "patience": patience}
    settings = WebFormSettings.model_validate({**wanted, "confirm": {"text": "Thank you, your report is filed"}})
    return WebFormChannel(settings, SENDER, resources(browser))


async def submit(url: str, browser: Browser, *steps: Any, patience: str = "20s") -> Submission:
    opened = channel(url, browser, *steps, patience=patience)
    return await opened.submit(opened.prepare(report()), within=60)


@pytest.mark.parametrize("page", ["newsletter", "search above", "for telephones"])
async def test_the_field_and_the_button_of_the_form_that_has_the_others_are_meant(
    site: KindsSite, browser: Browser, page: str
) -> None:
    result = await submit(site.url(page), browser, *STEPS, SEND)
    assert (result.accepted, result.reason) == (True, "")
    assert set(site.taken[-1]) == {"name", "email", "text"}


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("twin fields", "2 fields are called 'Email': 'email' in the form 'one' and 'again' in the form 'one'; want"),
        ("twin buttons", "2 buttons are called 'Send report': 'b1' in the form 'one' and 'b2' in the form 'one'; want"),
        ("twin forms", "2 fields are called 'Your name': 'name' in the form 'one' and 'name' in the form 'xone'; want"),
    ],
)
async def test_what_is_ambiguous_is_refused_with_both_named(
    site: KindsSite, browser: Browser, page: str, reason: str
) -> None:
    number = len(site.taken)
    result = await submit(site.url(page), browser, *STEPS, SEND, patience="3s")
    assert result.reason.startswith(reason)
    assert (result.failure, result.uncertain, len(site.taken)) == (Failure.FORM_ERROR, False, number)


async def test_of_two_the_name_that_one_is_sent_under_says_which(site: KindsSite, browser: Browser) -> None:
    email = {"fill": {"label": "again", "with": "{email}"}}
    assert (await submit(site.url("twin fields"), browser, STEPS[0], email, STEPS[2], SEND)).accepted
    assert (site.taken[-1]["email"], site.taken[-1]["again"]) == ("", "erika@reporter.example")


@pytest.mark.parametrize(
    ("page", "label"),
    [
        ("radios after words", "Topic"),
        ("radios after words", "topic"),
        ("radios after words", "General enquiry"),
        ("radios in a row", "Other"),
        ("radios without words", "Other"),
        ("radios that are none", "Topic"),
    ],
)
async def test_of_radio_buttons_the_option_is_chosen_whatever_the_group_is_called(
    site: KindsSite, browser: Browser, page: str, label: str
) -> None:
    choose = {"choose": {"label": label, "option": "Certificate problem"}}
    assert (await submit(site.url(page), browser, choose, *STEPS, SEND)).accepted
    assert site.taken[-1]["topic"] == "Certificate problem"


@pytest.mark.parametrize("label", ["Kind of problem", "kind of problem…", "Kind of…", "Kind of problem *"])
async def test_a_label_is_written_as_a_person_sees_it(site: KindsSite, browser: Browser, label: str) -> None:
    choose = {"choose": {"label": label, "option": "certificate problem"}}
    result = await submit(site.url("marks"), browser, choose, *STEPS, SEND)
    assert (result.accepted, result.reason) == (True, "")


async def test_a_form_in_a_frame_is_found_by_the_address_of_the_frame(site: KindsSite, browser: Browser) -> None:
    block = await inspect_form(site.url("framed"), browser)
    assert f'    url: "{site.url("newsletter")}"' in block
    assert f"# FRAME: the form of {site.url('framed')} is in a frame; url is the address of that frame." in block


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("framed without an address", "it is in a frame that has no address of its own"),
        ("closed", "page says 'Report'; not seen: what is in <x-form>"),
    ],
)
async def test_what_inspect_cannot_see_is_said(site: KindsSite, browser: Browser, page: str, words: str) -> None:
    with pytest.raises(UnusableError, match=words):
        await inspect_form(site.url(page), browser)


async def test_a_page_that_does_not_go_on_is_said(site: KindsSite, browser: Browser) -> None:
    block = await inspect_form(site.url("asks too much"), browser)
    assert '# SEVERAL PAGES: "Next" led to no further fields. The page says: ' in block


async def test_traps_are_said_to_be_left_empty(site: KindsSite, browser: Browser) -> None:
    for page, why in [
        ("trap off the screen", '"Company e-mail (leave this empty)": it says to leave it empty'),
        ("trap not displayed", '"Website": no visitor sees it'),
        ("trap by name", '"Phone": it is named as a trap for robots'),
        ("trap that no key leads to", '"Subject": no key leads to it'),
    ]:
        assert f"# LEFT EMPTY: {why}" in await inspect_form(site.url(page), browser)


@pytest.mark.parametrize(
    ("steps", "far"),
    [
        ([*STEPS, SEND], "looked at 4 of 4 steps"),
        ([STEPS[0], {"next_page": "Send report"}, *STEPS[1:], SEND], "looked at 2 of 5 steps: what comes after "),
        (
            [{"click": "Send report"}, *STEPS, SEND],
            "looked at 1 of 5 steps: what comes after 'click Send report' was not",
        ),
    ],
)
async def test_check_says_how_far_it_looked(site: KindsSite, browser: Browser, steps: list[Any], far: str) -> None:
    assert f"; {far}" in await channel(site.url("newsletter"), browser, *steps).check()


async def test_check_looks_for_the_button_too(site: KindsSite, browser: Browser) -> None:
    with pytest.raises(UnusableError, match=r"button not found: got buttons \['Send report', 'Subscribe'\]"):
        await channel(site.url("newsletter"), browser, *STEPS, {"click": "Submit"}, patience="3s").check()
