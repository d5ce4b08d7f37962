"""Artefacts: named by what is in them, ours alone, whole or not there."""

from __future__ import annotations

import resource
import stat
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.ledger.artefacts import Artefacts


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Artefacts:
    return Artefacts(tmp_path_factory.mktemp("shared"))


@given(st.binary(max_size=5000))
def test_what_was_put_is_got_by_its_digest(shared: Artefacts, content: bytes) -> None:
    name = shared.put(content)
    assert name == sha256(content).hexdigest()
    assert shared.get(name) == content


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "artefacts"
    Artefacts(folder).put(b"a raw message")
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    assert kept.put(b"once") == kept.put(b"once")
    assert len(files(tmp_path)) == 1


def test_what_is_not_kept_or_not_as_it_was_is_none(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    name = kept.put(b"as it was")
    assert kept.get(sha256(b"never put").hexdigest()) is None
    kept.path(name).write_bytes(b"as it is")
    assert kept.get(name) is None


def test_a_reader_sees_the_whole_file_or_none(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    contents = [bytes([number]) * 2_000_000 for number in range(20)]
    names = [sha256(content).hexdigest() for content in contents]
    done = threading.Event()
    torn: list[int] = []

    def look() -> None:
        while not done.is_set():
            torn.extend(
                path.stat().st_size
                for name in names
                if (path := kept.path(name)).exists() and path.stat().st_size != 2_000_000
            )

    reader = threading.Thread(target=look)
    reader.start()
    try:
        assert [kept.put(content) for content in contents] == names
    finally:
        done.set()
        reader.join()
    assert torn == []


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file can grow beyond 100 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, full_disk: None) -> None:
    kept = Artefacts(tmp_path)
    content = b"x" * 200_000
    with pytest.raises(OSError, match="File too large"):
        kept.put(content)
    assert kept.get(sha256(content).hexdigest()) is None
    assert files(tmp_path) == []
