from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from channels.hurried_clock import HurriedClock
from channels.opened import resources
from pydantic import ValidationError
from servers.form_examples import FILES, MARK, SENDER, TEXT, report
from servers.form_site import Fault, FormSite

from canary.channels import UnusableError
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.settings import HttpFormSettings
from canary.model import Component, Failure, OwnFaultError, Submission

PERSON = {"name": "{name}", "email": "{email}"}
MESSAGE = {"subject": "{subject}", "text": "{text}"}
FIELDS: dict[str, dict[str, str]] = {
    "report": {**PERSON, **MESSAGE, "serial": "{serial}", "topic": "cpr", "kind": "tls", "consent": "on"},
    "state": {**PERSON, **MESSAGE, "serial": "{serial}"},
    "upload": {**PERSON, **MESSAGE},
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    with FormSite(tmp_path) as running:
        yield running


def settings(site: str, page: str = "report", /, **changes: Any) -> HttpFormSettings:
    return HttpFormSettings.model_validate(
        {
            "arrives_in": "cpr",
            "approved_by": "the tests",
            "url": f"{site}/{page}",
            "fields": FIELDS[page],
            "serial": "0123456789abcdef",
            "confirm": {"text": "Thank you for your report", "reference": r"(CPR-\d+)", "within": "20s"},
            **changes,
        }
    )


async def submit(site: str, page: str = "report", /, **changes: Any) -> Submission:
    channel = HttpFormChannel(settings(site, page, **changes), SENDER, resources())
    return await channel.submit(channel.prepare(report(attachments=FILES)), within=60)


async def test_the_given_clock_tells_when_it_began_and_how_long_it_took(site: FormSite) -> None:
    channel = HttpFormChannel(settings(site.url), SENDER, resources(clock=HurriedClock()))
    result = await channel.submit(channel.prepare(report()), within=60)
    assert (result.accepted, result.at, result.seconds) == (True, datetime(2026, 3, 1, 12, tzinfo=UTC), 0)
    assert result.steps == (("load", 0), ("submit", 0))


async def test_a_form_is_sent_and_its_reference_kept(site: FormSite) -> None:
    result = await submit(site.url)
    assert (result.accepted, result.reason, result.reference) == (True, "", "CPR-000001")
    assert [name for name, _ in result.steps] == ["load", "submit"]
    (submitted,) = site.submissions
    assert submitted.fields == {
        "name": "Erika Anna Beispiel",
        "email": "erika@reporter.example",
        "phone": "",
        "topic": "cpr",
        "kind": "tls",
        "serial": "0123456789abcdef",
        "subject": f"Report {MARK}",
        "text": TEXT.replace("\n", "\r\n"),
        "consent": "on",
    }


async def test_view_state_token_cookie_preset_and_button_are_carried_over(site: FormSite) -> None:
    assert (await submit(site.url, "state")).accepted
    fields = site.submissions[0].fields
    assert (fields["topic"], fields["send"]) == ("cpr", "yes")
    assert len(fields["csrf_token"]) == 32
    assert "q" not in fields


@pytest.mark.parametrize("choice", ["cpr", 1])
async def test_a_form_is_picked_by_id_or_number(site: FormSite, choice: object) -> None:
    assert (await submit(site.url, "state", form=choice)).accepted


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("report", "form not found: got forms with id ['', 'cpr'], want 'report'"),
        (2, "form not found: got 2 forms, want number 2 (from 0)"),
        (0, "field not found: got fields ['q'], want 'name'"),
    ],
)
async def test_a_form_that_is_not_there_is_told(site: FormSite, choice: object, words: str) -> None:
    result = await submit(site.url, "state", form=choice)
    assert (result.failure, result.uncertain, result.reason) == (Failure.FORM_ERROR, False, words)


