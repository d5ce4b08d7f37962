"""Whether a report came through whole: what was sent against what was found. Pure.

Mail and ticket systems may add headers, banners and footers, re-encode, wrap lines anew, quote, escape, wrap links, and
turn text into HTML or back. All that leaves the words as they were, so the words are compared
(:mod:`canary.reports.squeezed`), anywhere in what was found; what was added is told. An attachment must be there with
exactly its content, an enclosed message with its words and files; its name may change. Of a place that shows only a
part, what it shows is compared, and nothing is said of the rest.

What was found is foreign: every step is linear, and no more of it is looked at than was sent and
:data:`canary.budgets.COMPARED` besides. A difference then says so, too: what is beyond that is no report of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from canary.budgets import COMPARED, BudgetError
from canary.content import Content, Message, Ticket
from canary.mail.reading import Part, read_mail, with_enclosed
from canary.references import resolved
from canary.reports.links import host_of
from canary.reports.squeezed import Squeezed, links_of, squeezed

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HIDING = re.compile(r"<(/?)(script|style|title)\b[^<>]*>|<!--|-->", re.IGNORECASE)
_TAG = re.compile(r"</?(?!(?:[A-Za-z][A-Za-z0-9+.-]*:/|mailto:|[^<>\s@]*@))[A-Za-z!?][^<>]*>", re.IGNORECASE)
"""A tag; an address in angle brackets is none."""
_PIECE = 24
"""Characters of ours that are no chance: as many that come after a difference show that the text goes on there."""
_ENOUGH = 6 * _PIECE
"""Characters of a report that show that a message is one: the sentence with the mark has 100 at most."""
_LARGEST_CHARACTER = 12
"""Bytes that a character may take, quoted-printable in UTF-8."""
_LONGEST_FILE = 1 << 62
_LINE_ENDS = 2
"""Bytes of a text that was sent that may be twice as many: a bare line feed became two, or the other way round."""
_MOST_HOSTS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found beside what was sent.

    ``difference`` says in a sentence what changed, None if nothing did, as far as can be seen. ``added`` says what else
    there is beside the report, or stands in place of its links; "" if there is nothing of the kind. ``is_report`` says
    that it is the report, whole or not, and not only something with its mark.
    """

    difference: str | None
    added: str = ""
    is_report: bool = True


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
    """What changed on the way: the ``difference`` of :func:`compared`."""
    return compared(sent, found, whole=whole).difference


def compared(sent: bytes, found: Content, *, whole: bool = True, links: tuple[str, ...] = ()) -> Comparison:
    """What was found of a report that was sent.

    ``sent`` is an RFC 5322 message, or the canonical JSON of a form with ``text`` and ``attachments`` (a list of
    ``name`` and ``sha256``). ``whole`` says that ``found`` is all that there is; else a text may end early or not be
    there, and files may be missing. ``links`` are patterns of links that stand in place of ours. Never raises, whatever
    is in ``found``.
    """
    form = sent.startswith(b"{")
    if not form and isinstance(found, Message) and _body(sent) == _body(found.raw):
        return Comparison(None)
    try:
        want = _from_form(sent) if form else _from_message(sent)
        got = _from_mail(found.raw, want) if isinstance(found, Message) else _from_ticket(found, want)
        return _compared(want, got, whole, links)
    except Exception as error:  # whatever it is, one message must not keep its watcher from all the others
        return Comparison(f"cannot be compared: {type(error).__name__} while reading it")


def _compared(want: _Sent, got: _Got, whole: bool, patterns: tuple[str, ...]) -> Comparison:
    links = links_of(want.text, patterns)
    ours, texts = squeezed(want.text, links), [squeezed(text, links) for text in got.texts]
    closest = _closest(ours.text, [text.text for text in texts])
    if not whole:
        contradiction = _text_contradiction(ours, texts, closest) or _file_contradiction(want.files, got.files)
        return Comparison(contradiction)
    left = _left(ours.text, texts, closest)
    difference = _text_difference(ours, texts, closest, left) or _file_difference(want.files, got.files)
    if difference is None:
        return Comparison(None, _added(ours, texts[closest.index]))
    cut = f" (not all of it was looked at: {got.cut})" if got.cut else ""
    return Comparison(f"{difference}{cut}", is_report=_is_report(left, ours, want, got))


