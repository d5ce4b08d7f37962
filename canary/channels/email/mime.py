"""A report as the message that a person's mail program would write (RFC 5322, MIME).

There is nothing in it that a filter could learn: no header that only automatic mail has, no name of a program, no
boundary of a well-known library. Everything is 7-bit, so it never depends on what a server on the way offers.
"""

from __future__ import annotations

import re
import string
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator
from datetime import datetime
from email import base64mime, quoprimime
from email.utils import format_datetime, formataddr
from random import Random, SystemRandom
from urllib.parse import quote

from canary.model import Attachment, Report
from canary.settings import ADDRESS

MAX_LINE = 998
"""Characters in a line, without its end (RFC 5322 section 2.1.1)."""
_FOLD = 76
_WORD = 39  # bytes in an encoded word, which may have 75 characters (RFC 2047 section 2)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSAFE_IN_7BIT = re.compile(rf"[^\t\n\x20-\x7e]|[ \t]$|.{{{MAX_LINE + 1}}}", re.MULTILINE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+")
_PLAIN_NAME = re.compile(r"[ !#-\[\]-~]{1,60}")
_PERCENT_CHUNK = re.compile(r"(?:%[0-9A-F]{2}|[^%]){1,40}")
_ALPHABET = string.ascii_letters + string.digits
_UNGUESSABLE = SystemRandom()


def render(report: Report, *, to: str, message_id: str, date: datetime, rng: Random = _UNGUESSABLE) -> bytes:
    """The message, with CRLF line ends.

    ``to`` is a bare address, ``message_id`` has its angle brackets, ``date`` is aware, ``rng`` makes the boundaries
    between parts. Raises ValueError for control characters in anything that becomes a header, and for an address,
    Message-ID or media type of the wrong shape.
    """
    headers = [
        f"Message-ID: {_matching(_MESSAGE_ID, message_id, 'Message-ID')}",
        f"Date: {format_datetime(date)}",
        "MIME-Version: 1.0",
        f"To: {_matching(ADDRESS, to, 'address')}",
        f"From: {_mailbox(report.person.name, report.person.address, report.charset)}",
        f"Subject: {_unstructured(report.subject, report.charset, len('Subject: '))}",
    ]
    if report.references:
        answered = _matching(_MESSAGE_ID, report.references, "Message-ID")
        headers += [f"In-Reply-To: {answered}", f"References: {answered}"]
    content = _body(report, rng)
    if report.attachments:
        content = _multipart("mixed", [content, *map(_attachment, report.attachments)], rng)
    return ("\r\n".join(headers) + "\r\n" + content).encode("ascii")


def _body(report: Report, rng: Random) -> str:
    if report.html is None:
        return _text("plain", report.text, report.charset)
    html = _text("html", report.html, report.charset)
    if report.html_only:
        return html
    return _multipart("alternative", [_text("plain", report.text, report.charset), html], rng)


