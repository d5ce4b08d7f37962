"""Content-addressed files: raw messages, transcripts, screenshots. An event names them by their SHA-256."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from canary.ledger.events import digest


class Artefacts:
    """The files below one folder, spread over 256 subfolders; mode 0600, since they may hold personal data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Where the artefact with this SHA-256 is kept; ``name`` is always a digest that we computed ourselves."""
        return self._folder / name[:2] / name[2:]

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256. A reader sees the whole file or none. Raises OSError."""
        name = digest(content)
        path = str(self.path(name))
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}"  # ours alone: a thread writes one at a time
        try:
            descriptor = self._create(temporary)
        except FileNotFoundError:
            Path(path).parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = self._create(temporary)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, path)  # noqa: PTH105  # three times a probe: no Path objects here
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name

    @staticmethod
    def _create(path: str) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def get(self, name: str) -> bytes | None:
        """The content with this SHA-256, or None if it is not kept (any more), or not as it was."""
        try:
            content = self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        return content if digest(content) == name else None
