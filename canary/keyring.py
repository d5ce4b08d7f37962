"""The file of the mark keys: one key a line, newest first, as hexadecimal; a line that begins with ``#`` is a note.

Rotation puts a new line on top; old marks stay verifiable until their line is removed. A key that was lost for good is
named in a note, by its id, with why it is no longer there.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from canary.budgets import MARK_KEYS
from canary.mark import Keyring, Mark
from canary.model import CanaryError
from canary.private import NotPrivateError, open_private
from canary.wording import shown

_LOST = re.compile(r"# lost ([0-9a-f]{16}): (.+)")
_LONGEST_REASON = 500


class KeyFileError(CanaryError, ValueError):
    """A file that holds no mark keys, or that is not ours alone; what is in it is not repeated."""


class SpoiltKeysError(KeyFileError):
    """A file that is ours alone and holds something else than mark keys."""


class FileKeyring(Keyring):
    """The keys of a file. One that ``grows`` recognises by what is put into it later, too: others make marks by that.

    Marks are made under the key that was the newest one at first.
    """

    def __init__(self, path: Path, *, grows: bool = False) -> None:
        """Raises KeyFileError, and OSError if the file cannot be read."""
        self._path, self._grows, self._seen = path, grows, _stamp(path)
        content = _read(path)
        super().__init__(content.keys)
        self.lost: Mapping[str, str] = content.lost
        """By its id: what is said of each key that was lost."""

    def read(self, text: str) -> Mark:
        """As :meth:`canary.mark.Keyring.read`; what does not verify is looked at again if the file has changed."""
        mark = super().read(text)
        return super().read(text) if self._grows and not mark.genuine and self._has_more() else mark

    def _has_more(self) -> bool:
        """Whether the file has keys that we have not seen; one that is gone or spoilt takes none away."""
        seen = _stamp(self._path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            fresh = [key for key in _read(self._path).keys if key not in self._keys]
        except (OSError, KeyFileError):
            return False
        self._keys = [*self._keys, *fresh]
        return bool(fresh)


def open_keyring(path: Path, *, create: bool = True, grows: bool = False) -> FileKeyring:
    """Read the key file; with ``create``, make it with one new key and mode 0600 if it is not there.

    Raises KeyFileError for a file that others can read, or that holds no key; OSError if it can be neither read nor
    made.
    """
    if create and not os.path.lexists(path):
        fresh = _write_aside(path, _new_line())
        try:
            os.link(fresh, path)  # whole or not at all, and never over the key of a process that was faster
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return FileKeyring(path, grows=grows)


def rotate(path: Path) -> None:
    """Put a new key on top of the key file, atomically; marks made under the old ones stay verifiable.

    Raises as :func:`open_keyring` does.
    """
    _write_aside(path, _new_line() + _text(path)).replace(path)


def begin_anew(path: Path, lost: str, why: str) -> None:
    """Make a key in the place of the key with the id ``lost``. Raises OSError.

    A file that is there is kept beside, as ``.old-1`` and so on: it may be the right one of another folder.
    """
    note = f"# lost {lost}: {shown(why, _LONGEST_REASON) or 'no reason given'}\n"
    fresh = _write_aside(path, note + _new_line())
    if os.path.lexists(path):
        beside = (path.with_name(f"{path.name}.old-{number}") for number in count(1))
        path.replace(next(other for other in beside if not os.path.lexists(other)))
    fresh.replace(path)


@dataclass(frozen=True, slots=True)
class _Content:
    keys: list[bytes]
    lost: Mapping[str, str]


def _read(path: Path) -> _Content:
    lines = [line.strip() for line in _text(path).splitlines()]
    try:
        keys = [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]
        Keyring(keys)
    except ValueError:
        raise _spoilt(path) from None
    return _Content(keys, {match[1]: match[2] for match in map(_LOST.fullmatch, lines) if match})


def _text(path: Path) -> str:
    try:
        with os.fdopen(open_private(path, what="the mark key"), "rb") as file:
            return MARK_KEYS.read(file).decode("utf-8")
    except NotPrivateError as error:
        raise KeyFileError(str(error)) from error
    except ValueError:
        raise _spoilt(path) from None


def _spoilt(path: Path) -> SpoiltKeysError:
    return SpoiltKeysError(f"{path}: not a mark key file, wanted one or more lines of at least 64 hexadecimal digits")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _new_line() -> str:
    return secrets.token_hex(32) + "\n"


def _write_aside(path: Path, content: str) -> Path:
    """A file beside ``path`` that only its owner can read, with ``content`` on disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
