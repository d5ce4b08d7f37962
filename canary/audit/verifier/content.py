"""Looks into a message or a form's fields: whether a token, such as a mark or a root hash, stands in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from .limits import LONGEST_HEADER, MOST_PARTS

_OTHER = re.compile(r"[^a-z0-9]+")
_TAG = re.compile(r"<[^<>]*>")


def words(raw: bytes) -> str:
    """All letters and digits of a message, its encodings undone: line wraps, quoting and tags do not hide a token."""
    return "\n".join(_OTHER.sub("", text.lower()) for text in _texts(raw))


def _texts(raw: bytes) -> Iterator[str]:
    yield raw.decode("latin-1")
    if raw.lower().count(b"boundary") > MOST_PARTS:
        return
    try:
        parts = list(message_from_bytes(raw).walk())
    except Exception:  # a hostile message may break the parser in any way; its bytes are read above
        return
    for part in parts:
        try:
            yield from _part(part)
        except Exception:  # noqa: S112  # likewise, and the other parts are read all the same
            continue


def _part(part: Message) -> Iterator[str]:
    for name in {name for name, value in part.raw_items() if len(value) > LONGEST_HEADER}:
        del part[name]  # it is read as it is, above
    for value in part.values():
        try:
            chunks = decode_header(value)
        except HeaderParseError:
            continue
        yield "".join(chunk if isinstance(chunk, str) else _decoded(chunk, charset) for chunk, charset in chunks)
    content = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
    if isinstance(content, bytes):
        text = _decoded(content, part.get_content_charset())
        yield text
        yield html.unescape(_TAG.sub("", text))


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "latin-1", "replace")
    except (LookupError, ValueError):
        return content.decode("latin-1")
