"""A message as its parts (RFC 5322, RFC 2046): each with its fields, its content, and its text. Pure; never raises.

Anything may be in a message, so none of this depends on its being well-formed, everything is linear in its length, and
what goes beyond :data:`canary.budgets.MESSAGE` is left out and told.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from canary.budgets import HEADER, MESSAGE, Budget, BudgetError
from canary.mail.words import decoded, parameters, plain, transferred, unfolded

_HEADER = re.compile(rb"(?:(?:[!-9;-~]*+[ \t]*+:|From |[ \t])[^\n]*+(?:\n|\Z))*+")
"""Lines that may stand in a header; the first other one, or an empty one, ends it."""
_FIELD = re.compile(rb"(?m)^([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_END = re.compile(rb"\r?\n|\Z")
_MOST_DELIMITERS = 100_000
"""Lines with two hyphens at their beginning, any of which may be between two parts."""
_LONGEST_DELIMITER = 300
_TYPE = re.compile(r"[^\s/;]+/[^\s/;]+")


class Part:
    """A message, or a part of one. What is encoded is decoded when it is asked for."""

    def __init__(self, raw: bytes, begin: int, end: int, usual_type: str = "text/plain") -> None:
        self._raw, self._end, self._usual_type = raw, end, usual_type
        after = _HEADER.match(raw, begin, end)
        stop = after.end() if after else begin
        blank = _END.match(raw, stop, end)
        self._body = blank.end() if blank and blank.end() > stop else stop
        limit = stop if HEADER.received is None else min(stop, begin + HEADER.received)
        self._header = raw[begin:limit]

    @cached_property
    def fields(self) -> tuple[tuple[str, bytes], ...]:
        """Names in lower case and raw values, in their order."""
        return tuple((name.decode("ascii").lower(), value) for name, value in _FIELD.findall(self._header))

    @cached_property
    def _first(self) -> Mapping[str, bytes]:
        return dict(reversed(self.fields))

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name.lower() in self._first

    def field(self, name: str) -> str:
        """The first such field on one line, its encoded words decoded; "" if there is none."""
        value = self._first.get(name.lower())
        return "" if value is None else plain(unfolded(value))

    @cached_property
    def type(self) -> str:
        """The media type, such as ``text/plain``."""
        found = _TYPE.match(self._content_type.lower())
        return found[0] if found else self._usual_type

    @property
    def main_type(self) -> str:
        """The first half of the media type."""
        return self.type.partition("/")[0]

    @property
    def charset(self) -> str | None:
        """The character set that is said of a text."""
        return self._parameters.get("charset")

    @property
    def boundary(self) -> str:
        """What is between the parts of a multipart; "" if it is not said."""
        return self._parameters.get("boundary", "").rstrip()

    @cached_property
    def name(self) -> str:
        """The name of an attachment; "" if it has none."""
        return parameters(self._disposition).get("filename") or self._parameters.get("name", "")

    @property
    def is_attached(self) -> bool:
        """Whether it says that it is an attachment, by that word or by a name."""
        return self._disposition.partition(";")[0].strip().lower() == "attachment" or bool(self.name)

    @property
    def is_text(self) -> bool:
        """Whether it is text, as opposed to a file, a message or several parts."""
        return self.main_type == "text"

    @property
    def is_encoded_message(self) -> bool:
        """Whether it is a message in a transfer encoding, or as a file: no parts of it are known (RFC 2046, 5.2.1)."""
        if self.type == "message/rfc822":
            return self._encoding in ("base64", "quoted-printable")
        return self.main_type not in ("multipart", "message") and self.name.lower().endswith(".eml")

    @property
    def span(self) -> tuple[int, int]:
        """Where its body begins and ends in the message."""
        return self._body, self._end

    def content(self, longest: int | None = None) -> bytes:
        """The body without its transfer encoding; ``longest`` is how much of the encoded body is looked at."""
        end = self._end if longest is None else min(self._end, self._body + longest)
        return transferred(self._raw[self._body : end], self._encoding)

    def text(self, longest: int | None = None) -> str:
        """The body as text, by its charset; ``longest`` in bytes, as of :meth:`content`. Never fails."""
        return decoded(self.content(longest), self.charset)

    @cached_property
    def _content_type(self) -> str:
        return unfolded(self._first.get("content-type", b""))

    @cached_property
    def _disposition(self) -> str:
        return unfolded(self._first.get("content-disposition", b""))

    @cached_property
    def _encoding(self) -> str:
        return unfolded(self._first.get("content-transfer-encoding", b"")).lower()

    @cached_property
    def _parameters(self) -> Mapping[str, str]:
        return parameters(self._content_type)


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A message: itself first, then its parts, each before what is in it; ``cut`` says what was not read, if any."""

    parts: tuple[Part, ...]
    cut: BudgetError | None

    @property
    def head(self) -> Part:
        """The message itself, whose header is that of the whole."""
        return self.parts[0]


