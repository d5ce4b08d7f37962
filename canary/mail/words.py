"""What is written in a message, and encoded in one of the ways of mail, as text. Pure, linear; never raises.

RFC 2045 (transfer encodings, parameters), RFC 2047 (encoded words), RFC 2231 (parameters in pieces). A character set is
only looked up if it is one of text that mail is written in: Python knows others whose decoding is quadratic (idna,
punycode), and remembers for ever each name that it was asked for.
"""

from __future__ import annotations

import binascii
import pkgutil
import re
from collections.abc import Iterator, Mapping
from encodings import __path__ as _codecs
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import cache
from urllib.parse import unquote_to_bytes

_NO_CHARSETS = {
    "aliases", "base64_codec", "bz2_codec", "charmap", "hex_codec", "idna", "mbcs", "oem", "punycode", "quopri_codec",
    "raw_unicode_escape", "rot_13", "tactis", "undefined", "unicode_escape", "uu_codec", "zlib_codec",
}  # fmt: skip
_LONGEST_NAME = 60
"""Characters in the name of a character set (RFC 2978 section 2.3 wants 40 at most)."""
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_PARAMETER = re.compile(
    r""";\s*+(?P<name>[^=;\s"*']++)(?:\*(?P<piece>[0-9]{1,4}))?(?P<encoded>\*)?\s*+=\s*+"""
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>[^;]*+))""",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def decoded(content: bytes, charset: str | None) -> str:
    """Bytes as text; in UTF-8 if the character set is not said, or none that mail is written in."""
    return content.decode(_codec(charset) or "utf-8", "replace")


def transferred(body: bytes, encoding: str) -> bytes:
    """A body without its transfer encoding; as it is if that is none that encodes, base64 as far as it goes."""
    match encoding:
        case "base64":
            return _from_base64(body)
        case "quoted-printable":
            return binascii.a2b_qp(body)
    return body


def unfolded(value: bytes) -> str:
    """The value of a field on one line (RFC 5322 section 2.2.3), 8-bit text taken for UTF-8 (RFC 6532)."""
    return value.replace(b"\r", b"").replace(b"\n", b"").decode("utf-8", "replace").strip()


def plain(value: str) -> str:
    """``value`` with its encoded words decoded; what is none stays as it is."""
    return "".join(_merged(_pieces(value))) if "=?" in value else value


def parameters(value: str) -> Mapping[str, str]:
    """The parameters of a field such as Content-Type, by name in lower case: of each the first one, pieces together."""
    found: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for each in _PARAMETER.finditer(value):
        name, text = each["name"].lower(), each["plain"]
        text = text.strip() if text is not None else _ESCAPED.sub(r"\1", each["quoted"])
        if each["piece"] is None and each["encoded"] is None:
            found.setdefault(name, text)
        else:
            pieces.setdefault(name, {}).setdefault(int(each["piece"] or 0), (each["encoded"] is not None, text))
    return {name: _together(numbered) for name, numbered in pieces.items()} | found


def _pieces(value: str) -> Iterator[tuple[str, str | None, bytes]]:
    """What stands between encoded words as text, and of each word its character set and bytes."""
    at = 0
    while (start := value.find("=?", at)) >= 0:
        charset_end = value.find("?", start + 2, start + 3 + _LONGEST_NAME)
        how = value[charset_end : charset_end + 3].lower()
        if charset_end < 0 or how not in ("?b?", "?q?"):
            yield value[at : start + 2], None, b""
            at = start + 2
            continue
        end = value.find("?=", charset_end + 3)
        if end < 0:
            break
        yield value[at:start], None, b""
        yield "", value[start + 2 : charset_end].partition("*")[0], _word(value[charset_end + 3 : end], how)
        at = end + 2
    yield value[at:], None, b""


def _word(text: str, how: str) -> bytes:
    raw = text.encode("utf-8")
    return _from_base64(raw) if how == "?b?" else binascii.a2b_qp(raw, header=True)


def _merged(pieces: Iterator[tuple[str, str | None, bytes]]) -> Iterator[str]:
    """The texts; words that follow each other are one (RFC 2047 section 6.2), also where they cut a character."""
    word, charset, blank = bytearray(), None, ""
    for text, named, raw in pieces:
        if named is None and (not text.strip() and word):
            blank += text
            continue
        if named is None or (charset is not None and named.lower() != charset):
            if word:
                yield decoded(bytes(word), charset)
            word, charset = bytearray(), None
        if named is not None:
            word += raw
            charset, blank = named.lower(), ""
        else:
            yield blank + text
            blank = ""
    yield (decoded(bytes(word), charset) if word else "") + blank


def _together(numbered: Mapping[int, tuple[bool, str]]) -> str:
    """A parameter's value from its pieces, of which each may be percent-encoded; the first one names the charset."""
    raw = b"".join(
        unquote_to_bytes(text) if encoded else text.encode("utf-8") for _, (encoded, text) in sorted(numbered.items())
    )
    first = numbered[min(numbered)]
    if not first[0] or raw.count(b"'") < 2:
        return decoded(raw, None)
    charset, _, rest = raw.split(b"'", 2)
    return decoded(rest, charset.decode("latin-1"))


def _from_base64(body: bytes) -> bytes:
    """What base64 says, whatever else is in between; a last group that is not whole is left out."""
    letters = body.translate(None, _NO_BASE64)
    rest = len(letters) % 4
    letters = letters[:-1] if rest == 1 else letters + b"=" * (-rest % 4)
    return binascii.a2b_base64(letters)


@cache
def _charsets() -> Mapping[str, str]:
    """What a character set may be called, and Python's name for it."""
    names = {each.name: each.name for each in pkgutil.iter_modules(_codecs)} | aliases
    return {name: codec for name, codec in names.items() if codec not in _NO_CHARSETS}


def _codec(charset: str | None) -> str | None:
    if not charset or len(charset) > _LONGEST_NAME:
        return None
    return _charsets().get(normalize_encoding(charset.strip().lower()))
