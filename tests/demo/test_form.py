"""The demo's web form, as a browser without JavaScript and as a hostile program meet it."""

from __future__ import annotations

import re

import httpx
import pytest
from demo.form_client import FIELDS, errors, fill_in, load
from demo.outside import Outside
from hypothesis import given
from hypothesis import strategies as st

from canary.demo.mail_system import Enquiry, is_problem_report

HOSTILE = '"><script>alert(1)</script>&{{7*7}}\r\nBcc: x@y.test'


async def test_report_reaches_the_queue_with_its_reference_and_is_acknowledged(
    outside: Outside, visitor: httpx.AsyncClient
) -> None:
    page = await fill_in(visitor, description="First line\r\nsecond line, with the mark", certificate="00:AB")
    reference = re.search(r"Reference number: <span[^>]*>(DTS-\d{4}-[0-9A-F]{8})<", page.text)
    assert "Thank you, we received your report" in page.text
    assert reference
    (mail,) = await outside.read("desk", "CPR")
    assert reference[1] in mail["Subject"]
    assert mail["Reply-To"] == FIELDS["email"]
    assert mail["Received"].split()[:4] == ["from", "www.demo-ca.test", "by", "mail.demo-ca.test"]
    body = mail.get_content()
    assert "First line\nsecond line, with the mark" in body.replace("\r\n", "\n")
    assert "Problem: Compliance or disclosure question" in body
    assert "Certificate: 00:AB" in body
    (answer,) = await outside.read("researcher")
    assert reference[1] in answer["Subject"]
    assert "> second line, with the mark" in answer.get_content()
    assert answer["Auto-Submitted"] == "auto-replied"


async def test_other_topics_go_to_the_general_queue_unless_words_tell(
    outside: Outside, visitor: httpx.AsyncClient
) -> None:
    await fill_in(visitor, topic="support", description="How do I install it?")
    await fill_in(visitor, topic="order", order="4711", description="Please revoke this one")
    assert {place: len(found) for place, found in (await outside.subjects()).items()} == {
        "desk/CPR": 1,
        "desk/General": 1,
    }
    (mail,) = await outside.read("desk", "CPR")
    assert "Order number: 4711" in mail.get_content()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"topic": ""}, "choose what your report is about"),
        ({"topic": "nonsense"}, "choose what your report is about"),
        ({"problem": ""}, "choose what kind of problem"),
        ({"topic": "order", "order": " "}, "enter the order number"),
        ({"name": " \r\n "}, "enter your name"),
        ({"email": "robin at researcher"}, "valid email address"),
        ({"email": "a@b.test>\r\nBcc: x@y.test"}, "valid email address"),
        ({"description": "  "}, "describe what happened"),
        ({"description": "x" * 50_001}, "under 50000 characters"),
        ({"consent": ""}, "Please agree"),
    ],
)
async def test_page_says_no_with_status_200_and_keeps_what_was_entered(
    outside: Outside, visitor: httpx.AsyncClient, change: dict[str, str], words: str
) -> None:
    page = await fill_in(visitor, **({"name": "Kept Name"} | change))
    assert page.status_code == 200
    (said,) = errors(page)
    assert words in said
    assert "Kept Name" in page.text or "name" in change
    assert await outside.subjects() == {}


async def test_hostile_input_is_escaped_on_the_page_and_in_the_mail(
    outside: Outside, visitor: httpx.AsyncClient
) -> None:
    refused = await fill_in(visitor, name=HOSTILE, description=HOSTILE, certificate=HOSTILE, consent="")
    assert errors(refused)
    assert "<script>alert" not in refused.text
    assert "&#34;&gt;&lt;script&gt;alert(1)" in refused.text
    await fill_in(visitor, name=HOSTILE, description=HOSTILE, certificate=HOSTILE)
    (mail,) = await outside.read("desk", "CPR")
    assert mail["Bcc"] is None
    assert mail["Subject"].count("Bcc") == 1
    assert "{{7*7}}" in mail.get_content()


async def test_scripts_of_others_are_forbidden(visitor: httpx.AsyncClient) -> None:
    first, second = await visitor.get("/report"), await visitor.get("/report")
    policy = first.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce
    assert f'<script nonce="{nonce[1]}">' in first.text
    assert nonce[1] not in second.text


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
async def test_forged_token_is_refused(outside: Outside, visitor: httpx.AsyncClient, token: str) -> None:
    await load(visitor)
    page = await visitor.post("/report", data={**FIELDS, "csrf_token": token})
    assert page.status_code == 403
    assert await outside.subjects() == {}


async def test_token_of_another_visitor_is_refused(outside: Outside, visitor: httpx.AsyncClient) -> None:
    token = await load(visitor)
    visitor.cookies.clear()
    await load(visitor)
    assert (await visitor.post("/report", data={**FIELDS, "csrf_token": token})).status_code == 403
    assert await outside.subjects() == {}


async def test_file_is_attached_under_its_name(outside: Outside, visitor: httpx.AsyncClient) -> None:
    content = bytes(range(256))
    await fill_in(visitor, files={"evidence": ("../../etc/\r\nkeys.zip", content)})
    (mail,) = await outside.read("desk", "CPR")
    (attachment,) = mail.iter_attachments()
    assert attachment.get_content() == content
    assert (attachment.get_filename() or "").endswith("keys.zip")


async def test_file_and_request_that_are_too_large_are_refused(outside: Outside, visitor: httpx.AsyncClient) -> None:
    page = await fill_in(visitor, files={"evidence": ("big.zip", b"x" * 5_000_001)})
    assert errors(page) == ["Please attach a file of at most 5 MB."]
    page = await fill_in(visitor, files={"evidence": ("big.zip", b"x" * 6_500_000)})
    assert page.status_code == 413
    assert await outside.subjects() == {}


async def test_unknown_reference_is_not_confirmed(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/received/DTS-2026-%3Cscript%3E")
    assert page.status_code == 404
    assert "Thank you" not in page.text


async def test_every_field_has_a_label(visitor: httpx.AsyncClient) -> None:
    page = (await visitor.get("/report")).text
    shown = re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*\bid="([^"]+)"', page)
    assert len(shown) == page.count("<input") + page.count("<select") + page.count("<textarea") - 1
    assert set(shown) == set(re.findall(r'<label for="([^"]+)"', page))


@given(st.text(max_size=50))
def test_classifier_takes_the_topic_over_every_description(text: str) -> None:
    assert is_problem_report(Enquiry("a", "a@b.test", "problem-report", text))


@pytest.mark.parametrize("text", ["please REVOKE", "private key leaked", "https://crt.sh/?id=1", "OCSP says unknown"])
def test_classifier_knows_the_words_of_a_problem_report(text: str) -> None:
    assert is_problem_report(Enquiry("a", "a@b.test", "support", text))
    assert not is_problem_report(Enquiry("a", "a@b.test", "support", "where is my invoice?"))
