"""Who may ask, by name and password (RFC 7617), checked against bcrypt as exporter-toolkit's files have it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

import bcrypt

from canary.threads import in_thread

_REMEMBERED = 100
_NOBODY = b"$2b$10$" + b"." * 53
"""What the password of an unknown name is checked against, so that the time tells nobody which names there are."""


def basic(header: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header; None if it has none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon else None


class Passwords:
    """Users with bcrypt hashes. One check is made at a time, in a thread: many guesses cost one core and no memory.

    A password that was right is remembered by a keyed hash of it, since a check takes as long as its cost demands and
    Prometheus asks every half minute.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        """``users``: bcrypt hashes by name."""
        self._users = dict(users)
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._one = asyncio.Lock()

    def __bool__(self) -> bool:
        return bool(self._users)

    async def admit(self, header: str) -> bool:
        """Whether an Authorization header has the name of a user and his password."""
        given = basic(header)
        if given is None:
            return False
        name, password = given
        known = hmac.digest(self._key, f"{len(name)}:{name}:{password}".encode(), "sha256")
        if known in self._right:
            return True
        stored = self._users.get(name)
        async with self._one:
            is_right = await in_thread(lambda: _check(password, stored.encode() if stored else _NOBODY))
        if not is_right or stored is None:
            return False
        if len(self._right) >= _REMEMBERED:
            self._right.clear()
        self._right[known] = None
        return True


def _check(password: str, stored: bytes) -> bool:
    try:
        return bcrypt.checkpw(password.encode(), stored)
    except ValueError:  # longer than the 72 bytes that bcrypt takes, or with a NUL
        return False
