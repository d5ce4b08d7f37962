"""Files for their owner alone: opened without following a link or waiting, and refused where others can get at them.

A symbolic link, a FIFO, a device or a folder where a file of ours should be was put there by somebody else.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from shlex import join
from stat import S_IMODE, S_ISDIR, S_ISREG

from canary.model import CanaryError

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_OTHERS = 0o077
_LISTED = 3
"""Paths that are named one by one."""
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotPrivateError(CanaryError, OSError):
    """A file or folder that is not for its owner alone, or is none; the text says what to do about it."""

    def __init__(self, detail: str) -> None:
        super().__init__(errno.EPERM, detail)

    def __str__(self) -> str:
        return str(self.strerror)


def kind(mode: int) -> str:
    """What stands there, by its ``st_mode``: ``a FIFO``, say."""
    return _KINDS.get(stat.S_IFMT(mode), "a file")


def open_file(path: Path | str, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """A descriptor of a regular file, made with mode 0600 if ``flags`` say so.

    No link is followed unless told, no FIFO waited for, and nothing cut off before it is known what it is. Raises
    NotPrivateError for anything but a regular file, and OSError.
    """
    cut, no_link = flags & os.O_TRUNC, 0 if follow else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags & ~os.O_TRUNC | no_link | os.O_NONBLOCK, FILE_MODE)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
        raise _no_file(path, os.lstat(path).st_mode) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not S_ISREG(mode):
            raise _no_file(path, mode)
        if cut:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_private(path: Path | str, flags: int = os.O_RDONLY, what: str = "it") -> int:
    """As :func:`open_file`, of a file that is ours, and which nobody else can read.

    Raises NotPrivateError, with ``what`` it is, and OSError.
    """
    descriptor = open_file(path, flags & ~os.O_TRUNC)
    try:
        refuse_others({Path(path): os.fstat(descriptor)}, what)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_file(path: Path | str) -> bytes:
    """What is in a regular file; no link is followed, no FIFO waited for. Raises NotPrivateError, OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        return file.read()


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it is in, each for its owner alone. One that is there is left as it is.

    Raises OSError.
    """
    try:
        folder.mkdir(FOLDER_MODE)
    except FileNotFoundError:
        make_folder(folder.parent)
        make_folder(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise


def refuse_others(found: Mapping[Path, os.stat_result], what: str = "it") -> None:
    """Raise NotPrivateError if anybody but us owns one of these or can get at it; with the command that mends it.

    A link, and whatever else is neither file nor folder, is refused too.
    """
    us = os.geteuid()
    for path, status in found.items():
        if not (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):
            raise _no_file(path, status.st_mode)
    for path, status in found.items():
        if status.st_uid != us:
            raise NotPrivateError(
                f"{path} is of user {status.st_uid}, and we are user {us}: run this as its owner, or have it chowned"
            )
    wide = {path: status.st_mode for path, status in found.items() if status.st_mode & _OTHERS}
    if wide:
        modes = [f"{path}: mode {S_IMODE(mode):04o} lets others read {what}" for path, mode in wide.items()]
        more = f"; and {len(modes) - _LISTED} more" if len(modes) > _LISTED else ""
        raise NotPrivateError(f"{'; '.join(modes[:_LISTED])}{more}; wanted {_mended(wide)}")


def _mended(wide: Mapping[Path, int]) -> str:
    """The modes that are wanted, with the commands that give them."""
    folders = [str(path) for path, mode in wide.items() if S_ISDIR(mode)]
    files = [str(path) for path, mode in wide.items() if not S_ISDIR(mode)]
    if len(wide) > _LISTED:
        everything = join([os.path.commonpath([*folders, *files])])
        return f"{FOLDER_MODE:04o} for folders and {FILE_MODE:04o} for files (chmod -R go= {everything})"
    commands = {f"{FOLDER_MODE:04o} (chmod 700": folders, f"{FILE_MODE:04o} (chmod 600": files}
    return " and ".join(f"{command} {join(paths)})" for command, paths in commands.items() if paths)


def _no_file(path: Path | str, mode: int) -> NotPrivateError:
    return NotPrivateError(f"{path} is {kind(mode)}, wanted a file of our own: remove it")
