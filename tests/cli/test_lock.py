"""One schedule a state folder: the lock is a file of ours, and a second one is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from canary.cli.lock import only_one
from canary.model import OwnFaultError


def test_a_second_one_is_refused_and_the_first_leaves_its_number(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text("a number that is longer than any")
    (tmp_path / "run.lock").chmod(0o600)
    with only_one(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())
        with pytest.raises(OwnFaultError, match="another cpr-canary run already uses"), only_one(tmp_path):
            pass
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())
    with only_one(tmp_path):
        pass


def test_a_link_is_not_followed_and_its_target_stays(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("of somebody else")
    (tmp_path / "run.lock").symlink_to(target)
    with pytest.raises(OwnFaultError, match=r"run.lock is a symbolic link, wanted a file"), only_one(tmp_path):
        pass
    assert target.read_text() == "of somebody else"


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.lock")
    with pytest.raises(OwnFaultError, match=r"run.lock is a FIFO, wanted a file"), only_one(tmp_path):
        pass


def test_one_that_others_can_get_at_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.lock").touch()
    (tmp_path / "run.lock").chmod(0o666)
    with pytest.raises(OwnFaultError, match=r"mode 0666 lets others read it; wanted 0600 \(chmod"), only_one(tmp_path):
        pass