def _is_report(left: int, ours: Squeezed, want: _Sent, got: _Got) -> bool:
    """Whether enough of a report is there, of its text or of its files."""
    if left >= min(_ENOUGH, len(ours.text) // 2):
        return True
    return any(file.digests & other.digests for file in want.files for other in got.files)


def _added(ours: Squeezed, text: Squeezed) -> str:
    """What else than ours is in a text that has it whole, and whose links stand in place of ours."""
    begin = text.text.index(ours.text)
    end = begin + len(ours.text)
    notes = [f"links wrapped by {', '.join(text.hosts[:_MOST_HOSTS])}"] if text.hosts else []
    notes += [f"added before it: {text.between(0, begin)!r}"] if begin else []
    notes += [f"added after it: {text.between(end, len(text.text))!r}"] if end < len(text.text) else []
    return "; ".join(notes)


def _from_mail(raw: bytes, want: _Sent) -> _Got:
    mail = read_mail(raw)
    parts = with_enclosed(mail)
    texts, cut = _texts(parts, want.text)
    files = [_file(part, want.longest) for part in parts if part.main_type != "multipart"] if want.files else []
    return _Got(texts, files, mail.cut or cut)


def _from_ticket(found: Ticket, want: _Sent) -> _Got:
    room = _room(want.text)
    text, cut = found.text[:room], _too_much() if len(found.text) > room else None
    files = [_File(file.name, file.media_type, _of_contents(file.media_type, [file.content])) for file in found.files]
    return _Got(_readings(text), files, cut)


def _texts(parts: Iterable[Part], sent: str) -> tuple[list[str], BudgetError | None]:
    """The text of every text part, those of enclosed messages included, HTML as it reads; and what there is no room for.

    The longer what was sent, the more there is.
    """
    texts: list[str] = []
    room = _room(sent)
    for part in parts:
        if not part.is_text:
            continue
        text = part.text(_LARGEST_CHARACTER * (room + 1))
        if len(text) > room:
            return [*texts, text[:room]], _too_much()
        room -= len(text)
        texts += [_as_read(text)] if part.type == "text/html" else _readings(text)
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
    return _Sent(next(iter(_texts(mail.parts, "")[0]), "") if text is None else text, files, _LINE_ENDS * len(sent))


def _file(part: Part, longest: int) -> _File:
    """A file; of one that is too long to be any of those that were sent, nothing but that it is there."""
    begin, end = part.span
    content = part.content() if end - begin <= _LINE_ENDS * longest else None
    return _File(part.name, part.type, _of_contents(part.type, [] if content is None else [content]))


def _readings(text: str) -> list[str]:
    """A text as it is, and where there are tags in it, as a form's back end may have put them there, without them."""
    return [text, _as_read(text)] if "<" in text else [text]


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
    enclosed = [_of_message(content) for content in contents if media_type == "message/rfc822"]
    if media_type.partition("/")[0] in ("text", "message"):
        bare = [content.replace(b"\r\n", b"\n").rstrip() for content in contents]
        contents = [*contents, *bare, *(content + b"\n" for content in bare)]
        contents += [content.replace(b"\n", b"\r\n") + b"\r\n" for content in bare]
    return frozenset([*enclosed, *(sha256(content).hexdigest() for content in contents)])


def _of_message(raw: bytes) -> str:
    """The SHA-256 of what an enclosed message says and has: its subject and author, words and files, in any encoding."""
    mail, said = read_mail(raw), sha256()
    for name in ("subject", "from", "date"):
        said.update(f"{name}:{squeezed(mail.head.field(name), links_of('')).text}\n".encode("utf-8", "replace"))
    for part in mail.parts:
        if part.is_text:
            words = _as_read(part.text()) if part.type == "text/html" else part.text()
            said.update(f"text:{squeezed(words, links_of('')).text}\n".encode("utf-8", "replace"))
        elif part.main_type not in ("multipart", "message"):
            said.update(b"file:" + sha256(part.content()).digest())
    return said.hexdigest()


@dataclass(frozen=True, slots=True)
class _Closest:
    """How many characters of the beginning of our text stand together in one of those found; which, and to where."""

    kept: int
    index: int = 0
    end: int = 0


def _closest(want: str, got: list[str]) -> _Closest:
    kept = [len(want) if want in candidate else _kept(want, candidate) for candidate in got]
    if not any(kept):
        return _Closest(0)
    most = max(kept)
    index = kept.index(most)
    return _Closest(most, index, got[index].index(want[:most]) + most)


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


def _left(want: str, got: list[Squeezed], closest: _Closest) -> int:
    """How many characters of ours are there: of the beginning, and about how many behind the first difference."""
    if closest.kept == len(want):
        return closest.kept
    pieces = {want[start : start + _PIECE] for start in range(closest.kept, len(want) - _PIECE + 1, _PIECE)}
    behind = [text.text[closest.end if number == closest.index else 0 :] for number, text in enumerate(got)]
    left = [_PIECE * len(_pieces(text, pieces)) for text in behind]
    return max((closest.kept * (n == closest.index) + number for n, number in enumerate(left)), default=0)


def _pieces(text: str, wanted: set[str]) -> set[str]:
    """Which of these pieces are in a text."""
    return {piece for at in range(len(text) - _PIECE + 1) if (piece := text[at : at + _PIECE]) in wanted}


def _text_difference(want: Squeezed, got: list[Squeezed], closest: _Closest, left: int) -> str | None:
    total = len(want.text)
    if closest.kept == total:
        return None
    if left == 0:
        return f"text is gone: want {want.excerpt(0)!r}"
    return f"{_said(want, got, closest)}; {left} of {total} characters are left ({100 * left // total} %)"


def _text_contradiction(want: Squeezed, got: list[Squeezed], closest: _Closest) -> str | None:
    """Where a text that may be cut short goes on as ours does after something else: only that cannot be a cut."""
    if closest.kept == 0:
        return None
    rest = got[closest.index].text[closest.end : closest.end + 2 * len(want.text)]
    starts = range(closest.kept, len(want.text) - _PIECE + 1, _PIECE)
    goes_on = any(want.text[start : start + _PIECE] in rest for start in starts)
    return _said(want, got, closest) if goes_on else None


def _said(want: Squeezed, got: list[Squeezed], closest: _Closest) -> str:
    """The first difference, and what may be declared if it is a link."""
    there, ours = (got[closest.index] if got else Squeezed("", "")), want.excerpt(closest.kept)
    said = f"text differs: got {there.excerpt(closest.end)!r}, want {ours!r}"
    link = there.link_at(closest.end)
    if link is None or want.link_at(closest.kept) is None or not (host := host_of(link)):
        return said
    declared = f"gateway: {{links: ['https://{host}/*']}}"
    return f"{said}; if your mail gateway puts such links in place of others, say so in the configuration: {declared}"


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
