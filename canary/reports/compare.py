"""Whether a report came through whole: what was sent against what was found. Pure.

Mail systems may add headers, banners and footers, re-encode, wrap lines anew, quote, and turn text into HTML or back.
All that leaves the words as they were, so the words are compared: without white space, quote signs and invisible
characters, and anywhere in the message. An attachment must be there with exactly its content; its name may change.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from hashlib import sha256

_IGNORED = re.compile("[\\s>|\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HIDING = re.compile(r"<(/?)(script|style|title)\b[^<>]*>|<!--|-->", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_SHOWN = 32


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    media_type: str
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Whole:
    """What must come through: the text, and the files."""

    text: str
    files: tuple[_File, ...]


def differences(sent: bytes, found: bytes) -> str | None:
    """What changed on the way, in a sentence; None if the report is whole.

    ``sent`` is an RFC 5322 message, or the canonical JSON of a form with ``text`` and ``attachments`` (a list of
    ``name`` and ``sha256``); ``found`` is the raw message from the queue. Never raises, whatever is in ``found``.
    """
    form = sent.startswith(b"{")
    if not form and _body(sent) == _body(found):
        return None
    try:
        want = _from_form(sent) if form else _from_message(sent)
        message = message_from_bytes(found, policy=policy.compat32)
        parts = list(message.walk())
        return _text_difference(want.text, list(_texts(parts))) or _file_difference(want.files, parts)
    except Exception as error:  # a hostile message may break the parser in any way
        return f"cannot be compared: {type(error).__name__} while reading it"


def _body(raw: bytes) -> bytes:
    blank = _BLANK_LINE.search(raw)
    return raw[blank.end() :].replace(b"\r\n", b"\n").rstrip() if blank else b""


def _from_form(sent: bytes) -> _Whole:
    fields = json.loads(sent)
    files = (_File(item["name"], "file", frozenset({item["sha256"]})) for item in fields.get("attachments", ()))
    return _Whole(fields["text"], tuple(files))


def _from_message(sent: bytes) -> _Whole:
    parts = list(message_from_bytes(sent, policy=policy.compat32).walk())
    files = tuple(_File(_name(part), part.get_content_type(), _digests(part)) for part in parts if _is_file(part))
    plain = [part for part in parts if part.get_content_type() == "text/plain" and not _is_file(part)]
    return _Whole(next(_texts(plain or parts), ""), files)


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_name(part))


def _name(part: Message) -> str:
    try:
        return part.get_filename() or ""
    except (LookupError, ValueError, TypeError, AttributeError):  # a name that does not decode
        return ""


def _texts(parts: list[Message]) -> Iterator[str]:
    """The text of every text part, those of enclosed messages included, HTML as it reads."""
    for part in parts:
        if part.get_content_maintype() != "text" or part.is_multipart():
            continue
        text = _decoded(part)
        if part.get_content_type() == "text/html":
            text = html.unescape(_TAG.sub("", _shown(text)))
        yield text


def _shown(text: str) -> str:
    """HTML without comments, scripts, styles and title; one that is never closed stays. Linear in any input."""
    kept, start, hiding = [], 0, ""
    for token in _HIDING.finditer(text):
        name = (token[2] or "comment").lower()
        closes = token[1] == "/" or token[0] == "-->"
        if not hiding and not closes:
            kept.append(text[start : token.start()])
            start, hiding = token.start(), name
        elif closes and name == hiding:
            start, hiding = token.end(), ""
    return "".join([*kept, text[start:]])


def _decoded(part: Message) -> str:
    raw = _content(part)
    try:
        return raw.decode(str(part.get_content_charset("utf-8")), "replace")
    except (LookupError, ValueError):  # a character set that does not exist
        return raw.decode("utf-8", "replace")


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _digests(part: Message) -> frozenset[str]:
    """The SHA-256 of a part's content; for text also with other line ends, which a mail system may change."""
    if part.get_content_type() == "message/rfc822":
        contents = [inner.as_bytes() for inner in part.get_payload() if isinstance(inner, Message)]
    else:
        contents = [_content(part)]
    if part.get_content_maintype() in ("text", "message"):
        bare = [content.replace(b"\r\n", b"\n").rstrip() for content in contents]
        contents += [*bare, *(content + b"\n" for content in bare)]
        contents += [content.replace(b"\n", b"\r\n") + b"\r\n" for content in bare]
    return frozenset(sha256(content).hexdigest() for content in contents)


def _squeezed(text: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFC", text))


def _text_difference(text: str, candidates: list[str]) -> str | None:
    want = _squeezed(text)
    got = [_squeezed(candidate) for candidate in candidates]
    if any(want in candidate for candidate in got):
        return None
    kept = [_kept(want, candidate) for candidate in got]
    most = max(kept, default=0)
    if most == 0:
        return f"text is gone: want {_excerpt(text, 0)!r}"
    best = kept.index(most)
    end = got[best].index(want[:most]) + most
    return f"text differs: got {_excerpt(candidates[best], end)!r}, want {_excerpt(text, most)!r}"


def _kept(want: str, got: str) -> int:
    """How many characters of the beginning of ``want`` stand together in ``got``."""
    low, high = 0, len(want)
    while low < high:
        middle = (low + high + 1) // 2
        if want[:middle] in got:
            low = middle
        else:
            high = middle - 1
    return low


def _excerpt(text: str, position: int) -> str:
    """What ``text`` says from shortly before the given place in its squeezed form."""
    squeezed = 0
    readable = unicodedata.normalize("NFC", text)
    for index, character in enumerate(readable):
        squeezed += not _IGNORED.match(character)
        if squeezed > position:
            start = max(0, index - _SHOWN // 4)
            return " ".join(readable[start : start + _SHOWN].split()) + "…"
    return "the end"


def _file_difference(files: tuple[_File, ...], parts: list[Message]) -> str | None:
    if not files:
        return None
    there = [(part, _digests(part)) for part in parts if part.get_content_maintype() != "multipart"]
    for number, file in enumerate(files, 1):
        if any(file.digests & digests for _, digests in there):
            continue
        which = f"attachment {number} of {len(files)} ({file.media_type})"
        if file.name and any(_name(part) == file.name for part, _ in there):
            return f"{which} has changed content"
        return f"{which} is gone"
    return None
