"""Content-addressed files: raw messages, transcripts, screenshots. An event names them by their SHA-256."""

from __future__ import annotations

import math
import os
import threading
from contextlib import suppress
from pathlib import Path

from canary.clock import Clock
from canary.ledger.events import digest
from canary.model import Component, OwnFaultError
from canary.private import read_file


class Artefacts:
    """The files below one folder, made with the first, spread over 256 subfolders; mode 0600: they may hold personal
    data. Their times are by our clock, not by the file system's."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder, self._root = folder, str(folder)
        self._clock = clock or Clock()

    def path(self, name: str) -> Path:
        """Where the artefact with this SHA-256 is kept; ``name`` is always a digest that we computed ourselves."""
        return self._folder / name[:2] / name[2:]

    def _where(self, name: str) -> str:
        """The same without Path objects, which cost more than the rest of what is done several times a probe."""
        return f"{self._root}/{name[:2]}/{name[2:]}"

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256; no file that is whole is ever opened for writing. Raises OSError.

        It is written in place, three times a probe. What a kill or a full disk left of one is named by no event, is
        nothing to :meth:`get`, and is replaced when the same content comes again.
        """
        name = digest(content)
        path = self._where(name)
        try:
            self._write(path, content)
        except FileNotFoundError:
            for folder in (self._folder, Path(path).parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            return self.put(content)
        except FileExistsError:
            if self.get(name) is None:
                self._replace(path, content)
        return name

    def _replace(self, path: str, content: bytes) -> None:
        """Others may see the old file, or the new one, which may be put by several at the same time."""
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}"  # ours alone: a thread writes one at a time
        with suppress(FileNotFoundError):  # of a process that was killed, and had our number
            Path(temporary).unlink()
        try:
            self._write(temporary, content)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _write(self, path: str, content: bytes) -> None:
        """Make a new file. If that fails it stays, empty: another with the same content may just be replacing it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            now = self._clock.now().timestamp()
            os.utime(descriptor, (now, now))
        except BaseException:
            os.ftruncate(descriptor, 0)
            raise
        finally:
            os.close(descriptor)

    def get(self, name: str) -> bytes | None:
        """The content with this SHA-256, or None if it is not kept (any more), or not as it was.

        Raises OwnFaultError (component store) if the file cannot be read.
        """
        try:
            content = read_file(self._where(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            detail = f"cannot read the artefact {self.path(name)}: {error.strerror}"
            raise OwnFaultError(Component.STORE, "unreadable", detail) from error
        return content if digest(content) == name else None

    def age(self, name: str) -> float:
        """Seconds since the artefact with this SHA-256 was written; infinite if it is not kept (any more)."""
        try:
            return self._clock.now().timestamp() - self.path(name).stat().st_mtime
        except FileNotFoundError:
            return math.inf
