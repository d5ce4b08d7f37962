"""What was typed into a form, recognised in what a page sends: as it is, in part, and as pages encode it."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from urllib.parse import unquote, unquote_plus

_RUN = 24
"""Characters in a row that are nobody else's by chance; of a mark, which is random, half of that."""
_SHORTEST = 6
_DEPTH = 4
_MOST = 64 << 10
"""Characters that are searched of one request, in all its decodings together."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_BASE32 = re.compile(r"[A-Za-z2-7]{16,}")
_HEX = re.compile(r"[0-9A-Fa-f](?:[ :,.-]?[0-9A-Fa-f]){15,}")
_CODES = re.compile(r"(?:\d{2,5}[ ,;.|_-]+){5,}\d{2,5}")
_ESCAPE = re.compile(r"\\(?:u\{?([0-9A-Fa-f]{4,6})\}?|x([0-9A-Fa-f]{2}))")


class Typed:
    """The texts that were typed. What is too short or too common to be told from chance is not looked for."""

    def __init__(self) -> None:
        self._runs: dict[int, set[str]] = {}
        self._whole: set[str] = set()

    def add(self, text: str, *, run: int = _RUN) -> None:
        """Look for ``text`` from now on, and for any ``run`` characters of it in a row."""
        plain = _plain(text)
        if len(plain) >= run:
            self._runs.setdefault(run, set()).update(plain[at : at + run] for at in range(len(plain) - run + 1))
        elif len(plain) >= _SHORTEST and any(character.isdigit() or character in " @" for character in plain):
            self._whole.add(plain)

    def add_mark(self, mark: str) -> None:
        """Look for a mark, also in short pieces."""
        self.add(mark, run=_RUN // 2)

    def is_in(self, places: Iterable[str]) -> bool:
        """Whether any of it is in one of the ``places``, however that is encoded."""
        if not self._whole and not self._runs:
            return False
        return any(self._found(_plain(text)) for text in decodings(places))

    def _found(self, text: str) -> bool:
        if any(piece in text for piece in self._whole):
            return True
        return any(
            text[at : at + run] in pieces for run, pieces in self._runs.items() for at in range(len(text) - run + 1)
        )


def decodings(places: Iterable[str]) -> Iterator[str]:
    """Each text as it is, and what it may stand for: percent, escapes of JSON, JavaScript and HTML, base 64, 32 and 16,
    character codes, deflated, and any of these in one another, up to a bound of depth and characters."""
    level, seen, left = list(places), set[str](), _MOST
    for _ in range(_DEPTH):
        below: list[str] = []
        for text in level:
            if text in seen or left <= 0:
                continue
            seen.add(text)
            left -= len(text)
            yield text
            below += _decoded(text)
        level = below


def _decoded(text: str) -> list[str]:
    found = {unquote(text), unquote_plus(text), unescape(text), _ESCAPE.sub(_character, text), _without_dots(text)}
    for match in _CODES.finditer(text):
        found |= _codes(match[0])
    for match in _HEX.finditer(text):
        digits = re.sub(r"[^0-9A-Fa-f]", "", match[0])
        found |= _read(digits, bytes.fromhex, 2)
    for match in _BASE64.finditer(text):
        found |= _read(match[0].translate(str.maketrans("-_", "+/")), _base64, 4)
    for match in _BASE32.finditer(text):
        found |= _read(match[0].upper(), _base32, 8)
    return [other for other in found if other != text and len(other) >= _SHORTEST]


def _read(digits: str, decode: Callable[[str], bytes], group: int) -> set[str]:
    """What ``digits`` say, wherever the first group of them begins: what stands before may be of the same letters."""
    found = set()
    for start in range(group):
        whole = (len(digits) - start) // group * group
        try:
            content = decode(digits[start : start + whole])
            rest = decode(digits[start:]) if group > 2 else content  # the last group may be a part of one
        except (ValueError, binascii.Error):
            rest = content = b""
        for octets in {content, rest, _inflated(content)}:
            found.add(octets.replace(b"\0", b"").decode("utf-8", "replace"))
            if b"\0" in octets:
                found.add(octets.decode("utf-16-le", "replace"))
    return found


def _base64(digits: str) -> bytes:
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _base32(digits: str) -> bytes:
    return base64.b32decode(digits + "=" * (-len(digits) % 8))


def _inflated(content: bytes) -> bytes:
    """What zlib, gzip or bare deflate made ``content`` of, as far as it goes."""
    for kind in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(kind).decompress(content, _MOST)
        except zlib.error:
            continue
    return b""


def _codes(text: str) -> set[str]:
    """What numbers say: of characters, or of the bytes of UTF-8."""
    codes = [int(code) for code in re.findall(r"\d+", text)]
    found = {"".join(map(chr, codes))}
    if max(codes) < 256:
        found.add(bytes(codes).decode("utf-8", "replace"))
    return found


def _character(match: re.Match[str]) -> str:
    return chr(min(int(match[1] or match[2], 16), 0x10FFFF))


def _without_dots(text: str) -> str:
    """A host name's labels as one: the most that one may have are 63 characters."""
    return text.replace(".", "")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
