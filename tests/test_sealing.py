"""Personal addresses, sealed: one by one, opened one by one."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.sealing import FILE, SealingKey, SealingKeyError, sealing_key

KEY, OTHER = SealingKey(b"k" * 32), SealingKey(b"o" * 32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(texts, texts)
def test_one_text_is_sealed_in_one_way_and_opened_by_its_salt_alone(one: str, other: str) -> None:
    assert (KEY.sealed(one) == KEY.sealed(other)) is (one == other)
    assert sha256(f"{KEY.salt(one)}/{one}".encode()).hexdigest() == KEY.sealed(one)
    assert KEY.sealed(one) != OTHER.sealed(one)


def test_the_key_is_made_once_and_is_for_us_alone(tmp_path: Path) -> None:
    made = sealing_key(tmp_path)
    path = tmp_path / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    assert sealing_key(tmp_path, create=False).sealed("a") == made.sealed("a")
    assert path.read_text().strip() not in repr(made)


@pytest.mark.parametrize("content", ["", "ab", "zz" * 32, "ab" * 33, "ab" * 1000])
def test_a_file_that_holds_no_key_is_refused_and_left(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SealingKeyError, match="no sealing key, wanted 64 hexadecimal digits"):
        sealing_key(tmp_path)
    assert path.read_text() == content


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    sealing_key(tmp_path)
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(SealingKeyError, match="lets others read the sealing key"):
        sealing_key(tmp_path)


def test_a_key_that_is_not_there_and_not_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sealing_key(tmp_path, create=False)