def read_mail(raw: bytes, budget: Budget = MESSAGE) -> ParsedMail:
    """The parts of a message, as far as the budget goes."""
    cut = _beyond(budget, received=len(raw))
    raw = raw[: budget.received]
    delimiters = _Delimiters(raw)
    found: list[Part] = []
    waiting = [(0, len(raw), "text/plain", 0)]
    while waiting:
        begin, end, usual_type, depth = waiting.pop()
        too_many = _beyond(budget, number=len(found) + 1)
        if too_many:
            cut = cut or too_many
            break
        part = Part(raw, begin, end, usual_type)
        found.append(part)
        inner = _inside(part, delimiters)
        too_deep = _beyond(budget, depth=depth + 1) if inner else None
        if too_deep:
            cut = cut or too_deep
            continue
        usual = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        waiting.extend((begin, end, usual, depth + 1) for begin, end in reversed(inner))
    return ParsedMail(tuple(found), cut or delimiters.cut)


def with_enclosed(mail: ParsedMail) -> list[Part]:
    """All parts of a message, and those of the messages that are in it encoded or as files; not of any in these."""
    enclosed = (read_mail(part.content()) for part in mail.parts if part.is_encoded_message)
    return [*mail.parts, *(part for inner in enclosed for part in inner.parts)]


def _beyond(budget: Budget, **cost: int) -> BudgetError | None:
    try:
        budget.hold(**cost)
    except BudgetError as error:
        return error.with_traceback(None)  # which would keep the message, and be kept by it
    return None


def _inside(part: Part, delimiters: _Delimiters) -> Sequence[tuple[int, int]]:
    """Where the parts of a part begin and end."""
    if part.type == "message/rfc822":
        return [part.span]
    if part.main_type == "multipart" and part.boundary:
        return delimiters.between(part.boundary.encode("utf-8", "replace"), *part.span)
    return ()


class _Delimiters:
    """Every line of a message that may be a boundary between parts, found once."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at: list[int] = []
        at = 0 if raw.startswith(b"--") else raw.find(b"\n--") + 1
        while at or (not self._at and raw.startswith(b"--")):
            self._at.append(at)
            if len(self._at) > _MOST_DELIMITERS:
                break
            at = raw.find(b"\n--", at) + 1
        self.cut = _beyond(Budget("a message", number=_MOST_DELIMITERS, pieces="delimiters"), number=len(self._at))

    def between(self, boundary: bytes, begin: int, end: int) -> Sequence[tuple[int, int]]:
        """Where what is between delimiters with this boundary begins and ends; the last one may be missing."""
        spans, start = [], None
        for at in self._at[bisect_left(self._at, begin) : bisect_left(self._at, end)]:
            line = self._raw[at + 2 : min(end, at + _LONGEST_DELIMITER)].partition(b"\n")[0].rstrip(b" \t\r")
            if line not in (boundary, boundary + b"--"):
                continue
            if start is not None:
                spans.append((start, _before(self._raw, start, at)))
            start = None
            if line == boundary + b"--":
                break
            after = self._raw.find(b"\n", at, end)
            start = after + 1 if after >= 0 else end
        if start is not None:
            spans.append((start, end))
        return spans


def _before(raw: bytes, start: int, at: int) -> int:
    """Where the line before a delimiter ends: its line end belongs to the delimiter (RFC 2046 section 5.1.1)."""
    end = at - 1 if at > start else at
    return end - 1 if end > start and raw[end - 1 : end] == b"\r" else max(start, end)
