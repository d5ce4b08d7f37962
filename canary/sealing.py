"""Personal addresses as the evidence tells them: sealed. Only who has the key of the installation opens one.

What is sealed is SHA-256 of ``SALT/TEXT``, and the salt follows from the key and the text. So one text is sealed in one
way, and a change shows; nobody finds a text by trying; and each is opened alone, by telling its salt, with no way to
tell another text of it.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from canary.budgets import SEALING_KEY
from canary.model import CanaryError
from canary.private import NotPrivateError, open_private

FILE = "sealing.key"
"""The file of the key, in the state folder."""

_LENGTH = 32


class SealingKeyError(CanaryError, ValueError):
    """A file that holds no sealing key, or that is not ours alone; what is in it is not repeated."""


class SealingKey:
    """The key by which texts are sealed, and opened again."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"<sealing key {self.id}>"

    @property
    def id(self) -> str:
        """What the key is called in the evidence; tells nothing of it."""
        return self._hmac(b"id")[:16]

    def salt(self, text: str) -> str:
        """What opens a text: whoever has both finds that they are what was sealed."""
        return self._hmac(b"salt\n" + text.encode())[:32]

    def sealed(self, text: str) -> str:
        """SHA-256 of ``SALT/TEXT``, in hexadecimal."""
        return sha256(f"{self.salt(text)}/{text}".encode()).hexdigest()

    def _hmac(self, message: bytes) -> str:
        return hmac.digest(self._key, message, "sha256").hex()


def sealing_key(folder: Path, *, create: bool = True) -> SealingKey:
    """The key of a state folder; with ``create``, it is made with mode 0600 if there is none.

    One that was lost cannot be had again: what it sealed stays closed, and all that is sealed later differs.
    Raises SealingKeyError, and OSError if it can be neither read nor made.
    """
    path = folder / FILE
    if create:
        with suppress(FileExistsError):
            _make(path)
    try:
        with os.fdopen(open_private(path, what="the sealing key"), "rb") as file:
            key = bytes.fromhex(SEALING_KEY.read(file).decode("ascii"))
    except NotPrivateError as error:
        raise SealingKeyError(str(error)) from error
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        raise SealingKeyError(f"{path}: no sealing key, wanted {2 * _LENGTH} hexadecimal digits; put the back-up back")
    return SealingKey(key)


def _make(path: Path) -> None:
    """Whole or not at all, and never over that of a process that was faster. Raises FileExistsError, OSError."""
    if os.path.lexists(path):
        raise FileExistsError(path)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_LENGTH) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    finally:
        fresh.unlink()
