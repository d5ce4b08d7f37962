"""A form that takes a report once the link in a mail was followed: both kinds of form, with whatever mail may come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from channels.forms.opting_in import HTML, MAIL, Mailing, opt_in
from channels.hurried_clock import HurriedClock
from channels.opened import resources
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from servers import form_pages as pages
from servers.form_examples import MARK, SENDER, report, web_form
from starlette.responses import HTMLResponse, RedirectResponse

from canary.channels.forms.browser import Browser
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.opt_in import _links
from canary.channels.forms.settings import HttpFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.clock import Clock
from canary.model import Component, Failure, Submission

pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS = ("web_form", "http_form")
PLAIN = {"name": "{name}", "email": "{marked_email}", "subject": "{subject}", "text": "{text}", "serial": "{serial}"}
FIELDS = PLAIN | {"topic": "cpr", "kind": "tls", "consent": "on"}


async def submit(
    kind: str, mailing: Mailing, browser: Browser, *, clock: Clock | None = None, **changes: Any
) -> Submission:
    """A report to the plain form of the site."""
    channel: HttpFormChannel | WebFormChannel
    given = resources(browser, clock=clock, letters=mailing.letters)
    with mailing.site as site:
        if kind == "http_form":
            plain = {"arrives_in": "cpr", "approved_by": "the tests", "url": f"{site.url}/report", "fields": FIELDS}
            more = {"serial": "01" * 8, "confirm": {"text": "Thank you for your report"}, "opt_in": opt_in(**changes)}
            channel = HttpFormChannel(HttpFormSettings.model_validate(plain | more), SENDER, given)
        else:
            channel = WebFormChannel(web_form(site.url, "report", opt_in=opt_in(**changes)), SENDER, given)
        return await channel.submit(channel.prepare(report()), within=600)


def told(submission: Submission) -> str:
    return dict(submission.artefacts)["opt-in.txt"].decode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mail", [MAIL, HTML], ids=["plain", "html"])
async def test_a_report_counts_as_taken_once_the_link_in_its_mail_was_followed(
    kind: str, mail: str, tmp_path: Path, browser: Browser
) -> None:
    mailing = Mailing(tmp_path, "Subject: Thank you\n\nWe have it. See {site}/faq\n", mail)
    submission = await submit(kind, mailing, browser)
    assert submission.accepted, submission
    assert submission.reference == "CPR-7"
    names = [name for name, _ in submission.steps]
    assert names[-2:] == ["opt-in mail", "opt-in link"]
    assert [took for _, took in submission.steps] == sorted(took for _, took in submission.steps)
    assert submission.steps[-1][1] <= submission.seconds
    assert mailing.followed() == 1
    assert mailing.waited_at_link == [False], "what comes from then on may be the answer of somebody who has it"
    assert f"following {mailing.url}/confirm?token=x1y2&a=1\n" in told(submission)
    assert told(submission).endswith("confirmed\n")


async def test_an_address_of_the_report_alone_is_what_a_form_can_be_told(tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL)
    assert (await submit("http_form", mailing, browser)).accepted
    assert mailing.site.submissions[0].fields["email"] == f"erika+{MARK}@reporter.example"


@pytest.mark.parametrize(
    "mail",
    [
        MAIL.replace("{site}", "http://127.0.0.2:8080"),
        MAIL.replace("{site}", "http://localhost:8080"),
        MAIL.replace("{site}/", "http://ca.example:{site}/"),
        MAIL.replace("/confirm", "/cancel"),
        MAIL.replace("{site}", "{site}@evil.example"),
        "Subject: a mail without a link\n\nclick here\n",
    ],
)
async def test_no_other_link_is_followed(mail: str, tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, mail)
    submission = await submit("http_form", mailing, browser, within="1s")
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.FORM_ERROR, True)
    assert submission.reason.startswith("the form's link: no mail with it within 1 s")
    assert not mailing.followed()


async def test_a_mail_of_another_probe_is_not_looked_at(tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL)
    mailing.probe = "another"
    submission = await submit("http_form", mailing, browser, within="1s")
    assert submission.reason == "the form's link: no mail with it within 1 s"


async def test_a_link_on_a_host_that_was_named_is_followed(tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL.replace("127.0.0.1", "localhost"))
    mailing.mails = (MAIL.replace("{site}", mailing.url.replace("127.0.0.1", "localhost")),)
    submission = await submit("http_form", mailing, browser, hosts=["localhost"])
    assert submission.accepted, submission


@pytest.mark.parametrize("kind", KINDS)
async def test_what_the_page_behind_the_link_says_instead_is_told(kind: str, tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL)
    mailing.shows(HTMLResponse(pages.page("Sorry", "<p>This link has expired.</p>")))
    words = {"text": "is confirmed", "within": "2s"}
    submission = await submit(kind, mailing, browser, confirm=words)
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.FORM_ERROR, False)
    assert submission.reason.startswith("the form's link: not confirmed: page says")
    assert "This link has expired." in submission.reason
    mailing = Mailing(tmp_path, MAIL)
    mailing.shows(HTMLResponse(pages.problem("Gone for good"), 410))
    submission = await submit(kind, mailing, browser)
    assert (submission.failure, submission.uncertain) == (Failure.FORM_ERROR, False)
    assert "HTTP 410" in submission.reason


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_that_leads_away_is_not_followed_there(kind: str, tmp_path: Path, browser: Browser) -> None:
    elsewhere = Mailing(tmp_path / "elsewhere")
    mailing = Mailing(tmp_path, MAIL)
    with elsewhere.site as other:
        mailing.shows(RedirectResponse(f"{other.url}/confirm"))
        submission = await submit(kind, mailing, browser)
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.FORM_ERROR, False)
    assert (mailing.followed(), elsewhere.site.asked) == (1, [])


async def test_a_page_that_asks_for_a_button_has_it_pressed_once(tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL)
    form = '<form method="post" action="/pressed"><button>Confirm my report</button></form>'
    mailing.shows(HTMLResponse(pages.page("One more step", form)))
    words = {"text": "Thank you for your report", "reference": r"(CPR-\d+)", "within": "20s"}
    submission = await submit("web_form", mailing, browser, confirm=words, button="Confirm my report")
    assert submission.accepted, submission
    assert submission.reference == "CPR-000002"
    assert [sent.page for sent in mailing.site.submissions] == ["report", "pressed"]
    mailing = Mailing(tmp_path, MAIL)
    submission = await submit("web_form", mailing, browser, confirm=words, button="Confirm my report")
    assert "the form's link: button not found" in submission.reason
    assert (submission.failure, submission.uncertain) == (Failure.FORM_ERROR, False)


async def test_a_mailbox_that_nobody_reads_is_our_own_fault(tmp_path: Path, browser: Browser) -> None:
    clock = HurriedClock()
    submission = await submit("http_form", Mailing(tmp_path, clock=clock, read=False), browser, clock=clock)
    assert (submission.failure, submission.uncertain) == (Failure.OURS, True)
    assert (submission.component, submission.own_reason) == (Component.IMAP, "unread")
    assert "was last read never" in submission.reason


async def test_a_form_that_refuses_a_report_sends_no_mail_that_is_waited_for(tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL, read=False)
    mailing.site.fault = mailing.site.fault_on_submission = None
    mailing.site.further["report"] = HTMLResponse(pages.problem("closed"), 503)
    submission = await submit("http_form", mailing, browser)
    assert "HTTP 503" in submission.reason
    assert not mailing.followed()


async def test_a_channel_that_reads_no_replies_submits_nothing(tmp_path: Path, browser: Browser) -> None:
    mailing = Mailing(tmp_path, MAIL)
    with mailing.site as site:
        channel = WebFormChannel(web_form(site.url, "report", opt_in=opt_in()), SENDER, resources(browser))
        with pytest.raises(ValueError, match="reads the senders' replies"):
            await channel.submit(channel.prepare(report()), within=60)
    assert not site.asked


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"link": "("}, "is no regular expression"),
        ({"hosts": ["https://a/"]}, "is no host"),
        ({"within": "15m"}, "opt_in may take 1040s and the deadline is 900s, want a later one"),
        ({"press": "x"}, "not permitted"),
    ],
)
async def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        web_form("https://ca.example", "report", opt_in=opt_in(**changes))


async def test_hosts_of_links_are_targets_and_in_the_evidence() -> None:
    settings = web_form("https://ca.example", "report", opt_in=opt_in(hosts=["confirm.example:8443"]))
    assert settings.targets() == ("ca.example", "confirm.example")
    assert settings.target()["opt_in"]["hosts"] == ["confirm.example:8443"]
    assert settings.reads_replies() == "opt_in"


@given(st.binary(max_size=400), st.lists(st.text(max_size=40), max_size=5))
async def test_whatever_a_mail_is_its_links_are_addresses_of_one_line(raw: bytes, words: list[str]) -> None:
    text = " ".join(f"<http://a/{word}>" for word in words)
    head = "Content-Type: text/html\n\n"
    for mail in (raw, f"{head}{text}".encode("utf-8", "replace"), f"\n{text}".encode("utf-8", "replace")):
        for link in _links(mail):
            assert link.lower().startswith(("http://", "https://"))
            assert len(link) <= 2008
            assert len(link.split()) == 1


async def test_links_are_found_in_linear_time_and_no_more_than_a_budget_of_them() -> None:
    many = "\n".join(f"http://a.example/{number}" for number in range(5000))
    assert len(_links(f"\n{many}".encode())) == 200
    assert len(_links(b"\nhttp://" + b"a" * 5_000_000)) == 1
