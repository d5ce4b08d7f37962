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
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from random import Random, SystemRandom

from canary.budgets import MARKED_LINES, MARKS, MESSAGE, BudgetError
from canary.mail.reading import Part, read_mail, with_enclosed
from canary.mail.words import plain, unfolded
from canary.model import MARK_LENGTH
from canary.references import resolved

_UNGUESSABLE = SystemRandom()
_ID, _TIME, _MAC = 10, 5, 10
_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z2-7]{40}(?![A-Za-z0-9])")
_WRAP = re.compile(r"[\r\n][\s>|:]*")
_LINE_END = " \t\u00a0="  # blanks, and the quoted-printable soft break
_FRAGMENT = re.compile(r"[A-Za-z2-7]+$")
_FRAGMENT_START = re.compile(r"[A-Za-z2-7]+")
_BREAK = re.compile(r"</?(?:blockquote|br|div|h[1-6]|hr|li|ol|p|pre|table|td|th|tr|ul)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_PIECES = 6  # lines that a token may be spread over: wrapped at 20 columns and quoted it takes four

_AT_ONCE, _OVERLAP = 1 << 18, 1 << 13  # characters that are searched together, and of these again with the next ones
_MOST_FALSE = 1000  # false tokens that are told, of any number


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
    return mark[: MARK_LENGTH // 2], mark[MARK_LENGTH // 2 :]


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
        """Read one token of :data:`MARK_LENGTH` characters. Raises ValueError if it is no base32 of that length."""
        if not _RUN.fullmatch(text):
            raise ValueError(f"wanted {MARK_LENGTH} characters of base32, got {len(text)} characters")
        text = text.lower()
        raw = _decode(text)
        ident, masked, mac = raw[:_ID], raw[_ID : _ID + _TIME], raw[_ID + _TIME :]
        probe = _encode(ident)
        for key in self._keys:
            if hmac.compare_digest(mac, _mac(key, ident + masked)):
                seconds = int.from_bytes(_mask(key, ident, masked), "big")
                return Mark(text, probe, datetime.fromtimestamp(seconds, UTC), genuine=True)
        return Mark(text, probe, datetime.fromtimestamp(0, UTC), genuine=False)

    def names(self, text: str) -> bool:
        """Whether a genuine mark stands in an id of ours, plainly and in one piece."""
        return any(self.read(token).genuine for token in _runs(text))

    def find(self, text: str) -> list[Mark]:
        """Every token of the right shape in ``text``, genuine ones first, each once; of false ones the first thousand.

        Looks at the text as it is, across hard line wraps (with quote prefixes and quoted-printable soft breaks), and
        with HTML tags and invisible characters taken out. Raises BudgetError if there is more of it than is looked at,
        and no genuine mark in what was.
        """
        search = _Search(self)
        search.add(text)
        return search.result()

    def find_in_message(self, raw: bytes) -> list[Mark]:
        """What :meth:`find` returns, of a message, whichever part or header of it holds a token.

        Decodes transfer encodings and character sets, and reads attachment names and enclosed messages; the bytes as
        they are too, so a message that does not parse is still read. Raises BudgetError as :meth:`find` does.
        """
        search = _Search(self)
        mail = read_mail(raw)
        for part in with_enclosed(mail):
            for text in _texts(part):
                search.add(text)
        search.add(raw[: MESSAGE.received].decode("latin-1"))
        return search.result(mail.cut)


class _Search:
    """The search for marks in several texts, which costs no more than its budgets.

    Whoever can write to a mailbox chooses what is read here, so every step is linear.
    """

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._read_already: set[str] = set()
        self._genuine: list[Mark] = []
        self._false: list[Mark] = []
        self._lines = 0
        self._cut: BudgetError | None = None

    def add(self, text: str) -> None:
        """Search one more text, as far as the budgets go: :meth:`result` tells where they ended."""
        try:
            for piece in _overlapping(text):
                for candidate in self._candidates(piece):
                    self._read(candidate.lower())
        except BudgetError as error:
            self._cut = error.with_traceback(None)  # which would keep the text, and be kept by it

    def result(self, cut: BudgetError | None = None) -> list[Mark]:
        """What was found. Raises BudgetError if that is no genuine mark, and not all was read (``cut`` by others)."""
        cut = self._cut or cut
        if cut and not self._genuine:
            raise BudgetError(str(cut))  # another one, for the same reason
        return self._genuine + self._false

    def _read(self, token: str) -> None:
        if token in self._read_already:
            return
        MARKS.hold(number=len(self._read_already) + 1)
        self._read_already.add(token)
        mark = self._keys.read(token)
        if mark.genuine:
            self._genuine.append(mark)
        elif len(self._false) < _MOST_FALSE:
            self._false.append(mark)

    def _candidates(self, text: str) -> Iterator[str]:
        yield from _runs(text)
        if "<" in text or "&" in text or _INVISIBLE.search(text):
            bare = _INVISIBLE.sub("", resolved(_TAG.sub("", _BREAK.sub("\n", text))))
            yield from _runs(bare)
            yield from self._joined(bare)
        yield from self._joined(text)

    def _joined(self, text: str) -> Iterator[str]:
        """Tokens cut by line wraps: a line's end with the starts of the next ones, where that makes 40 characters."""
        lines: deque[str] = deque(maxlen=_PIECES)
        for line in _lines(text):
            self._lines += 1
            MARKED_LINES.hold(number=self._lines)
            lines.append(line)
            if len(lines) == _PIECES:
                yield from _first_joined(lines)
        while len(lines) > 1:
            if len(lines) < _PIECES:
                yield from _first_joined(lines)
            lines.popleft()


def _overlapping(text: str) -> Iterator[str]:
    """A text in pieces, since to take the tags out of one needs many times its memory; any mark is whole in one."""
    for start in range(0, max(len(text) - _OVERLAP, 1), _AT_ONCE):
        yield text[start : start + _AT_ONCE + _OVERLAP]


def _runs(text: str) -> Iterator[str]:
    return (match[0] for match in _RUN.finditer(text))


def _lines(text: str) -> Iterator[str]:
    """The lines of a text without their ends, and without the quote signs and blank lines before each."""
    start = 0
    for wrap in _WRAP.finditer(text):
        yield text[start : wrap.start()].rstrip(_LINE_END)
        start = wrap.end()
    yield text[start:].rstrip(_LINE_END)


def _first_joined(lines: Sequence[str]) -> Iterator[str]:
    """The token that begins at the end of the first of these lines, if one does."""
    tail = _FRAGMENT.search(lines[0][-MARK_LENGTH:])
    if not tail or len(tail[0]) == MARK_LENGTH:
        return
    token = tail[0]
    for following in islice(lines, 1, None):
        head = _FRAGMENT_START.match(following, 0, MARK_LENGTH)
        if not head:
            break
        token += head[0]
        if len(token) >= MARK_LENGTH or head.end() < len(following):
            break
    if len(token) == MARK_LENGTH:
        yield token


def _texts(part: Part) -> Iterator[str]:
    """The fields of a part whose words are encoded, an attachment's name, and the text."""
    yield "\n".join(plain(unfolded(value)) for _, value in part.fields if b"=?" in value)
    yield part.name
    if part.is_text:
        yield part.text()


def _encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").lower()


def _decode(text: str) -> bytes:
    return base64.b32decode(text.upper())


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, b"mark\0" + data, "sha256")[:_MAC]


def _mask(key: bytes, ident: bytes, data: bytes) -> bytes:
    stream = hmac.digest(key, b"time\0" + ident, sha256().name)
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))
