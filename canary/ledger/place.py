"""The folder of a ledger, which is for its owner alone: the ledger holds the marks, and the keys are beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from canary.ledger.version import FILE
from canary.private import make_folder, open_private, refuse_others

_FILES = (f"{FILE}*", "mark.key.*", "sealing.key.*", "retention.lock", "mta-sts.*")
_FOLDERS = ("artefacts", "evidence")


def made_private(folder: Path) -> Path:
    """Make the folder and the file of a ledger, whatever the umask, and return the file.

    Raises NotPrivateError if anything of it is somebody else's, a link or no file, or if others can get at it, with the
    commands that mend it; and OSError. The folder itself may be reached by a link, as systemd has it.
    """
    make_folder(folder)
    found = {folder: folder.stat()}
    for path in _ours(folder):
        with suppress(FileNotFoundError):  # another process has just taken it away
            found[path] = path.lstat()
    refuse_others(found)
    os.close(open_private(folder / FILE, os.O_RDWR | os.O_CREAT))
    return folder / FILE


def _ours(folder: Path) -> Iterator[Path]:
    """What is ours in there, but for the keys and the lock of a run, of which whoever opens them says more.

    What lies deeper lies in folders that nobody else can enter.
    """
    for path in sorted(folder.iterdir()):
        if path.name in _FOLDERS:
            yield path
            inside = path.iterdir() if path.is_dir() and not path.is_symlink() else ()
            yield from sorted(below for below in inside if below.name != "key")
        elif any(path.match(pattern) for pattern in _FILES):
            yield path
