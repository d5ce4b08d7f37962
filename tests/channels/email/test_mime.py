from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canary.channels.email import mime
from canary.mark import Keyring, new_probe_id
from canary.model import Attachment, Person, Report

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
KEYS = Keyring([b"k" * 32])
PROBE = new_probe_id()
MARK = KEYS.make(PROBE, NOW)
MESSAGE_ID = f"<{MARK}@sender.example>"
CHARSETS = ("utf-8", "iso-8859-1", "iso-8859-2", "windows-1250", "iso-8859-6")
CHARSETS += ("gb2312", "gb18030", "big5", "euc-jp", "iso-2022-jp", "utf-16")
REPORT = Report(
    probe=PROBE,
    variant="V01",
    mark=MARK,
    person=Person("Jana Novak", "jana@sender.example"),
    subject="Key compromise of a certificate of yours",
    text="Hello,\n\nwe found a private key.\n",
)

line = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120)
text = st.lists(line, max_size=12).map("\n".join)
fast = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def render(report: Report, *, to: str = "problems@ca.example", message_id: str = MESSAGE_ID) -> bytes:
    return mime.render(report, to=to, message_id=message_id, date=NOW)


def parse(report: Report) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(render(report), policy=policy.default))


def content(part: EmailMessage) -> str:
    whole = cast(str, part.get_content()).replace("\r\n", "\n")
    return whole[:-1] if whole.endswith("\n") else whole


