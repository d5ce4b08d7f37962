"""A form that takes one way to name a certificate and refuses another is told so, by both kinds of form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from channels.opened import resources
from reports.named import EXPIRED, identifier_of
from servers.answering import Answering
from servers.form_examples import SENDER, report

from canary.channels.forms.browser import Browser
from canary.channels.forms.http import HttpFormChannel
from canary.channels.forms.identified import Identified
from canary.channels.forms.settings import HttpFormSettings, WebFormSettings
from canary.channels.forms.web import WebFormChannel
from canary.model import Failure, Submission
from canary.settings.certificate import read_certificate

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT = datetime(2026, 3, 1, tzinfo=UTC)
WAYS = ("serial", "serial-colons", "sha256", "sha256-upper", "crt-sh", "pem")
NO = "the certificate could not be found"
FORM = (
    "<meta charset=utf-8><form method=post><label>Certificate <textarea name=cert></textarea></label>"
    "<label>What is wrong <textarea name=text></textarea></label><button>Send</button></form>"
)


class Picky(Answering):
    """A form whose field for the certificate takes hexadecimal digits alone, as it was measured at real CAs."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        if not body:
            return 200, "text/html", FORM.encode()
        self.asked.append(parse_qs(body.decode())["cert"][0].replace("\r\n", "\n").strip())
        taken = re.fullmatch(r"[0-9a-f]+", self.asked[-1])
        return 200, "text/html", b"Thank you" if taken else f"<p role=alert>{NO}</p>{FORM}".encode()


@pytest.fixture
def site() -> Iterator[Picky]:
    with Picky() as running:
        yield running


@pytest.mark.parametrize("kind", ["http_form", "web_form"])
async def test_what_a_form_takes_and_what_it_refuses_is_named(site: Picky, browser: Browser, kind: str) -> None:
    given: dict[str, Any] = {"arrives_in": "cpr", "approved_by": "the tests", "url": site.address}
    given |= {"certificate": EXPIRED, "identifiers": WAYS, "confirm": {"text": "Thank you", "within": "30s"}}
    channel: HttpFormChannel | WebFormChannel
    if kind == "http_form":
        fields = {"cert": "{identifier}", "text": "{text}"}
        channel = HttpFormChannel(HttpFormSettings.model_validate(given | {"fields": fields}), SENDER, resources())
    else:
        labels = {"Certificate": "{identifier}", "What is wrong": "{text}"}
        steps = [{"fill": {"label": label, "with": text}} for label, text in labels.items()]
        settings = WebFormSettings.model_validate(given | {"steps": [*steps, {"click": "Send"}]})
        channel = WebFormChannel(settings, SENDER, resources(browser))
    refused = {}
    for way in WAYS if kind == "http_form" else ("serial", "pem"):
        outgoing = channel.prepare(report(identifier=identifier_of(f"V22-{way}"), serial="0fa3c5d7e9b1"))
        result = await channel.submit(outgoing, within=60)
        if not result.accepted:
            refused[way] = result.reason
    expected = read_certificate(EXPIRED)
    assert site.asked[0] == expected.serial
    assert site.asked[-1] == expected.pem
    assert refused.keys() == ({"serial-colons", "sha256-upper", "crt-sh", "pem"} if kind == "http_form" else {"pem"})
    assert refused["pem"].startswith("refused with a PEM (taken with a serial number")
    assert NO in refused["pem"]
    outgoing = channel.prepare(report(serial=expected.serial))
    assert (await channel.submit(outgoing, within=60)).accepted, "a report about something else names it by its serial"
    assert site.asked[-1] == expected.serial


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Submission(AT, False, 1, Failure.FORM_ERROR, reason="no", steps=(("load", 1),)), "refused with a PEM: no"),
        (Submission(AT, False, 1, Failure.FORM_ERROR, reason="unreachable"), "unreachable"),
        (Submission(AT, False, 1, Failure.FORM_ERROR, True, reason="hangs", steps=(("load", 1),)), "hangs"),
        (Submission(AT, False, 1, Failure.OURS, reason="crashed", steps=(("load", 1),)), "crashed"),
    ],
)
async def test_only_a_form_that_was_there_and_said_no_has_refused(result: Submission, told: str) -> None:
    named, other = report(identifier=identifier_of("V22-pem")), report()
    assert Identified().told(named, result).reason == told
    assert Identified().told(other, result) == result


async def test_what_is_refused_after_it_was_taken_is_taken_no_more() -> None:
    one, refused = Identified(), Submission(AT, False, 1, Failure.FORM_ERROR, reason="no", steps=(("load", 1),))
    serial, pem = (report(identifier=identifier_of(f"V22-{way}")) for way in ("serial", "pem"))
    one.told(serial, replace(refused, accepted=True, failure=None))
    assert one.told(pem, refused).reason == "refused with a PEM (taken with a serial number): no"
    one.told(serial, refused)
    assert one.told(pem, refused).reason == "refused with a PEM: no"