async def test_attachments_are_uploaded_whole_and_recorded(site: FormSite) -> None:
    channel = HttpFormChannel(settings(site.url, "upload", files={"evidence": "attachments"}), SENDER, resources())
    outgoing = channel.prepare(report(attachments=FILES))
    assert (await channel.submit(outgoing, within=60)).accepted
    assert site.submissions[0].files == {"evidence": [(file.name, file.content) for file in FILES]}
    assert site.submissions[0].fields["text"] == TEXT.replace("\n", "\r\n")
    payload = json.loads(outgoing.payload)
    assert payload["attachments"] == [{"name": f.name, "sha256": sha256(f.content).hexdigest()} for f in FILES]
    assert payload["fields"]["text"] == TEXT


@pytest.mark.parametrize("files", [{}, {"evidence": "attachments"}])
async def test_an_upload_form_takes_a_report_without_attachments(site: FormSite, files: dict[str, str]) -> None:
    channel = HttpFormChannel(settings(site.url, "upload", files=files), SENDER, resources())
    assert (await channel.submit(channel.prepare(report()), within=60)).accepted
    assert site.submissions[0].files == {}
    assert site.submissions[0].headers["content-type"].startswith("multipart/form-data")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (
            Fault.REJECTS,
            "not confirmed: page says 'The serial number was not found in our database.', "
            "want 'Thank you for your report'",
        ),
        (Fault.RENAMED, "field not found: got fields ['name', 'email', 'phone', 'topic', 'kind', 'identifier', "),
        (Fault.ADDED, "not confirmed: page says 'Please fill in: Relationship to the certificate.'"),
        (Fault.CAPTCHA, "CAPTCHA: the page has reCAPTCHA; not confirmed: page says 'Please confirm that you are not"),
        (Fault.LOGIN, "login wall: the page asks for a password; field not found: got fields ['user', 'pass']"),
        (Fault.OFF_SITE, "the form leads to another host: got 'localhost', want 127.0.0.1"),
        (Fault.MOVED, "the form leads to another host: got 'localhost', want 127.0.0.1"),
        (Fault.ERROR, "HTTP 500 for "),
    ],
)
async def test_what_the_site_does_wrong_is_a_form_error(site: FormSite, fault: Fault, reason: str) -> None:
    site.fault = fault
    result = await submit(site.url)
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False)
    assert result.reason.startswith(reason)
    assert site.submissions == []


async def test_a_form_that_leads_to_another_port_is_refused_unless_configured(site: FormSite) -> None:
    site.fault = Fault.DEAD_END
    result = await submit(site.url)
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False)
    assert result.reason.startswith("the form leads elsewhere on its host: got http://127.0.0.1:")
    assert result.reason.endswith(f", want {site.url} or better")
    result = await submit(site.url, posts_to=[site.dead_end])
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, False)
    assert result.reason.startswith(f"page unreachable: http://{site.dead_end}/")


async def test_words_that_nothing_marks_as_an_error_are_told(site: FormSite) -> None:
    site.fault = Fault.REJECTS_PLAINLY
    assert "The serial number was not found" in (await submit(site.url)).reason


async def test_an_error_in_answer_to_the_form_is_a_form_error(site: FormSite) -> None:
    site.fault_on_submission = Fault.ERROR
    result = await submit(site.url)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason.startswith("HTTP 500: page says 'Internal Server Error")


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.BREAKS_OFF])
async def test_silence_after_the_form_was_sent_leaves_it_open(site: FormSite, fault: Fault) -> None:
    site.fault = fault
    result = await submit(site.url, confirm={"text": "Thank you", "within": "500ms"})
    assert (result.accepted, result.failure, result.uncertain) == (False, Failure.FORM_ERROR, True)
    assert result.reason.startswith("the form was sent and no answer came")
    assert len(site.submissions) == 1


async def test_an_answer_that_leads_to_another_host_leaves_it_open(site: FormSite) -> None:
    site.fault_on_submission = Fault.MOVED
    result = await submit(site.url)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, True)
    assert "got 'localhost'" in result.reason
    assert len(site.submissions) == 1


async def test_a_slow_site_is_waited_for_and_one_too_slow_is_not(site: FormSite) -> None:
    site.fault = Fault.SLOW
    assert (await submit(site.url)).accepted
    result = await submit(site.url, loads_within="200ms")
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "page unreachable" in result.reason


