"""Whether a report came through whole: what was sent against what was found. Pure.

Mail and ticket systems may add headers, banners and footers, re-encode, wrap lines anew, quote, and turn text into HTML
or back. All that leaves the words as they were, so the words are compared: without white space, quote signs and
invisible characters, and anywhere in what was found. An attachment must be there with exactly its content; its name may
change. Of a place that shows only a part, what it shows is compared, and nothing is said of the rest.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message as Part
from hashlib import sha256

from canary.content import Content, Message
from canary.references import resolved

_IGNORED = re.compile("[\\s>|\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HIDING = re.compile(r"<(/?)(script|style|title)\b[^<>]*>|<!--|-->", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_SHOWN = 32
_PIECE = 24
"""Characters of ours that are no chance: as many that come after a difference show that the text goes on there."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    media_type: str
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What must come through: the text, and the files."""

    text: str
    files: tuple[_File, ...]


@dataclass(frozen=True, slots=True)
class _Got:
    """What came: every text in which ours may be, and every file."""

    texts: list[str]
    files: list[_File]


def differences(sent: bytes, found: Content, *, whole: bool = True) -> str | None:
    """What changed on the way, in a sentence; None if nothing did, as far as can be seen.

    ``sent`` is an RFC 5322 message, or the canonical JSON of a form with ``text`` and ``attachments`` (a list of
    ``name`` and ``sha256``). ``whole`` says that ``found`` is all that there is; else a text may end early or not be
    there, and files may be missing. Never raises, whatever is in ``found``.
    """
    form = sent.startswith(b"{")
    if not form and isinstance(found, Message) and _body(sent) == _body(found.raw):
        return None
    try:
        want = _from_form(sent) if form else _from_message(sent)
        got = _read(found, with_files=bool(want.files))
        if whole:
            return _text_difference(want.text, got.texts) or _file_difference(want.files, got.files)
        return _text_contradiction(want.text, got.texts) or _file_contradiction(want.files, got.files)
    except Exception as error:  # a hostile message may break the parser in any way
        return f"cannot be compared: {type(error).__name__} while reading it"


def _read(found: Content, *, with_files: bool) -> _Got:
    if isinstance(found, Message):
        parts = list(message_from_bytes(found.raw, policy=policy.compat32).walk())
        single = [part for part in parts if part.get_content_maintype() != "multipart"] if with_files else []
        return _Got(list(_texts(parts)), [_file(part) for part in single])
    files = [_File(file.name, file.media_type, _of_contents(file.media_type, [file.content])) for file in found.files]
    return _Got([found.text, _as_read(found.text)], files)


def _body(raw: bytes) -> bytes:
    blank = _BLANK_LINE.search(raw)
    return raw[blank.end() :].replace(b"\r\n", b"\n").rstrip() if blank else b""


def _from_form(sent: bytes) -> _Sent:
    fields = json.loads(sent)
    files = (_File(item["name"], "file", frozenset({item["sha256"]})) for item in fields.get("attachments", ()))
    return _Sent(fields["text"], tuple(files))


def _from_message(sent: bytes) -> _Sent:
    parts = list(message_from_bytes(sent, policy=policy.compat32).walk())
    files = tuple(_file(part) for part in parts if _is_file(part))
    plain = [part for part in parts if part.get_content_type() == "text/plain" and not _is_file(part)]
    return _Sent(next(_texts(plain or parts), ""), files)


def _file(part: Part) -> _File:
    return _File(_name(part), part.get_content_type(), _digests(part))


def _is_file(part: Part) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_name(part))


def _name(part: Part) -> str:
    try:
        return part.get_filename() or ""
    except (LookupError, ValueError, TypeError, AttributeError):  # a name that does not decode
        return ""


def _texts(parts: list[Part]) -> Iterator[str]:
    """The text of every text part, those of enclosed messages included, HTML as it reads."""
    for part in parts:
        if part.get_content_maintype() != "text" or part.is_multipart():
            continue
        text = _decoded(part)
        if part.get_content_type() == "text/html":
            text = _as_read(text)
        yield text


def _as_read(text: str) -> str:
    """HTML as whoever looks at it reads it."""
    return resolved(_TAG.sub("", _shown(text)))


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


def _decoded(part: Part) -> str:
    raw = _content(part)
    try:
        return raw.decode(str(part.get_content_charset("utf-8")), "replace")
    except (LookupError, ValueError):  # a character set that does not exist
        return raw.decode("utf-8", "replace")


def _content(part: Part) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _digests(part: Part) -> frozenset[str]:
    if part.get_content_type() == "message/rfc822":
        contents = [inner.as_bytes() for inner in part.get_payload() if isinstance(inner, Part)]
    else:
        contents = [_content(part)]
    return _of_contents(part.get_content_type(), contents)


def _of_contents(media_type: str, contents: list[bytes]) -> frozenset[str]:
    """The SHA-256 of a file's content; for text also with other line ends, which a mail system may change."""
    if media_type.partition("/")[0] in ("text", "message"):
        bare = [content.replace(b"\r\n", b"\n").rstrip() for content in contents]
        contents = [*contents, *bare, *(content + b"\n" for content in bare)]
        contents += [content.replace(b"\n", b"\r\n") + b"\r\n" for content in bare]
    return frozenset(sha256(content).hexdigest() for content in contents)


