"""The file of the mark keys: one key a line, newest first, as hexadecimal.

Rotation puts a new line on top; old marks stay verifiable until their line is removed.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from canary.mark import Keyring
from canary.model import Component, OwnFaultError


def open_keyring(path: Path) -> Keyring:
    """Read the key file, or create it with one new key and mode 0600 on first run.

    Raises ValueError for a file that others can read, or that holds no key; OSError if it can be neither read nor made.
    """
    if not path.exists():
        fresh = _write_aside(path, _new_line())
        try:
            os.link(fresh, path)  # whole or not at all, and never over the key of a process that was faster
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return _read(path)


def keys_of(state: Path) -> Keyring:
    """The keys in a state folder, made on first use. Raises OwnFaultError (component config) if they cannot be used."""
    try:
        return open_keyring(state / "mark.key")
    except (OSError, ValueError) as error:
        raise OwnFaultError(Component.CONFIG, "mark_key", str(error)) from error


def rotate(path: Path) -> None:
    """Put a new key on top of the key file, atomically; marks made under the old ones stay verifiable."""
    _write_aside(path, _new_line() + path.read_text(encoding="ascii")).replace(path)


def _read(path: Path) -> Keyring:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ValueError(f"{path}: mode {mode:04o} lets others read the mark key; wanted 0600 (chmod 600 {path})")
    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
        return Keyring([bytes.fromhex(line) for line in lines if line and not line.startswith("#")])
    except ValueError as error:
        wanted = "one or more lines of at least 64 hexadecimal digits"
        raise ValueError(f"{path}: not a mark key file, wanted {wanted}") from error


def _new_line() -> str:
    return secrets.token_hex(32) + "\n"


def _write_aside(path: Path, content: str) -> Path:
    """A file beside ``path`` that only its owner can read, with ``content`` on disk."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
