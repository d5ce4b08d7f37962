"""A text as it is compared: its words, however a mail program or a form's back end writes them. Pure, and linear.

Links are as they were before a gateway wrapped them, character references (``&amp;``) are what they stand for, however
often they were escaped, signs that programs take for each other (quotes, dots) are one, and white space, quote signs,
angle brackets, dashes, backslashes and what is invisible do not count.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from canary.references import resolved
from canary.reports.links import Links, link_at

_NOT_COUNTED = "\\s<>|\\\\\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u2010-\u2015\u2212-"
_IGNORED, _KEPT = re.compile(f"[{_NOT_COUNTED}]+"), re.compile(f"[^{_NOT_COUNTED}]+")
_ESCAPED_LINE = re.compile(r"(?<!\\)\\++[rn]")
_ESCAPED_OFTEN = 3
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DISARMED = (("hxxp", "http"), ("[.]", "."), ("[:]", ":"))
_SIGNS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
)
_MOST_MARKS = 30
"""Marks on one letter that are put in order (UAX #15 section 13, the Stream-Safe Text Format)."""
_SHOWN = 32


@dataclass(frozen=True, slots=True)
class Squeezed:
    """A text as people read it, and its characters that count; ``hosts`` are those of links that were unwrapped."""

    readable: str
    text: str
    hosts: tuple[str, ...] = ()

    def excerpt(self, position: int) -> str:
        """What it says from shortly before the given place in ``text``."""
        place = self._place(position)
        if place is None:
            return "the end"
        start = max(0, place - _SHOWN // 4)
        return " ".join(self.readable[start : start + _SHOWN].split()) + "…"

    def between(self, begin: int, end: int) -> str:
        """What it says between two places in ``text``, as much of it as is shown."""
        start, stop = self._place(begin), self._place(end)
        said = " ".join(self.readable[start:stop].split())
        return said if len(said) <= _SHOWN else said[:_SHOWN] + "…"

    def link_at(self, position: int) -> str | None:
        """The link in which the given place in ``text`` is, if it is in one."""
        place = self._place(position)
        return None if place is None else link_at(self.readable, place)

    def _place(self, position: int) -> int | None:
        """Where the character of this number in ``text`` stands in ``readable``; None behind the end."""
        squeezed = 0
        for kept in _KEPT.finditer(self.readable):
            if squeezed + len(kept[0]) > position:
                return kept.start() + position - squeezed
            squeezed += len(kept[0])
        return None


def links_of(sent: str, patterns: tuple[str, ...] = ()) -> Links:
    """The links of what was sent; ``patterns`` are those that a gateway is declared to put in their place."""
    return Links(_plain(sent), patterns)


def squeezed(text: str, links: Links) -> Squeezed:
    """A text as it is compared with another one that was squeezed by the same ``links``."""
    unwrapped = links.unwrapped(_plain(text))
    return Squeezed(unwrapped.text, _IGNORED.sub("", unwrapped.text), unwrapped.hosts)


def _plain(text: str) -> str:
    """A text without what escapes and disarms it, and with one sign for those that are taken for each other."""
    for _ in range(_ESCAPED_OFTEN):
        before, text = text, _REFERENCE.sub(lambda found: resolved(found[0]), text)
        if text == before:
            break
    text = _ESCAPED_LINE.sub("\n", text)
    for disarmed, as_it_was in _DISARMED:
        text = text.replace(disarmed, as_it_was)
    return _composed(text.translate(_SIGNS))


def _composed(text: str) -> str:
    """Normal form KC. More marks on one letter than any language has are cut: Python orders them in quadratic time."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _many_marks().sub(lambda run: run[0][:_MOST_MARKS], text))


@cache
def _many_marks() -> re.Pattern[str]:
    """Characters in a row that are put in order when they are composed."""
    ordered = [chr(code) for code in range(0x300, 0x1EFFF) if unicodedata.combining(chr(code))]
    return re.compile(f"[{''.join(ordered)}]{{{_MOST_MARKS + 1},}}")