def _squeezed(text: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFC", text))


def _text_difference(text: str, candidates: list[str]) -> str | None:
    want, got = _squeezed(text), [_squeezed(candidate) for candidate in candidates]
    kept, best = _closest(want, got)
    if kept == len(want):
        return None
    if kept == 0:
        return f"text is gone: want {_excerpt(text, 0)!r}"
    return _said(text, kept, candidates[best], got[best].index(want[:kept]) + kept)


def _text_contradiction(text: str, candidates: list[str]) -> str | None:
    """Where a text that may be cut short goes on as ours does after something else: only that cannot be a cut."""
    want, got = _squeezed(text), [_squeezed(candidate) for candidate in candidates]
    kept, best = _closest(want, got)
    if kept == 0:
        return None
    end = got[best].index(want[:kept]) + kept
    rest = got[best][end : end + 2 * len(want)]
    pieces = (want[start : start + _PIECE] for start in range(kept, len(want) - _PIECE + 1, _PIECE))
    return _said(text, kept, candidates[best], end) if any(piece in rest for piece in pieces) else None


def _closest(want: str, got: list[str]) -> tuple[int, int]:
    """How many characters of the beginning of ``want`` stand together in one of ``got``, and in which."""
    whole = next((index for index, candidate in enumerate(got) if want in candidate), None)
    if whole is not None:
        return len(want), whole
    kept = [_kept(want, candidate) for candidate in got]
    most = max(kept, default=0)
    return most, kept.index(most) if kept else 0


def _said(text: str, kept: int, candidate: str, end: int) -> str:
    return f"text differs: got {_excerpt(candidate, end)!r}, want {_excerpt(text, kept)!r}"


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


def _file_difference(files: tuple[_File, ...], there: list[_File]) -> str | None:
    return _file_contradiction(files, there) or next(
        (f"{which} is gone" for which, _ in _without_their_content(files, there)), None
    )


def _file_contradiction(files: tuple[_File, ...], there: list[_File]) -> str | None:
    names = {file.name for file in there if file.name}
    changed = (which for which, file in _without_their_content(files, there) if file.name in names)
    return next((f"{which} has changed content" for which in changed), None)


def _without_their_content(files: tuple[_File, ...], there: list[_File]) -> Iterator[tuple[str, _File]]:
    """The files whose content is not there, under whatever name, and what to call each."""
    for number, file in enumerate(files, 1):
        if not any(file.digests & other.digests for other in there):
            yield f"attachment {number} of {len(files)} ({file.media_type})", file
