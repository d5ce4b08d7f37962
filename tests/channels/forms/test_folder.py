from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from canary.channels.forms.folder import BrowserFolder


def folders(base: Path) -> set[Path]:
    return set(base.iterdir())


def test_a_folder_is_ours_alone_and_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = BrowserFolder(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "profile").mkdir()
    (folder.path / "profile" / "Cookies").touch()
    folder.remove()
    folder.remove()
    assert folders(tmp_path) == set()


def test_what_a_killed_process_left_goes_when_the_next_is_made_and_what_another_one_has_stays(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from canary.channels.forms.folder import BrowserFolder\n"
        "held = BrowserFolder(Path(sys.argv[1])); (held.path / 'profile').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    held = BrowserFolder(tmp_path)
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    (left,) = folders(tmp_path) - {held.path}
    assert (left / "profile").exists()
    mine = BrowserFolder(tmp_path)
    assert folders(tmp_path) == {held.path, mine.path}


def test_nothing_of_others_is_touched(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    base = tmp_path / "base"
    base.mkdir()
    (base / "canary-browser-link").symlink_to(elsewhere)
    (base / "canary-browser-file").touch()
    (base / "other").mkdir()
    mine = BrowserFolder(base)
    assert (elsewhere / "kept").exists()
    assert {path.name for path in folders(base)} == {
        "canary-browser-link",
        "canary-browser-file",
        "other",
        mine.path.name,
    }


def test_it_stands_in_the_cache_that_the_system_gives_us_unless_its_name_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory(prefix="c-", dir="/tmp") as cache:
        monkeypatch.setenv("CACHE_DIRECTORY", f"{cache}{os.pathsep}/nowhere")
        assert BrowserFolder().path.parent == Path(cache)
    long = tmp_path / ("long" * 10)
    long.mkdir()
    monkeypatch.setenv("CACHE_DIRECTORY", str(long))
    folder = BrowserFolder()
    assert len(str(folder.path)) < 70
    folder.remove()
