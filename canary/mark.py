"""The mark: an unguessable token that ties whatever is seen later to its probe.

A mark is 25 bytes, written as 40 characters of lower-case base32 (RFC 4648 section 6, which needs no padding at this
length): 10 random bytes of probe id, 5 bytes of time, 10 bytes of HMAC-SHA-256 over both. The time is masked with the
key, so that no part of a mark is constant: a filter has nothing to learn from one. A mark grants nothing to whoever
holds it; it only lets us recognise our own.

Marks survive changed case, quoting, hard wrapping, MIME re-encoding and HTML conversion, see :func:`Keyring.find`.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import Header, decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import collapse_rfc2231_value
from hashlib import sha256
from random import Random, SystemRandom

from canary.references import resolved

_UNGUESSABLE = SystemRandom()
_ID, _TIME, _MAC = 10, 5, 10
LENGTH = 40
"""Characters in the text form of a mark."""

_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z2-7]{40}(?![A-Za-z0-9])")
_WRAP = re.compile(r"[\r\n][\s>|:]*")
_LINE_END = " \t\u00a0="  # blanks, and the quoted-printable soft break
_FRAGMENT = re.compile(r"[A-Za-z2-7]+$")
_FRAGMENT_START = re.compile(r"[A-Za-z2-7]+")
_BREAK = re.compile(r"</?(?:blockquote|br|div|h[1-6]|hr|li|ol|p|pre|table|td|th|tr|ul)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")

# Whoever can write to a mailbox chooses what is read here, so every step is linear, or bounded by one of these.
_PIECES = 6  # lines that a token may be spread over: wrapped at 20 columns and quoted it takes four
_HEADER = 4096  # characters of a header that are decoded; beyond, it is only searched as it stands
_MULTIPARTS = 50  # in a message, nested or not; one with more is only searched as it stands


@dataclass(frozen=True, slots=True)
class Mark:
    """A token of the right shape that was read somewhere.

    ``genuine`` says whether its MAC verifies under one of our keys; for one that is not, ``probe`` is only a claim and
    ``made_at`` has no meaning.
    """

    text: str
    probe: str
    made_at: datetime
    genuine: bool


def new_probe_id(rng: Random = _UNGUESSABLE) -> str:
    """A fresh probe id: 16 characters of base32, 80 random bits. Only a simulation gives another chance."""
    return _encode(rng.randbytes(_ID))


def halves(mark: str) -> tuple[str, str]:
    """The two halves of a mark; a hard line wrap leaves at least one of them whole for a server's search to find."""
    return mark[: LENGTH // 2], mark[LENGTH // 2 :]


class Keyring:
    """The keys under which marks are made (the first one) and recognised (all of them); see :mod:`canary.keyring`."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys or any(len(key) < 32 for key in keys):
            raise ValueError("a keyring needs at least one key, and every key at least 32 bytes")
        self._keys = list(keys)

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)} keys>"

    @property
    def ids(self) -> tuple[str, ...]:
        """What each key is called where everybody may read it, in order. Tells nothing of the key itself."""
        return tuple(hmac.digest(key, b"id\0", "sha256")[:8].hex() for key in self._keys)

    def make(self, probe: str, at: datetime) -> str:
        """The mark of a probe: ``probe`` is an id of :func:`new_probe_id`, ``at`` an aware time of second precision."""
        key, ident = self._keys[0], _decode(probe)
        masked = _mask(key, ident, int(at.timestamp()).to_bytes(_TIME, "big"))
        return _encode(ident + masked + _mac(key, ident + masked))

    def read(self, text: str) -> Mark:
        """Read one token of :data:`LENGTH` characters. Raises ValueError if it is no base32 of that length."""
        if not _RUN.fullmatch(text):
            raise ValueError(f"wanted {LENGTH} characters of base32, got {len(text)} characters")
        text = text.lower()
        raw = _decode(text)
        ident, masked, mac = raw[:_ID], raw[_ID : _ID + _TIME], raw[_ID + _TIME :]
        probe = _encode(ident)
        for key in self._keys:
            if hmac.compare_digest(mac, _mac(key, ident + masked)):
                seconds = int.from_bytes(_mask(key, ident, masked), "big")
                return Mark(text, probe, datetime.fromtimestamp(seconds, UTC), genuine=True)
        return Mark(text, probe, datetime.fromtimestamp(0, UTC), genuine=False)

    def find(self, text: str) -> list[Mark]:
        """Every token of the right shape in ``text``, genuine ones first, each once.

        Looks at the text as it is, across hard line wraps (with quote prefixes and quoted-printable soft breaks), and
        with HTML tags and invisible characters taken out.
        """
        found: dict[str, Mark] = {}
        for candidate in _candidates(text):
            if candidate.lower() not in found:
                mark = self.read(candidate)
                found[mark.text] = mark
        return sorted(found.values(), key=lambda mark: not mark.genuine)

    def find_in_message(self, raw: bytes) -> list[Mark]:
        """Every token in a message, whichever part or header holds it, genuine ones first, each once.

        Decodes transfer encodings and character sets, and reads attachment names and enclosed messages; falls back to
        the bytes as they are, so a message that does not parse is still read.
        """
        found: dict[str, Mark] = {}
        for text in _texts(raw):
            for mark in self.find(text):
                found.setdefault(mark.text, mark)
        return sorted(found.values(), key=lambda mark: not mark.genuine)


def _candidates(text: str) -> Iterator[str]:
    yield from _RUN.findall(text)
    yield from _joined(text)
    if "<" in text or "&" in text or _INVISIBLE.search(text):
        bare = _INVISIBLE.sub("", resolved(_TAG.sub("", _BREAK.sub("\n", text))))
        yield from _RUN.findall(bare)
        yield from _joined(bare)


def _joined(text: str) -> Iterator[str]:
    """Tokens cut by line wraps: the end of one line with the start of the next ones, where that makes 40 characters."""
    lines = [line.rstrip(_LINE_END) for line in _WRAP.split(text)]
    for first, line in enumerate(lines[:-1]):
        tail = _FRAGMENT.search(line[-LENGTH:])
        if not tail or len(tail[0]) == LENGTH:
            continue
        token = tail[0]
        for following in lines[first + 1 : first + _PIECES]:
            head = _FRAGMENT_START.match(following, 0, LENGTH)
            if not head:
                break
            token += head[0]
            if len(token) >= LENGTH or head.end() < len(following):
                break
        if len(token) == LENGTH:
            yield token


class _Bounded(Compat32):
    """The lenient way to read messages, with the length of a header bounded."""

    def header_fetch_parse(self, name: str, value: str) -> str | Header:  # type: ignore[override]  # as Compat32 does
        return super().header_fetch_parse(name, value[:_HEADER])


def _texts(raw: bytes) -> Iterator[str]:
    yield raw.decode("latin-1")
    if raw.lower().count(b"boundary") > _MULTIPARTS:
        return
    try:
        parts = list(message_from_bytes(raw, policy=_Bounded()).walk())
    except Exception:  # a hostile message may break the parser in any way; its bytes were already read above
        return
    for part in parts:
        for read in (_headers, _file_names, _body):
            try:
                yield from read(part)
            except Exception:  # noqa: S112  # likewise, and the other parts are read all the same
                continue


def _headers(part: Message) -> Iterator[str]:
    for value in part.values():
        try:
            chunks = decode_header(value)
        except HeaderParseError:
            continue  # as it stands it was already searched
        yield "".join(chunk if isinstance(chunk, str) else _decoded(chunk, charset) for chunk, charset in chunks)


def _file_names(part: Message) -> Iterator[str]:
    """The names of an attachment, put together where RFC 2231 section 3 has split them."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        name = part.get_param(parameter, header=header)
        if name:
            yield collapse_rfc2231_value(name)


def _body(part: Message) -> Iterator[str]:
    content = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
    if isinstance(content, bytes):
        yield _decoded(content, part.get_content_charset())


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "latin-1", "replace")
    except (LookupError, ValueError):  # no such character set, or none of text
        return content.decode("latin-1")


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").lower()


def _decode(text: str) -> bytes:
    return base64.b32decode(text.upper())


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, b"mark\0" + data, "sha256")[:_MAC]


def _mask(key: bytes, ident: bytes, data: bytes) -> bytes:
    stream = hmac.digest(key, b"time\0" + ident, sha256().name)
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))
