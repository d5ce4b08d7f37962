"""Artefacts: named by what is in them, ours alone, whole or not there."""

from __future__ import annotations

import math
import os
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.ledger.artefacts import Artefacts
from canary.simulated import SimulatedClock


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond 100 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def repeating(look: Callable[[], None]) -> Iterator[None]:
    """Look again and again, in a thread, while the context lasts."""
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            look()

    reader = threading.Thread(target=run)
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()


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
    torn: list[int] = []

    def look() -> None:
        torn.extend(len(seen) for name in names if (seen := kept.get(name)) is not None and len(seen) != 2_000_000)

    with repeating(look):
        assert [kept.put(content) for content in contents] == names
    assert torn == []


def test_what_is_named_stays_whole_while_the_same_is_put_again(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    content = b"x" * 2_000_000
    name = kept.put(content)
    torn: list[int] = []

    def look() -> None:
        if (size := kept.path(name).stat().st_size) != len(content):
            torn.append(size)

    with repeating(look):
        assert {kept.put(content) for _ in range(50)} == {name}
    assert torn == []


@pytest.mark.parametrize("left", [b"", b"as it", b"as it wax"])
def test_what_a_kill_has_torn_is_replaced_when_it_comes_again(tmp_path: Path, left: bytes) -> None:
    kept = Artefacts(tmp_path)
    name = kept.put(b"as it was")
    kept.path(name).write_bytes(left)
    kept.path(name).with_name(f"{name[2:]}.{os.getpid()}.{threading.get_ident()}").write_bytes(b"a")
    assert kept.put(b"as it was") == name
    assert kept.get(name) == b"as it was"
    assert len(files(tmp_path)) == 1


def test_several_may_put_the_same_at_the_same_time(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    contents = [bytes([number]) * 200_000 for number in range(50)]
    unread: list[str] = []
    start = threading.Barrier(4)

    def put() -> None:
        start.wait()
        for content in contents:
            name = kept.put(content)
            if kept.get(name) != content:
                unread.append(name)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unread == []
    assert len(files(tmp_path)) == 50


def test_a_full_disk_keeps_nothing_of_it(tmp_path: Path) -> None:
    kept = Artefacts(tmp_path)
    content = b"x" * 200_000
    with full_disk(), pytest.raises(OSError, match="File too large"):
        kept.put(content)
    assert kept.get(sha256(content).hexdigest()) is None
    assert [path.stat().st_size for path in files(tmp_path)] == [0]
    with full_disk(), pytest.raises(OSError, match="File too large"):
        kept.put(content)
    assert [path.stat().st_size for path in files(tmp_path)] == [0]
    name = kept.put(content)  # there is room again
    assert kept.get(name) == content
    assert len(files(tmp_path)) == 1


def test_how_old_a_file_is_goes_by_our_clock(tmp_path: Path) -> None:
    clock = SimulatedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    kept = Artefacts(tmp_path, clock)
    name = kept.put(b"a raw message")
    assert kept.age(name) == 0
    clock.advance(90)
    assert kept.age(name) == 90
    kept.path(name).unlink()
    assert kept.age(name) == math.inf
