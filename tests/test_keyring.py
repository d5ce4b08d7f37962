"""The key file: made once, ours alone, and rotated without a mark becoming a stranger's."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canary.keyring import open_keyring, rotate
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
