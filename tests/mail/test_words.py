"""Encoded words, parameters, character sets and transfer encodings, as programs write them."""

from __future__ import annotations

import base64
import encodings
import quopri
from email.header import Header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.mail import words
from canary.mail.words import decoded, parameters, plain, transferred, unfolded

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("plain text", "plain text"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe_an_alle?=", "Grüße an alle"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?iso-8859-1*de?Q?Gr=FC=DFe?=", "Grüße"),
        ("Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= to you", "Re: Grüße to you"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=  =?iso-8859-1?q?b?= c", "ab c"),
        ("=?utf-8?b?w7zD?= =?utf-8?b?nw==?=", "üß"),  # a character cut in two
        ("=?utf-8?q?what?? yes?=", "what?? yes"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        ("a =? b =?utf-8?q?c?=", "a =? b c"),
        ("=?no-such-set?q?a?=", "a"),
        ("=?punycode?q?bcher-kva?=", "bcher-kva"),
        ("=?utf-8?b?R3L?=", "Gr"),
        ("=?utf-8?q??=", ""),
    ],
)
def test_encoded_words(value: str, wanted: str) -> None:
    assert plain(value) == wanted


@given(TEXT, st.sampled_from(["utf-8", "iso-8859-1", "koi8-r", "gb2312", "iso-2022-jp"]))
def test_what_another_program_encodes_is_read(text: str, charset: str) -> None:
    text = text.encode(charset, "ignore").decode(charset, "ignore").strip()
    written = Header(text, charset, maxlinelen=60).encode(linesep="\r\n")
    assert plain(unfolded(written.encode())).split() == text.split()


@pytest.mark.parametrize(
    ("value", "name", "wanted"),
    [
        ("text/plain; charset=utf-8", "charset", "utf-8"),
        ('text/plain; CharSet = "utf-8" ; x=y', "charset", "utf-8"),
        ('a; filename="a;b \\"c\\" \\\\d.txt"; filename=second', "filename", 'a;b "c" \\d.txt'),
        ("a; filename*=utf-8'de'Gr%C3%BC%C3%9Fe.txt", "filename", "Grüße.txt"),
        ("a; filename*0=ab; filename*2=ef; filename*1=cd", "filename", "abcdef"),
        ("a; filename*0*=utf-8''Gr%C3%BC; filename*1*=%C3%9F; filename*2=%C3", "filename", "Grüß%C3"),
        ("a; filename*0*=no-such-set''%41; filename*1=b", "filename", "Ab"),
        ("a; filename*=%41%zz", "filename", "A%zz"),
        ('a; boundary="never ends', "boundary", '"never ends'),
        ("a; boundary", "boundary", None),
        ("a;;; ;boundary=b;", "boundary", "b"),
    ],
)
def test_parameters(value: str, name: str, wanted: str | None) -> None:
    assert parameters(value).get(name) == wanted


@given(TEXT.map(str.strip).filter(bool))
def test_a_name_that_another_program_writes_is_read(name: str) -> None:
    message = EmailMessage()
    message.add_attachment(b"x", "application", "octet-stream", filename=name)
    (part,) = message.iter_attachments()
    assert isinstance(part, EmailMessage)
    raw = part.as_bytes().partition(b"Content-Disposition:")[2].partition(b"\nMIME")[0]
    assert parameters(unfolded(raw)).get("filename") == name


@given(st.binary(max_size=200))
def test_transfer_encodings(content: bytes) -> None:
    assert transferred(base64.encodebytes(content), "base64") == content
    assert transferred(base64.b64encode(content).rstrip(b"=") + b"!", "base64") == content
    assert transferred(quopri.encodestring(content), "quoted-printable") == content
    assert transferred(content, "8bit") == transferred(content, "x-unheard-of") == content


def test_base64_is_read_as_far_as_it_goes() -> None:
    assert transferred(b"QUJDRA", "base64") == b"ABCD"
    assert transferred(b"QUJDR", "base64") == b"ABC"
    assert transferred(b"", "base64") == b""


@pytest.mark.parametrize(
    ("charset", "content", "wanted"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("ISO-8859-15", b"\xa4", "€"),
        (" Windows-1252 ", b"\x80", "€"),
        ("koi8-u", "Привіт".encode("koi8-u"), "Привіт"),
        ("utf-16", "Grüße".encode("utf-16"), "Grüße"),
        ("unheard-of", "Grüße".encode(), "Grüße"),
        ("punycode", b"bcher-kva", "bcher-kva"),
        ("base64", b"QUJD", "QUJD"),
        ("rot13", b"abc", "abc"),
        ("x" * 5000, b"abc", "abc"),
        (None, b"\xff", "\ufffd"),
    ],
)
def test_character_sets(charset: str | None, content: bytes, wanted: str) -> None:
    assert decoded(content, charset) == wanted


@given(st.binary(max_size=60))
def test_every_character_set_takes_any_bytes(content: bytes) -> None:
    for name in words._charsets():
        decoded(content, name)


def test_no_name_of_a_character_set_is_remembered() -> None:
    before = len(encodings._cache)  # type: ignore[attr-defined]  # where Python keeps every name, known or not
    for number in range(1000):
        decoded(b"x", f"unheard-of-{number}")
    assert len(encodings._cache) == before  # type: ignore[attr-defined]  # as above
