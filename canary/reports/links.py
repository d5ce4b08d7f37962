"""Links as a mail gateway wraps them, and what they were before. Pure; linear in what was found.

A gateway that looks at links when they are clicked puts an address of its own in their place. Nearly all of them keep
the first address inside: as it is, percent-encoded (once or more often), in Base64, or in the ways of URL Defense. We
know the links that we sent, so it need not be known who wrapped them: one of ours that stands whole in another one is
what that one stands for. A link that does not tell is ours where it stands in our link's place, and names our host, or
is of a form that the operator declares.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from urllib.parse import unquote

_LINK = re.compile(r"(?:https?://|www\.)[!#-;=?-Z_a-z~]+", re.IGNORECASE)
_CLOSING = ".,;:!?)]}*_'"
"""What may follow a link and is none of it."""
_SCHEME = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_HOST = re.compile(r"(?:https?://)?[^/?#]*", re.IGNORECASE)
_TWICE = re.compile(r"[\s<>()\[\]]*")
_MAILTO = re.compile(r"\s?[<(\[]mailto:[^\s<>()\[\]]*[>)\]]", re.IGNORECASE)
_MARKDOWN = re.compile(r"\[([^\s\[\]<>]{1,2000})\]\(([^\s()<>]{1,8000})\)")
_WORD = re.compile(r"[A-Za-z0-9_-]{12,}")
_NOT_COUNTED = re.compile(r"[\s>|<\\-]+")
_V3 = re.compile(r"/v3/__(.+?)__;([A-Za-z0-9_-]*)(?:=*)!")
_STAR = re.compile(r"\*(?:\*(.))?")
_RUNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_MOST_OURS = 50
_LONGEST = 1 << 13
"""Characters of a link that are looked at."""
_CONTEXT = 12
"""Characters before a link, without white space, that say where it stands."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A text with the links as they were, and the hosts of those that stood in their place."""

    text: str
    hosts: tuple[str, ...]


class Links:
    """The links of a text that was sent; ``patterns`` are those that a gateway is declared to put in their place.

    In a pattern ``*`` stands for any characters.
    """

    def __init__(self, sent: str, patterns: tuple[str, ...] = ()) -> None:
        there = list(_links(sent))
        self._ours = list(dict.fromkeys(link for _, _, link in there))[:_MOST_OURS]
        self._bare = [(link, _SCHEME.sub("", link, count=1).rstrip("/")) for link in self._ours]
        self._by_place = {_context(sent[max(0, start - 99) : start]): link for start, _, link in reversed(there)}
        self._declared = re.compile("|".join(map(translate, patterns)), re.IGNORECASE) if patterns else None

    def unwrapped(self, found: str) -> Unwrapped:
        """``found`` with our links where something else stands for them, and none that is said twice in a row."""
        if "://" not in found and "www." not in found.lower() and "mailto:" not in found:
            return Unwrapped(found, ())
        found = _MAILTO.sub("", _MARKDOWN.sub(_as_words, found))
        kept: list[str] = []
        hosts: dict[str, None] = {}
        end, last = 0, ""
        for start, stop, link in _links(found):
            between = found[end:start]
            ours, more = self._meant(link, "".join([*kept[-4:], between])[-99:])
            now = link if ours is None else ours
            if last == now and _TWICE.fullmatch(between):
                end = stop
                continue
            if ours is not None:
                hosts[host_of(link)] = None
            kept += [between, now, more]
            end, last = stop, now
        return Unwrapped("".join([*kept, found[end:]]), tuple(hosts))

    def is_ours(self, link: str) -> bool:
        """Whether we sent this very link."""
        return link in self._ours

    def _meant(self, link: str, before: str) -> tuple[str | None, str]:
        """The link of ours that another one stands for, and what it took of the text behind it; None if none."""
        if not self._ours or self.is_ours(link):
            return None, ""
        for reading in _readings(link[:_LONGEST]):
            for ours, bare in self._bare:
                whole = _whole(bare, reading) if bare in reading else None
                if whole is not None:
                    return ours, whole
        here = self._by_place.get(_context(before))
        if here is not None and (self._is_declared(link) or _names(link, host_of(here))):
            return here, ""
        return None, ""

    def _is_declared(self, link: str) -> bool:
        return self._declared is not None and self._declared.fullmatch(link) is not None


def link_at(text: str, place: int) -> str | None:
    """The link that the character at ``place`` belongs to; None if that is in none."""
    return next((link for start, end, link in _links(text) if start <= place < end), None)


def host_of(link: str) -> str:
    """The host of a link, in lower case."""
    return re.split(r"[/?#:]", _SCHEME.sub("", link, count=1), maxsplit=1)[0].lower()


def _links(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each link begins and ends, and the link, without what only follows it."""
    for found in _LINK.finditer(text):
        link = found[0].rstrip(_CLOSING)
        yield found.start(), found.start() + len(link), link


def _as_words(link: re.Match[str]) -> str:
    """A link of Markdown as what it says, and what it leads to."""
    return link[1] if link[2].lower().startswith("mailto:") else f"{link[1]} {link[2]}"


def _whole(bare: str, reading: str) -> str | None:
    """What stands behind an address without its scheme in another one, of the sentence it was in; None if not whole.

    What may follow it is a sign of that sentence, or the other address's own.
    """
    begin = 0 if reading.startswith("=") else len(_HOST.match(reading)[0])  # type: ignore[index]  # it may be empty
    inside = re.compile(rf"(?<![A-Za-z0-9.-])(?:www\.)?{re.escape(bare)}/?([).,:!?\]]*)(?=$|[&;!\"'<>|\s]|__)")
    found = inside.search(reading, begin)
    return found[1] if found else None


def _context(before: str) -> str:
    return _NOT_COUNTED.sub("", before)[-_CONTEXT:]


def _names(link: str, host: str) -> bool:
    """Whether the query of a link of somebody else names a host."""
    query = link.partition("?")[2]
    named = re.search(rf"(?<![A-Za-z0-9.-]){re.escape(host)}(?![A-Za-z0-9.-])", query, re.IGNORECASE)
    return named is not None and host_of(link) != host


def _readings(link: str) -> Iterator[str]:
    """What a wrapped link may say, read in each of the ways that are known."""
    if "/v3/__" in link:
        yield _third_defense(link)
    yield link
    read = link
    for _ in range(3):
        if "%" not in read:
            break
        read = unquote(read)
        yield read
    if "-3A" in link.upper() or "-2E" in link.upper():
        yield unquote(re.sub(r"-([0-9A-Fa-f]{2})", r"%\1", link).replace("_", "/"))
    for word in _WORD.findall(read):
        yield from _from_base64(word)


def _from_base64(word: str) -> Iterator[str]:
    text = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4) if len(word) % 4 != 1 else word[:-1]).decode(
        "latin-1"
    )
    if _LINK.search(text):
        yield f"={text}"


def _third_defense(link: str) -> str:
    """URL Defense, third version: characters of the address are replaced by stars, and follow it in Base64."""
    found = _V3.search(link)
    if not found:
        return link
    taken = iter(next(_decoded(found[2]), ""))

    def said(star: re.Match[str]) -> str:
        number = 1 if star[1] is None else _RUNS.find(star[1]) + 2
        return "".join(next(taken, "") for _ in range(number))

    return f"={_STAR.sub(said, found[1])}"


def _decoded(word: str) -> Iterator[str]:
    if len(word) % 4 != 1:
        yield base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("utf-8", "replace")