def _text(subtype: str, text: str, charset: str) -> str:
    """A text part: headers, an empty line, and the body in the shortest encoding that is safe."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    charset = _charset_for(lines, _matching(_TOKEN, charset, "charset"))
    if not lines.endswith("\n"):
        lines += "\n"
    if _UNSAFE_IN_7BIT.search(lines) is None and lines.encode(charset) == lines.encode("ascii"):
        encoding, body = "7bit", lines
    else:
        encoding, body = _encoded(lines, charset)
    head = f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head + body.replace("\n", "\r\n")


def _encoded(lines: str, charset: str) -> tuple[str, str]:
    raw = lines.encode(charset)
    base64 = _base64(lines.replace("\n", "\r\n").encode(charset))
    if not _extends_ascii(charset):
        return "base64", base64
    quoted = b2a_qp(raw, istext=True).decode("ascii")
    return ("quoted-printable", quoted) if len(quoted) <= len(base64) else ("base64", base64)


def _base64(raw: bytes) -> str:
    whole = b64encode(raw).decode("ascii")
    return "\n".join(whole[start : start + _FOLD] for start in range(0, len(whole), _FOLD)) + "\n"


def _charset_for(text: str, charset: str) -> str:
    """``charset`` if it can hold the text (some fold similar characters together), else UTF-8, as mail programs do."""
    try:
        return charset if text.encode(charset).decode(charset) == text else "utf-8"
    except (UnicodeError, LookupError):
        return "utf-8"


def _multipart(subtype: str, parts: list[str], rng: Random) -> str:
    boundary = "------------" + "".join(rng.choices(_ALPHABET, k=24))
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'
    return head + "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def _attachment(attachment: Attachment) -> str:
    media_type = _matching(_MEDIA_TYPE, attachment.media_type, "media type")
    encoding, body = "base64", _base64(attachment.content)
    if media_type == "message/rfc822":  # RFC 2046 section 5.2.1: never in base64
        enclosed = attachment.content.decode("latin-1").replace("\r\n", "\n")
        if _UNSAFE_IN_7BIT.search(enclosed):
            media_type = "application/octet-stream"
        else:
            encoding, body = "7bit", enclosed
    name = ";\r\n ".join(_parameter("name", attachment.name))
    filename = ";\r\n ".join(_parameter("filename", attachment.name))
    return (
        f"Content-Type: {media_type};\r\n {name}\r\n"
        f"Content-Disposition: attachment;\r\n {filename}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n" + body.replace("\n", "\r\n")
    )


def _parameter(name: str, value: str) -> Iterator[str]:
    """A parameter, in as many pieces as it takes (RFC 2231)."""
    value = _clean(value, "file name")
    if _PLAIN_NAME.fullmatch(value):
        yield f'{name}="{value}"'
        return
    chunks = _PERCENT_CHUNK.findall(quote(value, safe="")) or [""]
    if len(chunks) == 1:
        yield f"{name}*=utf-8''{chunks[0]}"
        return
    for number, chunk in enumerate(chunks):
        charset = "utf-8''" if number == 0 else ""
        yield f"{name}*{number}*={charset}{chunk}"


def _mailbox(name: str, address: str, charset: str) -> str:
    _matching(ADDRESS, address, "address")
    if _clean(name, "name").isascii():
        return formataddr((name, address))
    return f"{_encoded_words(name, charset)} <{address}>"


def _unstructured(text: str, charset: str, used: int) -> str:
    """A header's text: as it is if that is safe, folded at its spaces if it is long, else in encoded words."""
    _clean(text, "subject")
    words = text.split(" ")
    tame = text.isascii() and all(words) and "=?" not in text and max(map(len, words)) < _FOLD
    if not tame:
        return _encoded_words(text, charset)
    lines, room = [words[0]], _FOLD - used - len(words[0])
    for word in words[1:]:
        if len(word) < room:
            lines[-1] += " " + word
            room -= len(word) + 1
        else:
            lines.append(word)
            room = _FOLD - len(word)
    return "\r\n ".join(lines)


def _encoded_words(text: str, charset: str) -> str:
    """RFC 2047, each word of whole characters (section 5), one a line."""
    charset = _charset_for(text, charset)
    if not _extends_ascii(charset):
        charset = "utf-8"
    chunks = [b""]
    for character in text:
        raw = character.encode(charset)
        if len(chunks[-1]) + len(raw) > _WORD:
            chunks.append(b"")
        chunks[-1] += raw
    encoders = (quoprimime.header_encode, base64mime.header_encode)
    return "\r\n ".join(min((encode(raw, charset) for encode in encoders), key=len) for raw in chunks)


def _extends_ascii(charset: str) -> bool:
    return "\n".encode(charset) == b"\n"


def _clean(text: str, what: str) -> str:
    found = _CONTROL.search(text)
    if found:
        raise ValueError(f"{what} holds the control character {found[0]!a} at position {found.start()}, wanted none")
    return text


def _matching(shape: re.Pattern[str], text: str, what: str) -> str:
    if not shape.fullmatch(text):
        raise ValueError(f"{text!a} is no {what}")
    return text