def test_a_plain_report_has_the_headers_that_a_mail_program_writes_and_no_others() -> None:
    message = parse(REPORT)
    assert message.items() == [
        ("Message-ID", MESSAGE_ID),
        ("Date", "Sun, 01 Mar 2026 09:30:00 +0000"),
        ("MIME-Version", "1.0"),
        ("To", "problems@ca.example"),
        ("From", "Jana Novak <jana@sender.example>"),
        ("Subject", "Key compromise of a certificate of yours"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit"),
    ]
    assert content(message) == REPORT.text.rstrip("\n")


def test_an_answer_refers_to_what_it_answers() -> None:
    message = parse(replace(REPORT, references="<ticket-17@ca.example>"))
    assert (message["In-Reply-To"], message["References"]) == ("<ticket-17@ca.example>",) * 2


@fast
@given(subject=line, body=text, name=line, charset=st.sampled_from(CHARSETS))
def test_whatever_is_written_reads_the_same(subject: str, body: str, name: str, charset: str) -> None:
    person = Person(name.strip(), "jana@sender.example")
    message = parse(replace(REPORT, subject=subject, text=body, person=person, charset=charset))
    assert str(message["Subject"]) == subject
    assert content(message) == (body[:-1] if body.endswith("\n") else body)
    assert message["From"].addresses[0].addr_spec == "jana@sender.example"
    assert not message.defects


@fast
@given(
    plain=text,
    html=text,
    name=line.filter(bool).filter(lambda name: name.strip()[:1] != "<"),
    data=st.binary(max_size=400),
    charset=st.sampled_from(CHARSETS),
)
def test_every_part_of_a_multipart_report_reads_the_same(
    plain: str, html: str, name: str, data: bytes, charset: str
) -> None:
    files = (Attachment(name, "application/x-pem-file", data), Attachment("evidence.zip", "application/zip", data))
    message = parse(replace(REPORT, text=plain, html=html, charset=charset, attachments=files))
    body, first, second = cast(list[EmailMessage], list(message.iter_parts()))
    shown, styled = cast(list[EmailMessage], list(body.iter_parts()))
    assert [part.get_content_type() for part in (body, shown, styled)] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert content(shown) == (plain[:-1] if plain.endswith("\n") else plain)
    assert content(styled) == (html[:-1] if html.endswith("\n") else html)
    # the standard library's parser strips the blanks around a file name, and < and >, of which none is made here
    assert (first.get_filename(), second.get_filename()) == (name.strip(), "evidence.zip")
    assert (first.get_content(), second.get_content()) == (data, data)


@fast
@given(subject=line, body=text, name=line, charset=st.sampled_from(CHARSETS))
def test_every_line_is_7_bit_and_short_enough_for_the_wire(subject: str, body: str, name: str, charset: str) -> None:
    file = Attachment(name, "image/png", b"\x89PNG")
    raw = render(replace(REPORT, subject=subject, text=body, html=body, charset=charset, attachments=(file,)))
    lines = raw.split(b"\r\n")
    assert all(
        len(line) <= mime.MAX_LINE and line.isascii() and b"\n" not in line and b"\r" not in line for line in lines
    )
    assert raw.endswith(b"\r\n")


@fast
@given(
    where=st.sampled_from(("subject", "text", "html", "name")),
    before=line,
    after=line,
    charset=st.sampled_from(CHARSETS),
)
def test_a_mark_is_found_wherever_it_was_put(where: str, before: str, after: str, charset: str) -> None:
    marked = f"{before} {MARK} {after}"
    report = replace(REPORT, charset=charset)
    if where == "name":
        report = replace(report, attachments=(Attachment(f"{marked}.pem", "application/x-pem-file", b"key"),))
    elif where == "html":
        report = replace(report, html=marked, html_only=True)
    else:
        report = replace(report, **{where: marked})
    raw = render(report, message_id="<nothing@sender.example>")
    assert [mark.probe for mark in KEYS.find_in_message(raw) if mark.genuine] == [PROBE]


def test_a_mark_in_the_message_id_is_found() -> None:
    assert [mark.probe for mark in KEYS.find_in_message(render(REPORT))] == [PROBE]


def test_a_charset_that_cannot_hold_the_text_gives_way_to_utf_8() -> None:
    message = parse(replace(REPORT, text="中文", charset="iso-8859-2"))
    assert (message.get_content_charset(), content(message)) == ("utf-8", "中文")


@pytest.mark.parametrize(
    ("charset", "sample", "encoding"),
    [
        ("iso-8859-2", "Źle działająca strona odwołań certyfikatów", "quoted-printable"),
        ("windows-1250", "A tanúsítvány visszavonása nem történt meg", "quoted-printable"),
        ("gb2312", "证书的私钥已经泄露请尽快吊销", "base64"),
        ("utf-8", "تم اختراق المفتاح الخاص", "base64"),
    ],
)
def test_the_charset_is_honoured(charset: str, sample: str, encoding: str) -> None:
    message = parse(replace(REPORT, text=sample, subject=sample, charset=charset))
    assert message.get_content_charset() == charset
    assert message["Content-Transfer-Encoding"] == encoding
    assert f"=?{charset}?".encode() in render(replace(REPORT, subject=sample, charset=charset))
    assert str(message["Subject"]) == sample


def test_a_forwarded_message_is_enclosed_as_it_is() -> None:
    enclosed = b"From: a@b.example\r\nSubject: inner\r\n\r\nkey found\r\n"
    message = parse(replace(REPORT, attachments=(Attachment("mail.eml", "message/rfc822", enclosed),)))
    part = cast(EmailMessage, next(iter(message.iter_attachments())))
    inner = cast(EmailMessage, part.get_content())
    assert (part.get_filename(), inner["Subject"], content(inner)) == ("mail.eml", "inner", "key found")


def test_a_forwarded_message_of_8_bit_lines_is_a_file() -> None:
    enclosed = "Subject: inner\r\n\r\nSchlüssel\r\n".encode()
    message = parse(replace(REPORT, attachments=(Attachment("mail.eml", "message/rfc822", enclosed),)))
    part = cast(EmailMessage, next(iter(message.iter_attachments())))
    assert (part.get_content_type(), part.get_content()) == ("application/octet-stream", enclosed)


def test_boundaries_are_never_the_same() -> None:
    report = replace(REPORT, html="<p>x</p>")
    assert parse(report).get_boundary() != parse(report).get_boundary()


def _file(name: str) -> tuple[Attachment, ...]:
    return (Attachment(name, "text/plain", b""),)


@fast
@given(control=st.sampled_from([*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029"]), before=line, after=line)
def test_a_control_character_in_a_header_is_refused(control: str, before: str, after: str) -> None:
    bad = before + control + after
    for report in (
        replace(REPORT, subject=bad),
        replace(REPORT, person=Person(bad, "jana@sender.example")),
        replace(REPORT, person=Person("Jana", bad)),
        replace(REPORT, references=bad),
        replace(REPORT, charset=bad),
        replace(REPORT, attachments=_file(bad)),
        replace(REPORT, attachments=(Attachment("a.txt", bad, b""),)),
    ):
        with pytest.raises(ValueError, match=r"control character|is no "):
            render(report)
    with pytest.raises(ValueError, match="is no address"):
        render(REPORT, to=bad)
    with pytest.raises(ValueError, match="is no Message-ID"):
        render(REPORT, message_id=bad)


def test_the_refusal_says_what_was_found_and_where() -> None:
    with pytest.raises(ValueError, match=r"^subject holds the control character '\\n' at position 2, wanted none$"):
        render(replace(REPORT, subject="hi\nBcc: everybody@ca.example"))


@pytest.mark.parametrize("to", ["a@b.example, c@d.example", "A <a@b.example>", "", "a", "a@b;c@d", "a b@c.example"])
def test_only_one_bare_address_is_taken(to: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        render(REPORT, to=to)
