"""Whether a report came through whole: what was sent against what was found. Pure.

Mail and ticket systems may add headers, banners and footers, re-encode, wrap lines anew, quote, and turn text into HTML
or back. All that leaves the words as they were, so the words are compared: without white space, quote signs and
invisible characters, and anywhere in what was found. An attachment must be there with exactly its content; its name may
change. Of a place that shows only a part, what it shows is compared, and nothing is said of the rest.

What was found is foreign: every step is linear, and no more of it is looked at than was sent and
:data:`canary.budgets.COMPARED` besides. A difference then says so, too: what is beyond that is no report of ours.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from canary.budgets import COMPARED, BudgetError
from canary.content import Content, Message, Ticket
from canary.mail.reading import ParsedMail, Part, read_mail
from canary.references import resolved

_IGNORED = re.compile("[\\s>|\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_KEPT = re.compile("[^\\s>|\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HIDING = re.compile(r"<(/?)(script|style|title)\b[^<>]*>|<!--|-->", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_SHOWN = 32
_PIECE = 24
"""Characters of ours that are no chance: as many that come after a difference show that the text goes on there."""
_MOST_MARKS = 30
"""Marks on one letter that are put in order (UAX #15 section 13, the Stream-Safe Text Format)."""
_LARGEST_CHARACTER = 12
"""Bytes that a character may take, quoted-printable in UTF-8."""
_LONGEST_FILE = 1 << 62
_LINE_ENDS = 2
"""Bytes of a text that was sent that may be twice as many: a bare line feed became two, or the other way round."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    media_type: str
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What must come through: the text, and the files; none of which is longer than ``longest`` bytes."""

    text: str
    files: tuple[_File, ...]
    longest: int


@dataclass(frozen=True, slots=True)
class _Got:
    """What came: every text in which ours may be, and every file; ``cut`` says what of it was not looked at."""

    texts: list[str]
    files: list[_File]
    cut: BudgetError | None = None


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
        got = _from_mail(found.raw, want) if isinstance(found, Message) else _from_ticket(found, want)
        if not whole:
            return _text_contradiction(want.text, got.texts) or _file_contradiction(want.files, got.files)
        difference = _text_difference(want.text, got.texts) or _file_difference(want.files, got.files)
        return f"{difference} (not all of it was looked at: {got.cut})" if difference and got.cut else difference
    except Exception as error:  # whatever it is, one message must not keep its watcher from all the others
        return f"cannot be compared: {type(error).__name__} while reading it"


def _from_mail(raw: bytes, want: _Sent) -> _Got:
    mail = read_mail(raw)
    texts, cut = _texts(mail, want.text)
    files = [_file(part, want.longest) for part in mail.parts if part.main_type != "multipart"] if want.files else []
    return _Got(texts, files, mail.cut or cut)


def _from_ticket(found: Ticket, want: _Sent) -> _Got:
    room = _room(want.text)
    text, cut = found.text[:room], _too_much() if len(found.text) > room else None
    files = [_File(file.name, file.media_type, _of_contents(file.media_type, [file.content])) for file in found.files]
    return _Got([text, _as_read(text)], files, cut)


def _texts(mail: ParsedMail, sent: str) -> tuple[list[str], BudgetError | None]:
    """The text of every text part, those of enclosed messages included, HTML as it reads; and what there is no room for.

    The longer what was sent, the more there is.
    """
    texts: list[str] = []
    room = _room(sent)
    for part in mail.texts:
        text = part.text(_LARGEST_CHARACTER * (room + 1))
        if len(text) > room:
            return [*texts, text[:room]], _too_much()
        room -= len(text)
        texts.append(_as_read(text) if part.type == "text/html" else text)
    return texts, None


def _room(sent: str) -> int:
    """Characters that are looked at."""
    return len(sent) * _LINE_ENDS + (COMPARED.decoded or 0)


def _too_much() -> BudgetError:
    return BudgetError(f"{COMPARED.what}: more than {COMPARED.decoded} characters")


def _body(raw: bytes) -> bytes:
    blank = _BLANK_LINE.search(raw)
    return raw[blank.end() :].replace(b"\r\n", b"\n").rstrip() if blank else b""


def _from_form(sent: bytes) -> _Sent:
    fields = json.loads(sent)
    files = (_File(item["name"], "file", frozenset({item["sha256"]})) for item in fields.get("attachments", ()))
    return _Sent(fields["text"], tuple(files), _LONGEST_FILE)


def _from_message(sent: bytes) -> _Sent:
    mail = read_mail(sent)
    files = tuple(_file(part, len(sent)) for part in mail.parts if part.is_attached)
    plain = (part.text() for part in mail.parts if part.type == "text/plain" and not part.is_attached)
    text = next(plain, None)
    return _Sent(next(iter(_texts(mail, "")[0]), "") if text is None else text, files, _LINE_ENDS * len(sent))


def _file(part: Part, longest: int) -> _File:
    """A file; of one that is too long to be any of those that were sent, nothing but that it is there."""
    begin, end = part.span
    content = part.content() if end - begin <= _LINE_ENDS * longest else None
    return _File(part.name, part.type, _of_contents(part.type, [] if content is None else [content]))


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


def _of_contents(media_type: str, contents: list[bytes]) -> frozenset[str]:
    """The SHA-256 of a file's content; for text also with other line ends, which a mail system may change."""
    if media_type.partition("/")[0] in ("text", "message"):
        bare = [content.replace(b"\r\n", b"\n").rstrip() for content in contents]
        contents = [*contents, *bare, *(content + b"\n" for content in bare)]
        contents += [content.replace(b"\n", b"\r\n") + b"\r\n" for content in bare]
    return frozenset(sha256(content).hexdigest() for content in contents)


def _squeezed(text: str) -> str:
    return _IGNORED.sub("", _composed(text))


def _composed(text: str) -> str:
    """Normal form C. More marks on one letter than any language has are cut: Python orders them in quadratic time."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _many_marks().sub(lambda run: run[0][:_MOST_MARKS], text))


@cache
def _many_marks() -> re.Pattern[str]:
    """Characters in a row that are put in order when they are composed."""
    ordered = [chr(code) for code in range(0x300, 0x1EFFF) if unicodedata.combining(chr(code))]
    return re.compile(f"[{''.join(ordered)}]{{{_MOST_MARKS + 1},}}")


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
    readable, squeezed = _composed(text), 0
    for kept in _KEPT.finditer(readable):
        if squeezed + len(kept[0]) > position:
            start = max(0, kept.start() + position - squeezed - _SHOWN // 4)
            return " ".join(readable[start : start + _SHOWN].split()) + "…"
        squeezed += len(kept[0])
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
