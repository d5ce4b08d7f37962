"""Which character set a form's page is in, and what is sent back in it, as browsers have it (WHATWG Encoding, HTML)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_plus

_KNOWN = re.compile(
    r"utf-?8|utf-16(be|le)|us-ascii|latin-?[1-9]|iso-?8859-\d+|(windows-|cp)\d+|koi8-[ru]|gbk|gb2312|gb18030|big5|"
    r"euc-(jp|kr)|iso-2022-jp|shift[_-]jis",
    re.IGNORECASE | re.ASCII,
)
"""Those of the web, of which every length is read in linear time; Python knows stranger ones (punycode)."""
_TOLD = re.compile(rb"""<meta[^>]{0,500}?charset\s{0,20}=\s{0,20}["']?([\w-]{1,40})""", re.IGNORECASE)
_LOOKED_AT = 1024
_STANDS_FOR = {"us-ascii": "windows-1252", "iso-8859-1": "windows-1252", "latin-1": "windows-1252",
               "latin1": "windows-1252", "gb2312": "gb18030", "gbk": "gb18030"}  # fmt: skip
"""What a browser takes such a name for (WHATWG Encoding, section 4.2)."""


def charset_of(content: bytes, told: str) -> str:
    """The character set of a page: what its mark of byte order says, else what its server ``told``, else what stands
    in its first 1024 bytes (HTML, section 13.2.3); UTF-8 where none says one that is known."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    found = _TOLD.search(content[:_LOOKED_AT])
    return next(filter(None, map(known, (told, found[1].decode("ascii", "replace") if found else ""))), "utf-8")


def known(name: str) -> str | None:
    """The character set that a browser takes ``name`` for, or None for one that it does not know."""
    name = _STANDS_FOR.get(name.lower().strip(), name.lower().strip())
    if not _KNOWN.fullmatch(name):
        return None
    try:
        "".encode(name)
    except LookupError:  # windows-99999
        return None
    return name


def sent_in(charset: str) -> str:
    """What a form of a page in ``charset`` is sent in (WHATWG Encoding, section 4.3)."""
    return "utf-8" if charset.startswith("utf") else charset


def encoded(text: str, charset: str) -> bytes:
    """``text``, with what the character set does not have as ``&#8364;`` (HTML, section 4.10.21.4)."""
    return text.encode(charset, "xmlcharrefreplace")


def urlencoded(pairs: Iterable[tuple[str, str]], charset: str) -> bytes:
    """A form's body as application/x-www-form-urlencoded: ASCII, with the pairs in their order."""
    told = ("=".join(quote_plus(encoded(part, charset), safe="*") for part in pair) for pair in pairs)
    return "&".join(told).encode("ascii")
