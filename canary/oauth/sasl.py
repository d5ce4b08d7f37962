"""How a token is shown to a mail server, and how that says what is wrong with it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A mechanism of SASL that takes tokens. ``answer`` is said to the server's account of what is wrong: it refuses
    only then.
    """

    name: str
    response: Callable[[str, str], str]
    answer: str


def _oauthbearer(username: str, token: str) -> str:
    """RFC 7628 section 3.1; the name is quoted as RFC 5801 section 4 asks."""
    name = username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\x01auth=Bearer {token}\x01\x01"


def _xoauth2(username: str, token: str) -> str:
    """As Google and Microsoft describe it."""
    return f"user={username}\x01auth=Bearer {token}\x01\x01"


MECHANISMS = (Mechanism("OAUTHBEARER", _oauthbearer, "\x01"), Mechanism("XOAUTH2", _xoauth2, ""))
"""Those that we can, the standard one first."""


def problem(challenge: bytes) -> str:
    """What a server says is wrong with a token (RFC 7628 section 3.2.2), as status and scope; its words where that is
    no JSON.
    """
    text = challenge[:4096].decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        known = [f"{key} {said[key]}" for key in ("status", "error", "scope", "schemes") if said.get(key)]
        text = ", ".join(known) or "an error without a status"
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_SHOWN]
