"""The key file: made once, ours alone, and rotated without a mark becoming a stranger's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canary.keyring import KeyFileError, begin_anew, open_keyring, rotate
from canary.mark import new_probe_id


def test_a_key_file_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "mark.key"
    mark = open_keyring(path).make(new_probe_id(), datetime.now(UTC))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_keyring(path).read(mark).genuine
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "mark.key"
    open_keyring(path)
    path.chmod(mode)
    with pytest.raises(ValueError, match=rf"mode {mode:04o} lets others read the mark key; wanted 0600 \(chmod 600 "):
        open_keyring(path)


@pytest.mark.parametrize("content", [b"", b"\n# no key\n", b"not hexadecimal", b"abcd\n", b"\xff" * 64, b"00" * 31])
def test_a_key_file_with_anything_else_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mark.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ValueError, match="not a mark key file, wanted one or more lines of at least 64 hexadecimal"):
        open_keyring(path)


def test_after_rotation_old_marks_are_still_ours_and_new_ones_need_the_new_key(tmp_path: Path) -> None:
    path = tmp_path / "mark.key"
    before = open_keyring(path)
    old = before.make(new_probe_id(), datetime.now(UTC))
    rotate(path)
    after = open_keyring(path)
    new = after.make(new_probe_id(), datetime.now(UTC))
    assert after.read(old).genuine
    assert after.read(new).genuine
    assert not before.read(new).genuine
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_no_key_is_ever_printed(tmp_path: Path) -> None:
    path = tmp_path / "mark.key"
    ring = open_keyring(path)
    assert repr(ring) == str(ring) == "<Keyring of 1 keys>"
    path.write_text(path.read_text()[:-3] + "zz\n")
    with pytest.raises(ValueError, match="mark key") as error:
        open_keyring(path)
    assert path.read_text()[:16] not in str(error.value)


def test_one_that_grows_recognises_by_a_key_that_came_later_and_makes_no_mark_with_it(tmp_path: Path) -> None:
    path = tmp_path / "mark.key"
    ring = open_keyring(path, grows=True)
    rotate(path)
    after = open_keyring(path)
    new = after.make(new_probe_id(), datetime.now(UTC))
    assert ring.read(new).genuine
    assert ring.ids == tuple(reversed(after.ids))
    assert not after.read(new[:-1] + ("a" if new[-1] != "a" else "b")).genuine


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("spoilt"), lambda path: path.chmod(0o644)])
def test_one_that_grows_loses_no_key_with_its_file(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = tmp_path / "mark.key"
    ring = open_keyring(path, grows=True)
    mark = ring.make(new_probe_id(), datetime.now(UTC))
    other = open_keyring(tmp_path / "other").make(new_probe_id(), datetime.now(UTC))
    spoil(path)
    assert not ring.read(other).genuine
    assert ring.read(mark).genuine


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("nowhere"), os.mkfifo, Path.mkdir])
def test_whatever_is_no_file_is_refused_and_no_key_is_made_elsewhere(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "mark.key")
    with pytest.raises(KeyFileError, match=r"mark.key is a (symbolic link|FIFO|folder), wanted a file of our own"):
        open_keyring(tmp_path / "mark.key")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_of_any_size_is_refused_within_its_budget(tmp_path: Path) -> None:
    with (tmp_path / "mark.key").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "mark.key").chmod(0o600)
    with pytest.raises(KeyFileError, match="not a mark key file"):
        open_keyring(tmp_path / "mark.key")


def test_a_key_in_the_place_of_a_lost_one_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "mark.key"
    for content in ("spoilt", "spoilt again"):
        path.write_text(content)
        begin_anew(path, "ab" * 8, "the disk died\nand \x1b[31mso did the back-up")
    assert (tmp_path / "mark.key.old-1").read_text() == "spoilt"
    ring = open_keyring(path)
    [(lost, why)] = ring.lost.items()
    assert (lost, why.startswith("the disk died"), why.isprintable()) == ("ab" * 8, True, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rotate(path)
    assert open_keyring(path).lost == ring.lost


def test_an_id_tells_keys_apart_and_nothing_of_them(tmp_path: Path) -> None:
    rings = [open_keyring(tmp_path / f"{number}.key") for number in range(3)]
    assert len({ring.ids for ring in rings}) == 3
    assert open_keyring(tmp_path / "0.key").ids == rings[0].ids
    assert rings[0].ids[0] not in (tmp_path / "0.key").read_text()
