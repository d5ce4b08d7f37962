"""What counts as whole, and what does not."""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from hashlib import sha256
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reports.named import identifier_of

from canary.content import Message, Ticket
from canary.model import Attachment, Person, Report
from canary.reports import VARIANTS
from canary.reports.compare import differences
from canary.reports.composer import compose

AT = datetime(2026, 3, 1, 12, 30, 58, tzinfo=UTC)

CHEAP = sorted(set(VARIANTS) - {"V01", "V01-pkcs1", "V21-long"})
FOOTER = "\n-- \nThis e-mail was scanned. Think before you print.\n"
WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz.,éőł", min_size=1, max_size=9), min_size=8, max_size=60)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def report(variant: str, seed: int = 0) -> Report:
    person = Person("Ada Quist", "ada@quist.example")
    return compose(
        variant,
        probe="p" * 16,
        mark="m" * 40,
        person=person,
        operator="CA",
        verify="ask",
        at=AT,
        identifier=identifier_of(variant),
        rng=Random(seed),
    )


def add_files(message: EmailMessage, attachments: tuple[Attachment, ...]) -> None:
    for attachment in attachments:
        kind, subtype = attachment.media_type.split("/")
        if kind == "message":
            kind, subtype = "application", "octet-stream"
        message.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.name)


def message_of(
    text: str,
    attachments: tuple[Attachment, ...] = (),
    *,
    charset: str = "utf-8",
    cte: str | None = None,
    as_html: bool = False,
) -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = "a report"
    if as_html:
        text = "<html><head><style>p {margin: 0}</style></head><p>" + html.escape(text).replace("\n", "<br/>\n")
    message.set_content(text, subtype="html" if as_html else "plain", charset=charset, cte=cte)
    add_files(message, attachments)
    return message.as_bytes()


def form_of(text: str, attachments: tuple[Attachment, ...] = ()) -> bytes:
    files = [{"name": a.name, "sha256": sha256(a.content).hexdigest()} for a in attachments]
    return json.dumps({"attachments": files, "fields": {}, "subject": "a report", "text": text}).encode()


def changes(sent: bytes, found: bytes) -> str | None:
    """What changed, of a message that was found."""
    return differences(sent, Message(found))


def rewrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.fill(part, width) for part in text.split("\n"))


def quoted(text: str, prefix: str) -> str:
    return "\n".join(prefix + line for line in text.split("\n"))


@pytest.mark.parametrize("variant", CHEAP)
def test_every_variant_survives_what_mail_systems_do(variant: str) -> None:
    sent = report(variant)
    files = sent.attachments
    original = message_of(sent.text, files, charset=sent.charset)
    unchanged = b"Received: from a by b\r\n" + original.replace(b"\r\n", b"\n") + b"\n\n"
    assert changes(original, unchanged) is None
    for changed in (
        message_of("[External mail]\n" + sent.text + FOOTER, files),
        message_of(quoted(rewrapped(sent.text, 60), "> "), files, cte="base64"),
        message_of(quoted(sent.text, "| "), files, cte="quoted-printable"),
        message_of(sent.text, files, as_html=True),
        message_of(sent.text, tuple(Attachment(f"{n}.bin", a.media_type, a.content) for n, a in enumerate(files))),
    ):
        assert changes(original, changed) is None
        assert changes(form_of(sent.text, files), changed) is None


def test_html_turned_into_text_is_whole() -> None:
    sent = report("V21-html")
    assert sent.html is not None
    original = EmailMessage(policy=policy.SMTP)
    original.set_content(sent.html, subtype="html")
    assert changes(original.as_bytes(), message_of(rewrapped(sent.text, 70))) is None
    changed = sent.text.replace("certificate", "thing").replace("test", "exam")
    assert "text differs" in (changes(original.as_bytes(), message_of(changed)) or "")


def test_a_message_wrapped_into_another_is_whole() -> None:
    original = message_of("A short report.", (Attachment("a.zip", "application/zip", b"PK\r\n\0"),))
    outer = b'Subject: spam?\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nSee below\r\n--x\r\n'
    assert changes(original, outer + b"Content-Type: message/rfc822\r\n\r\n" + original + b"\r\n--x--\r\n") is None


