"""A folder in which servers can live: their users can reach it, and its sockets' paths are short enough."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 50  # a UNIX socket's path has at most 107 bytes, and Postfix and Dovecot append up to 50


def _reachable(folder: Path) -> bool:
    everyone = stat.S_IXOTH
    return all(step.stat().st_mode & everyone for step in (folder, *folder.parents))


@contextmanager
def server_folder(wanted: Path) -> Iterator[Path]:
    """``wanted`` if any user can reach it by a short path, else a temporary folder that can be; removed on leaving.

    pytest's own temporary folders are closed to other users (mode 0700), and Dovecot and Postfix run as other users.
    """
    wanted.mkdir(parents=True, exist_ok=True)
    if len(str(wanted.resolve())) <= LONGEST and _reachable(wanted.resolve()):
        yield wanted.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="ca-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
