"""Files for their owner alone: what is opened is a file of ours, and nobody waits for it or is led elsewhere by it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from canary.private import NotPrivateError, open_file, open_private, refuse_others

READ, WRITE, MAKE = os.O_RDONLY, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_CREAT


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def led_elsewhere(path: Path) -> None:
    path.with_name("secret").write_text("a secret")
    path.symlink_to(path.with_name("secret"))


KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "link": ("a symbolic link", led_elsewhere),
    "dangling link": ("a symbolic link", lambda path: path.symlink_to("nowhere")),
    "FIFO": ("a FIFO", os.mkfifo),
    "folder": ("a folder", Path.mkdir),
    "socket": ("a socket", bind),
}


@pytest.mark.parametrize("flags", [READ, WRITE, MAKE])
@pytest.mark.parametrize("what", KINDS)
def test_whatever_is_no_file_is_refused_at_once_and_named(tmp_path: Path, what: str, flags: int) -> None:
    path, (named, make) = tmp_path / "it", KINDS[what]
    make(path)
    for opened in (open_file, open_private):
        with pytest.raises(NotPrivateError, match=f"{path} is {named}, wanted a file of our own: remove it"):
            opened(path, flags)
    assert not (tmp_path / "nowhere").exists()
    if what == "link":
        assert (tmp_path / "secret").read_text() == "a secret"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_is_made_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        os.close(open_private(tmp_path / "it", MAKE))
    finally:
        os.umask(before)
    assert (tmp_path / "it").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o660, 0o666, 0o777])
def test_a_file_that_others_can_get_at_is_refused_and_left_as_it_is(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "it is"
    path.write_text("whole")
    path.chmod(mode)
    wanted = rf"mode {mode:04o} lets others read the key; wanted 0600 \(chmod 600 '{path}'\)"
    with pytest.raises(NotPrivateError, match=wanted):
        open_private(path, WRITE, "the key")
    assert path.read_text() == "whole"
    os.close(open_file(path))


def test_what_is_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "it"
    path.touch(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(NotPrivateError, match=f"{path} is of user {path.stat().st_uid}, and we are user"):
        open_private(path)


def test_all_that_is_too_wide_is_told_at_once_with_the_commands_that_mend_it(tmp_path: Path) -> None:
    folder, files = tmp_path / "folder", [tmp_path / "one", tmp_path / "two"]
    folder.mkdir()
    for path in (folder, *files):
        path.touch()
        path.chmod(0o755)
    with pytest.raises(NotPrivateError) as error:
        refuse_others({path: path.stat() for path in (folder, *files)})
    assert str(error.value).endswith(f"wanted 0700 (chmod 700 {folder}) and 0600 (chmod 600 {files[0]} {files[1]})")
    assert error.value.strerror == str(error.value)