@few
@given(
    WORDS,
    st.integers(20, 80),
    st.sampled_from(["", "> ", ">> ", "| "]),
    st.sampled_from(["base64", "quoted-printable"]),
)
def test_whole_stays_whole(words: list[str], width: int, prefix: str, cte: str) -> None:
    text = " ".join(words)
    found = message_of("Banner\n" + quoted(rewrapped(text, width), prefix) + FOOTER, cte=cte)
    assert changes(message_of(text), found) is None
    assert changes(form_of(text), found) is None


@few
@given(WORDS, st.data(), st.booleans())
def test_a_changed_word_is_found(words: list[str], data: st.DataObject, as_html: bool) -> None:
    place = data.draw(st.integers(0, len(words) - 1))
    changed = [*words[:place], "CHANGED", *words[place + 1 :]]
    found = message_of(" ".join(changed), as_html=as_html)
    for sent in (message_of(" ".join(words)), form_of(" ".join(words))):
        difference = changes(sent, found)
        assert difference is not None
        assert re.match(r"text (differs: got '.*', want '.*'|is gone: want '.*')", difference)


@few
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_nothing_raises(head: bytes, body: bytes) -> None:
    sent = message_of("A report that is not in there.")
    for found in (head + b"\r\n\r\n" + body, b"Content-Type: " + head + b"\n\n" + body, body):
        assert changes(sent, found) is not None
        changes(form_of("x"), found)
        assert isinstance(changes(b"{" + head, found), str)


@pytest.mark.parametrize(
    ("page", "whole"),
    [
        ("<title>A</title><p>A <b>rep</b>ort&period;</p>", True),
        ("<!-- <p> --><style>p{}</style><script>1<2</script>A report.", True),
        ("<p>A report.<!-- never closed", True),
        ("<?xml version='1.0'?><o:p></o:p>A&nbsp;report.", True),
        ("<!-- A report. -->", False),
        ("<script>A report.</script>", False),
        ("<STYLE>A report.</style >", False),
    ],
)
def test_html_counts_as_it_reads(page: str, whole: bool) -> None:
    found = b"Content-Type: text/html\r\n\r\n" + page.encode()
    assert (changes(message_of("A report."), found) is None) is whole


def test_hostile_messages_are_only_different() -> None:
    sent = message_of("A report.")
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(2000))
    for found in (
        nested,
        b"Content-Type: text/plain; charset=nonsense\n\n\xff\xfe",
        b"Content-Type: text/html\n\n" + b"<" * 200_000,
        b"Content-Type: text/html\n\n" + b"<style>" * 20_000,
        b"Content-Type: text/plain; charset=\xff\xfe\n\nx",
        b"Content-Disposition: attachment; filename*=nonsense''%FF\nContent-Type: text/plain; charset=rot13\n\nx",
    ):
        assert isinstance(changes(sent, found), str)


def test_the_difference_is_shown() -> None:
    sent = message_of("The certificate of shop.example names the wrong firm.")
    found = message_of("The certificate of [link removed] names the wrong firm.")
    said = changes(sent, found)
    assert said is not None
    assert said.startswith("text differs: got '")
    assert "[link removed]" in said
    assert "shop.example" in said
    assert (changes(sent, message_of("The certificate of")) or "").startswith("text differs: got 'the end'")
    assert (changes(sent, message_of("#")) or "").startswith("text is gone: want 'The certificate")


def test_attachments_must_be_there_and_the_same() -> None:
    files = tuple(Attachment(f"f{n}.tar.xz", "application/x-xz", bytes([n]) * 500) for n in range(3))
    broken = Attachment("f1.tar.xz", "application/x-xz", b"cleaned")
    note = Attachment("removed.txt", "application/octet-stream", b"An attachment was removed.")
    gone = "attachment 2 of 3 (application/x-xz) is gone"
    assert changes(message_of("x", files), message_of("x", (files[0], files[2]))) == gone
    assert changes(message_of("x", files), message_of("x", (files[0], note, files[2]))) == gone
    changed = "attachment 2 of 3 (application/x-xz) has changed content"
    assert changes(message_of("x", files), message_of("x", (files[0], broken, files[2]))) == changed
    assert changes(message_of("x", files), message_of("x", files[::-1])) is None
    form = form_of("x", files)
    assert changes(form, message_of("x", files)) is None
    assert changes(form, message_of("x", files[:2])) == "attachment 3 of 3 (file) is gone"


