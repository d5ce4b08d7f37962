"""Web forms on the whole way: a real browser, a real site, and the mail system behind it."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from servers.ca_site import CaSite
from servers.canary_run import configuration, running
from servers.form_examples import STEPS
from servers.form_site import Fault, FormSite, Submitted
from starlette.responses import HTMLResponse

from canary.model import DeadlineResult, Outcome, Stage, Verdict


@pytest.fixture
def forms(ca: CaSite, tmp_path: Path) -> Iterator[FormSite]:
    """A site whose reports go by mail to the desk, as the back ends of such forms do it."""

    with FormSite(tmp_path, on_submission=partial(file_by_mail, ca)) as site:
        yield site


def file_by_mail(ca: CaSite, report: Submitted) -> None:
    mail = EmailMessage()
    mail["From"] = "website@ca.test"
    mail["To"] = "problem-report@ca.test"
    mail["Subject"] = f"[{report.reference}] report from the web site"
    mail.set_content("\n".join(f"{name}: {value}" for name, value in report.fields.items()))
    with smtplib.SMTP(*ca.mx) as client:
        client.send_message(mail)


def form_channel(forms: FormSite, kind: str = "web_form") -> dict[str, Any]:
    """The plain form of the site, as a channel."""
    way: dict[str, Any] = {"steps": STEPS["report"]}
    if kind == "http_form":
        said = {name: f"{{{name}}}" for name in ("name", "email", "subject", "text", "serial")}
        way = {"fields": {**said, "topic": "cpr", "kind": "tls", "consent": "on"}}
    return {
        "kind": kind,
        "url": f"{forms.url}/report",
        "confirm": {"text": "Thank you", "reference": "(CPR-[0-9]+)"},
        "serial": "00c0ffee00c0ffee",
        **way,
    }


def with_form(ca: CaSite, folder: Path, channel: dict[str, Any]) -> dict[str, Any]:
    config = configuration(ca, folder, form=channel)
    del config["channels"]["form"]["to"]
    config["operator"]["domains"].append("127.0.0.1")
    return config


async def probed(ca: CaSite, folder: Path, channel: dict[str, Any]) -> Verdict:
    async with running(with_form(ca, folder, channel), folder) as run:
        await run.watching()
        probe = await run.probe("form")
        await run.until(lambda: run.known(probe).case.submission, "the form's answer")
        return await run.outcome(probe)


async def test_healthy_form_arrives_in_the_queue(ca: CaSite, forms: FormSite, tmp_path: Path) -> None:
    verdict = await probed(ca, tmp_path, form_channel(forms))
    assert (verdict.outcome, verdict.place) == (Outcome.ARRIVED, "cpr")
    assert verdict.stages.keys() == {Stage.ACCEPTED, Stage.ARRIVED}


async def test_a_form_that_sends_a_link_files_a_report_once_that_was_followed(ca: CaSite, tmp_path: Path) -> None:
    waiting: list[Submitted] = []

    def ask(report: Submitted) -> None:
        waiting.append(report)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "website@ca.test", report.fields["email"], "Confirm your report"
        mail.set_content(f"We have not read it yet. Please go to {site.url}/confirm?report={report.reference} first.")
        with smtplib.SMTP(*ca.mx) as client:
            client.send_message(mail)

    def take() -> None:
        if site.asked[-1][1] == "/confirm":
            file_by_mail(ca, waiting.pop())

    site = FormSite(tmp_path, on_submission=ask, on_load=take)
    site.further["confirm"] = HTMLResponse("<p>Your report is confirmed.</p>")
    with site:
        channel = form_channel(site, "http_form") | {"deadline": "5m"}
        channel["fields"]["email"] = "{marked_email}"
        words = {"text": "is confirmed"}
        link = re.escape(f"{site.url}/confirm") + r"\?report=CPR-\d+"
        verdict = await probed(ca, tmp_path, channel | {"opt_in": {"link": link, "within": "60s", "confirm": words}})
    assert (verdict.outcome, verdict.place) == (Outcome.ARRIVED, "cpr")
    assert verdict.stages.keys() == {Stage.ACCEPTED, Stage.ARRIVED}, "that mail is nobody's answer"
    assert [path for _, path, _ in site.asked].count("/confirm") == 1


async def test_form_that_was_thanked_for_and_filed_in_the_general_queue(
    ca: CaSite, forms: FormSite, tmp_path: Path
) -> None:
    ca.sieve('require "fileinto"; if header :contains "subject" "web site" { fileinto "General"; }', "desk")
    verdict = await probed(ca, tmp_path, form_channel(forms))
    assert (verdict.outcome, verdict.place) == (Outcome.WRONG_QUEUE, "general")
    assert Stage.ACCEPTED in verdict.stages


async def test_form_that_says_no_with_200(ca: CaSite, forms: FormSite, tmp_path: Path) -> None:
    forms.fault = Fault.REJECTS
    verdict = await probed(ca, tmp_path, form_channel(forms))
    assert (verdict.outcome, verdict.deadline) == (Outcome.FORM_ERROR, DeadlineResult.MISSED)
    assert "The serial number was not found in our database." in verdict.reason


async def test_form_that_cannot_be_reached(ca: CaSite, forms: FormSite, tmp_path: Path) -> None:
    channel = form_channel(forms) | {"url": "http://127.0.0.1:1/report"}
    assert (await probed(ca, tmp_path, channel)).outcome is Outcome.FORM_ERROR


async def test_form_whose_required_field_changed(ca: CaSite, forms: FormSite, tmp_path: Path) -> None:
    forms.fault = Fault.RENAMED
    verdict = await probed(ca, tmp_path, form_channel(forms))
    assert verdict.outcome is Outcome.FORM_ERROR
    assert "want" in verdict.reason
    assert forms.submissions == []


@pytest.mark.parametrize(("fault", "word"), [(Fault.CAPTCHA, "CAPTCHA"), (Fault.LOGIN, "login")])
async def test_form_behind_a_wall(ca: CaSite, forms: FormSite, tmp_path: Path, fault: Fault, word: str) -> None:
    forms.fault = fault
    verdict = await probed(ca, tmp_path, form_channel(forms))
    assert verdict.outcome is Outcome.FORM_ERROR
    assert word.lower() in verdict.reason.lower()


async def test_an_answer_after_the_arrival_is_found_by_what_it_quotes(
    ca: CaSite, forms: FormSite, tmp_path: Path
) -> None:
    """A form's report has no Message-ID of ours, so no header of the answer has the mark."""
    async with running(with_form(ca, tmp_path, form_channel(forms, "http_form")), tmp_path) as run:
        await run.watching()
        probe = await run.probe("form")
        assert (await run.outcome(probe)).outcome is Outcome.ARRIVED, run.verdict(probe)
        answer = EmailMessage()
        answer["From"] = "bob@ca.test"
        answer["Subject"] = "Re: your report from the web site"
        answer.set_content(f"Which key is it?\n> {run.known(probe).mark}\n")
        ca.deliver("researcher", answer.as_bytes())
        await run.until(lambda: Stage.ANSWER_RECEIVED in run.verdict(probe).stages, "the answer")
        assert run.verdict(probe).outcome is Outcome.ARRIVED
