"""Looks for a token in a message, whichever way it was wrapped and encoded."""

from __future__ import annotations

import email
import email.header
import html
import re
from collections.abc import Iterator


def holds(raw: bytes, token: str) -> bool:
    """Whether letters and digits of a token stand in a message one behind the other, once its encodings are undone."""
    return any(token.lower() in re.sub("[^a-z0-9]", "", text.lower()) for text in readings(raw))


def readings(raw: bytes) -> Iterator[str]:
    """The message as it is, its encoded header fields, its texts, and its texts without tags."""
    yield raw.decode("latin-1")
    try:
        message = email.message_from_bytes(raw)
        for part in message.walk():
            for value in part.values():
                pieces = email.header.decode_header(value)
                yield "".join(p if isinstance(p, str) else p.decode(c or "latin-1", "replace") for p, c in pieces)
            if part.get_content_maintype() == "text":
                content = part.get_payload(decode=True)
                if isinstance(content, bytes):
                    text = content.decode(part.get_content_charset() or "latin-1", "replace")
                    yield text
                    yield html.unescape(re.sub("<[^<>]*>", "", text))
    except (LookupError, ValueError, AttributeError, TypeError, IndexError, KeyError):
        return  # what no parser reads is read as it is, above