def test_a_key_mailed_as_text_keeps_its_content() -> None:
    (key,) = report("V01-pkcs8").attachments
    found = EmailMessage(policy=policy.SMTP)
    found.set_content("x")
    found.add_attachment(key.content.decode(), filename=key.name)
    assert changes(form_of("x", (key,)), found.as_bytes()) is None
    assert changes(message_of("x", (key,)), found.as_bytes()) is None


def test_an_enclosed_message_is_an_attachment() -> None:
    inner = EmailMessage(policy=policy.SMTP)
    inner["Subject"] = "enclosed"
    inner.set_content("what somebody wrote")
    outer = EmailMessage(policy=policy.SMTP)
    outer.set_content("see the attached mail")
    outer.add_attachment(inner, filename="mail.eml")
    sent = outer.as_bytes()
    again = b"X-New: 1\r\n" + sent.replace(b"see the attached mail", b"Banner\r\nsee the attached mail")
    assert changes(sent, again) is None
    cut = again.replace(b"what somebody wrote", b"what nobody wrote")
    assert changes(sent, cut) == "attachment 1 of 1 (message/rfc822) has changed content"


# What a ticket system shows

BOTH = pytest.mark.parametrize("outer", [message_of, form_of])
Outer = Callable[..., bytes]
TEXT = "The certificate of shop.example names the wrong firm.\n\nPlease revoke it, and tell us when that is done.\n"
FILE = Attachment("key.zip", "application/zip", b"PK\x03\x04 and so on")


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"Report from the web site\n\n{TEXT}\n--\nassigned automatically",
        f"<div><p>{TEXT.replace(chr(10), '<br/>')}</p></div>",
        quoted(rewrapped(TEXT, 30), "> "),
    ],
)
def test_the_text_of_a_ticket_is_whole(outer: Outer, text: str) -> None:
    assert differences(outer(TEXT), Ticket(text)) is None
    assert differences(outer(TEXT, (FILE,)), Ticket(text, (Attachment("1", "application/zip", FILE.content),))) is None


@BOTH
def test_a_ticket_that_shows_all_and_lacks_something_was_changed(outer: Outer) -> None:
    sent, other = outer(TEXT, (FILE,)), replace(FILE, content=b"cleaned")
    assert "text differs" in (differences(sent, Ticket(TEXT[:60], (FILE,))) or "")
    assert "text is gone" in (differences(sent, Ticket("", (FILE,))) or "")
    assert (differences(sent, Ticket(TEXT)) or "").endswith("is gone")
    assert (differences(sent, Ticket(TEXT, (other,))) or "").endswith("has changed content")


@BOTH
@pytest.mark.parametrize("text", [TEXT, TEXT[:60], f"{TEXT[:60]} ... [read more in the mail]", "See the mail.", ""])
def test_a_place_that_shows_a_part_says_nothing_of_the_rest(outer: Outer, text: str) -> None:
    assert differences(outer(TEXT, (FILE,)), Ticket(text), whole=False) is None


@BOTH
@pytest.mark.parametrize("end", [len(TEXT), len(TEXT) - 10])
def test_what_a_part_shows_must_be_the_same(outer: Outer, end: int) -> None:
    changed = TEXT.replace("shop.example", "[link removed]")[:end]
    said = differences(outer(TEXT), Ticket(changed), whole=False)
    assert said is not None
    assert "[link removed]" in said
    cleaned = Ticket(TEXT, (replace(FILE, content=b"cleaned"),))
    assert (differences(outer(TEXT, (FILE,)), cleaned, whole=False) or "").endswith("has changed content")


@given(st.text(), st.binary(max_size=50), st.booleans())
def test_no_ticket_raises(text: str, content: bytes, whole: bool) -> None:
    ticket = Ticket(text, (Attachment(text, text, content),))
    for outer in (message_of, form_of):
        differences(outer("A report."), ticket, whole=whole)
    assert json.loads(ticket.artefact())["text"] == text