async def test_a_refused_connection_is_a_form_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = await submit(f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert result.reason.startswith("page unreachable: http://127.0.0.1:")


async def test_tls_is_verified(tmp_path: Path) -> None:
    with FormSite(tmp_path, tls=True) as site:
        assert (await submit(site.url, ca_file=str(site.ca_file))).accepted
        result = await submit(site.url)
    assert (result.failure, result.uncertain) == (Failure.FORM_ERROR, False)
    assert "CERTIFICATE_VERIFY_FAILED" in result.reason


@pytest.mark.parametrize("make", [lambda _: None, os.mkfifo, Path.touch], ids=["missing", "a FIFO", "empty"])
async def test_a_ca_file_that_is_none_is_our_own_fault(
    site: FormSite, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """And is not waited for: OpenSSL would, for whoever writes into a FIFO."""
    make(tmp_path / "ca.pem")
    result = await submit(site.url, ca_file=str(tmp_path / "ca.pem"))
    assert (result.failure, result.component, result.own_reason) == (Failure.OURS, Component.CONFIG, "ca_file")


async def test_a_name_that_is_not_found_is_theirs_and_a_resolver_that_fails_is_ours() -> None:
    result = await submit("http://no-such-host.invalid")
    with pytest.raises(socket.gaierror) as told:
        socket.getaddrinfo("no-such-host.invalid", None)
    exists_not = told.value.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
    assert result.failure is (Failure.FORM_ERROR if exists_not else Failure.OURS)
    assert "no-such-host.invalid" in result.reason


async def test_check_finds_the_fields_and_sends_nothing(site: FormSite) -> None:
    found = await HttpFormChannel(
        settings(site.url, "upload", files={"evidence": "attachments"}), SENDER, resources()
    ).check()
    names = "'name', 'email', 'subject', 'text', 'evidence'"
    assert found == f"{site.url}/upload: found {names}; 6 fields, goes to POST {site.url}/upload"
    site.fault = Fault.CAPTCHA
    assert (await HttpFormChannel(settings(site.url), SENDER, resources()).check()).endswith("; reCAPTCHA on the page")
    site.fault = Fault.RENAMED
    with pytest.raises(UnusableError, match="want 'serial'"):
        await HttpFormChannel(settings(site.url), SENDER, resources()).check()
    assert site.submissions == []


async def test_check_raises_our_own_faults_as_such(site: FormSite) -> None:
    with pytest.raises(OwnFaultError):
        await HttpFormChannel(settings(site.url, ca_file="/nonexistent/ca.pem"), SENDER, resources()).check()


async def test_an_option_that_is_not_offered_is_told(site: FormSite) -> None:
    result = await submit(site.url, fields={**FIELDS["report"], "topic": "abuse"})
    assert result.reason == "option not found in 'topic': got ['', 'general', 'cpr'], want 'abuse'"


async def test_a_channel_for_reachability_only_is_never_submitted(site: FormSite) -> None:
    channel = HttpFormChannel(settings(site.url, reachability_only=True), SENDER, resources())
    with pytest.raises(ValueError, match="reachability_only"):
        await channel.submit(channel.prepare(report()), within=60)
    assert site.submissions == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fields": {"text": "hello"}}, "could not be recognised when it arrives"),
        ({"fields": {"text": "{text}", "serial": "{serial}"}, "serial": None}, "the channel has no serial"),
        ({"fields": {"text": "{txt}"}}, "no placeholder {txt}; wanted one of {subject}, {text}"),
        ({"url": "ftp://ca.example/"}, "no web address; wanted https://HOST/PATH"),
        ({"confirm": {"text": "Thank you", "reference": r"CPR-\d+"}}, "has 0 groups, wanted one"),
        ({"confirm": {"text": "Thank you", "reference": "("}}, "is no regular expression"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings("https://ca.example", **changes)
    assert words in str(refused.value)


def test_targets_are_the_hosts_it_goes_to() -> None:
    made = settings("https://ca.example", posts_to=["tickets.ca.example"])
    assert made.targets() == ("ca.example", "tickets.ca.example")
