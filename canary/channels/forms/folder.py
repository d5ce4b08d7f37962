"""The folder in which a browser keeps what it needs while it runs, profile and shared memory: ours, and emptied."""

from __future__ import annotations

import fcntl
import os
import shutil
import weakref
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

_PREFIX = "canary-browser-"
_LONGEST = 38
"""Characters of a path in which Chromium's own folder has a socket yet, whose address has 107 (unix(7))."""


class BrowserFolder:
    """A folder for one browser, 0700, held by a lock for as long as it is used: what is left of one whose process was
    killed has none, and goes when the next is made."""

    def __init__(self, base: Path | None = None) -> None:
        """In ``base``, else in the cache folder that systemd gave us, else where temporary files go. Raises OSError."""
        if base is None:
            given = os.environ.get("CACHE_DIRECTORY", "").partition(os.pathsep)[0]
            places = (given, gettempdir(), "/tmp")  # noqa: S108  # our folder in it has a name that nobody can guess
            base = Path(next(place for place in places if 0 < len(place) <= _LONGEST))
        _clear(base)
        while True:
            self.path = Path(mkdtemp(prefix=_PREFIX, dir=base))
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if self.path.exists():  # else somebody who cleared up was faster than our lock
                self._end = weakref.finalize(self, _remove, self.path, self._lock)  # at the latest as the process ends
                return
            os.close(self._lock)

    def remove(self) -> None:
        """Remove it with all that is in it. May be called more than once."""
        self._end()


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)


def _clear(base: Path) -> None:
    """Remove the folders of ours that nobody holds any more."""
    for left in base.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is held, or not ours, or gone meanwhile
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
