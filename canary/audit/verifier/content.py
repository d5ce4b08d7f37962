"""Looks into a message or a form's fields: whether a token, such as a mark or a root hash, stands in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.header import Header, decode_header
from email.message import Message
from email.policy import Compat32
from itertools import islice

from .limits import LONGEST_HEADER, MOST_HEADERS, MOST_PARTS

_OTHER = re.compile(r"[^a-z0-9]+")
_TAG = re.compile(r"<[^<>]*>")
_LONG_NUMBER = re.compile(r"(&#[0-9]{8})[0-9]+")
_CHARSET = re.compile(
    r"(?i)(?:utf-?(?:7|8|16|32)(?:[bl]e)?|(?:us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|(?:windows-|cp)\d{3,4}|koi8-?[rut]"
    r"|gb\d{4,5}|gbk|hz|big5|euc-(?:jp|kr)|shift[_-]jis|iso-2022-(?:jp|kr)(?:-\d)?)"
)
"""What is decoded: the decoding of some that Python knows, such as punycode, takes quadratic time."""


class _Bounded(Compat32):
    """The lenient way to read messages, with the length of a field bounded."""

    def header_fetch_parse(self, name: str, value: str) -> str | Header:  # type: ignore[override]  # as Compat32 does
        return super().header_fetch_parse(name, value[:LONGEST_HEADER])


def words(raw: bytes) -> str:
    """All letters and digits of a message, its encodings undone: line wraps, quoting and tags do not hide a token."""
    return "\n".join(_OTHER.sub("", text.lower()) for text in _texts(raw))


def _texts(raw: bytes) -> Iterator[str]:
    yield raw.decode("latin-1")
    if raw.lower().count(b"boundary") > MOST_PARTS or raw.lower().count(b"message/") > MOST_PARTS:
        return
    try:
        parts = list(message_from_bytes(raw, policy=_Bounded()).walk())
    except Exception:  # a hostile message may break the parser in any way; its bytes are read above
        return
    for part in islice(parts, 10 * MOST_PARTS):
        for read in (_fields, _body):
            try:
                yield from read(part)
            except Exception:  # noqa: S112  # likewise, and the others are read all the same
                continue


def _fields(part: Message) -> Iterator[str]:
    for value in islice(part.values(), MOST_HEADERS):
        if "=?" in value:  # as it stands it is read above
            yield "".join(c if isinstance(c, str) else _decoded(c, charset) for c, charset in decode_header(value))


def _body(part: Message) -> Iterator[str]:
    content = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
    if isinstance(content, bytes):
        text = _decoded(content, part.get_content_charset())
        yield text
        yield html.unescape(_LONG_NUMBER.sub(r"\1", _TAG.sub("", text)))


def _decoded(content: bytes, charset: str | None) -> str:
    return content.decode(charset if charset and _CHARSET.fullmatch(charset) else "latin-1", "replace")
