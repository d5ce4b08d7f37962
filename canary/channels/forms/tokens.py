"""HTML as a row of tags and texts, in one pass: whatever is in a page, each character is looked at a few times at most.

By HTML, section 13.2.5 (tokenization), as far as a form needs it: what has no end goes on to the end of the page, as in
browsers. The parser of the standard library looks for such an end again and again, and takes minutes over a page that
is made of beginnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from canary.references import resolved

_SPACE = r"\t\n\f\r "
_MARKUP = re.compile(r"<(?=[a-zA-Z!?]|/.)", re.DOTALL)
_NAME = re.compile(rf"[^{_SPACE}/>]*")
_GAP = re.compile(rf"[{_SPACE}/]*")
_KEY = re.compile(rf"=?[^{_SPACE}/>=]*")
_EQUALS = re.compile(rf"[{_SPACE}]*=[{_SPACE}]*")
_BARE = re.compile(rf"[^{_SPACE}>]*")
_EMPTY_COMMENT, _COMMENT_END = re.compile("-?>"), re.compile("--!?>")
_RAW = {"script", "style", "xmp", "iframe", "noembed", "noframes"}
_ESCAPABLE = {"textarea", "title"}
_ENDS = {name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE) for name in _RAW | _ESCAPABLE}


@dataclass(frozen=True, slots=True)
class Text:
    """Characters between tags, their references (``&amp;``) resolved."""

    content: str


@dataclass(frozen=True, slots=True)
class Start:
    """A start tag. Of an attribute that is there twice the first one counts."""

    tag: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class End:
    """An end tag; its attributes, if any, are nothing."""

    tag: str


def tokens(html: str) -> Iterator[Text | Start | End]:
    """The tags and texts of a page in their order, without comments and declarations. Raises for no text whatever."""
    at = 0
    while at < len(html):
        markup = _MARKUP.search(html, at)
        if markup is None:
            yield Text(resolved(html[at:]))
            return
        if markup.start() > at:
            yield Text(resolved(html[at : markup.start()]))
        token, at = _marked(html, markup.end())
        if token is not None:
            yield token
        if isinstance(token, Start) and token.tag in _ENDS:
            end = _ENDS[token.tag].search(html, at)
            raw = html[at : end.start() if end else len(html)]
            if raw:
                yield Text(resolved(raw) if token.tag in _ESCAPABLE else raw)
            at += len(raw)


def _marked(html: str, at: int) -> tuple[Start | End | None, int]:
    """What begins with the ``<`` before ``at``, if it is a tag, and where it ends."""
    first = html[at]
    if first == "/" and html[at + 1 : at + 2].isascii() and html[at + 1 : at + 2].isalpha():
        tag, _, end = _tag(html, at + 1)
        return (End(tag) if end else None), end or len(html)
    if first == "!" and html.startswith("--", at + 1):
        over = _EMPTY_COMMENT.match(html, at + 3) or _COMMENT_END.search(html, at + 3)
        return None, over.end() if over else len(html)
    if first in "/!?":  # a declaration, or nothing that is known
        end = html.find(">", at)
        return None, end + 1 or len(html)
    tag, attributes, end = _tag(html, at)
    return (Start(tag, attributes) if end else None), end or len(html)


def _tag(html: str, at: int) -> tuple[str, dict[str, str], int]:
    """Name and attributes of a tag whose name begins at ``at``, and the place after it; 0 for one that does not end."""
    name = _matched(_NAME, html, at)
    at += len(name)
    attributes: dict[str, str] = {}
    while True:
        at += len(_matched(_GAP, html, at))
        if at >= len(html):
            return "", {}, 0
        if html[at] == ">":
            return name.lower(), attributes, at + 1
        key = _matched(_KEY, html, at)
        at += len(key)
        value, at = _value(html, at)
        if at < 0:
            return "", {}, 0
        attributes.setdefault(key.lower(), resolved(value))


def _value(html: str, at: int) -> tuple[str, int]:
    """The value that follows the name of an attribute, empty for none, and the place after it; -1 if it has no end."""
    equals = _EQUALS.match(html, at)
    if equals is None:
        return "", at
    at = equals.end()
    quote = html[at : at + 1]
    if quote not in ('"', "'"):
        value = _matched(_BARE, html, at)
        return value, at + len(value)
    end = html.find(quote, at + 1)
    return (html[at + 1 : end], end + 1) if end >= 0 else ("", -1)


def _matched(pattern: re.Pattern[str], html: str, at: int) -> str:
    found = pattern.match(html, at)
    return found[0] if found else ""
