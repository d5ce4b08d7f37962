"""Takes what we said in confidence out of what others say: a server may repeat what it was sent. Pure."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import quote, quote_plus

HIDDEN = "<secret>"
_RUN = 4
"""Characters in a row of something secret that are no chance."""
_IN_BASE64 = 6
"""Characters of a secret's Base64, wherever it stands in what was encoded, that are no chance."""
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")


class Echo:
    """Knows secrets, and how they may be written; ``said`` is what was sent to prove that we know them, as it was sent.
    ``run`` are the characters in a row that are no chance: more of a long secret of few kinds of characters.

    A secret is recognised plainly, quoted (RFC 3501 section 4.3), percent-encoded, in hexadecimal digits, escaped for
    HTML or as Python shows bytes, and in Base64 together with whatever else: SASL PLAIN, LOGIN and XOAUTH2 among them.
    """

    def __init__(self, *secrets: str, said: tuple[str, ...] = (), run: int = _RUN) -> None:
        self._secrets, self._said = tuple(filter(None, secrets)), tuple(filter(None, said))
        self._run = run

    def __repr__(self) -> str:
        return f"<Echo of {len(self._secrets) + len(self._said)} secrets>"

    def also(self, *said: str) -> Echo:
        """The same, that knows what else was said."""
        return Echo(*self._secrets, said=(*self._said, *said), run=self._run)

    def removed(self, text: str) -> str:
        """``text`` with :data:`HIDDEN` for each secret in it."""
        if not self._forms:
            return text
        text = self._pattern.sub(HIDDEN, text)
        return _TOKEN.sub(lambda token: HIDDEN if self._in_base64(token[0]) else token[0], text)

    def suspected(self, text: str) -> bool:
        """Whether so much as a few characters in a row are those of a secret, in whatever form or case.

        Of what is known to be about a secret, nothing is to be shown then.
        """
        text = text.lower()
        run = self._run
        return any(text[start : start + run] in self._runs for start in range(len(text) - run + 1)) or any(
            form in text for form in self._runs if len(form) < run
        )

    def _in_base64(self, token: str) -> bool:
        plain = token.replace("-", "+").replace("_", "/")
        return any(piece in plain for piece in self._pieces)

    @cached_property
    def _forms(self) -> tuple[str, ...]:
        forms = {form for secret in self._secrets for form in _written(secret)} | set(self._said)
        return tuple(sorted(forms, key=len, reverse=True))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._forms)), re.IGNORECASE)

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(piece for secret in self._secrets for piece in _base64(secret))

    @cached_property
    def _runs(self) -> frozenset[str]:
        run, lower = self._run, [form.lower() for form in (*self._forms, *self._pieces)]
        whole = {form for form in lower if len(form) < run}
        return frozenset(whole | {form[at : at + run] for form in lower for at in range(len(form) - run + 1)})


def _written(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
    yield b64encode(raw).decode()
    yield raw.hex()
    yield quote(raw, safe="")
    yield quote_plus(raw)
    yield html.escape(secret)
    for form in (secret, quoted):
        yield form
        as_bytes = form.encode("utf-8", "surrogateescape")
        yield as_bytes.decode("latin-1")
        shown = repr(as_bytes + b"'\"")[2:-5]  # both quotes in it: then each "'" is escaped, and no '"'
        yield shown
        yield shown.replace("\\'", "'")


def _base64(secret: str) -> Iterator[str]:
    """What is the same in the Base64 of whatever has the secret in it, for each step that it may begin at."""
    raw = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        encoded = b64encode(bytes(before) + raw).decode().rstrip("=")
        end = (before + len(raw)) * 8 // 6  # the character after it depends on what follows
        piece = encoded[-(-before * 8 // 6) : end]
        if len(piece) >= _IN_BASE64:
            yield piece
