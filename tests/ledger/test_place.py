"""The folder of a ledger: made for its owner alone whatever the umask, and refused where others get in."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from canary.clock import Clock
from canary.evidence.service import Evidence
from canary.evidence.settings import EvidenceSettings
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.reader import reading
from canary.ledger.retention import Retention, Rule
from canary.model import OwnFaultError
from canary.prober.gate import stop_all
from canary.prober.mark_keys import keys_of, rotate_keys
from canary.simulated import SimulatedClock

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def used(folder: Path) -> None:
    """Have everything made that is ever made in a state folder by ourselves."""
    with closing(Ledger(folder)) as ledger:
        keys_of(ledger)
        rotate_keys(ledger)
        ledger.keep(b"what was sent")
        ledger.append(Event(EventKind.PAUSED, NOW, {"channels": [], "reason": "x", "by": "y"})).result()
        evidence = Evidence(EvidenceSettings(), folder, "ca.test/log", ledger, Clock())
        assert evidence.advance() is not None
        evidence.check()
        Retention(ledger, {rule: timedelta(days=90) for rule in Rule}, SimulatedClock(NOW)).run()
        evidence.forget()
        stop_all(folder, "enough")
        assert_private(folder)


def assert_private(folder: Path) -> None:
    paths = [folder, *folder.rglob("*")]
    modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o7777 for path in paths}
    wide = {name: f"{mode:04o}" for name, mode in modes.items() if mode & 0o077}
    assert wide == {}
    assert {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "mark.key", "retention.lock"} <= modes.keys()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_everything_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        used(tmp_path / "one" / "two")
        assert (tmp_path / "one").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("name", "mode", "command"),
    [
        (".", 0o755, "0700 (chmod 700 "),
        (".", 0o701, "0700 (chmod 700 "),
        ("ledger.sqlite", 0o644, "0600 (chmod 600 "),
        ("ledger.sqlite-wal", 0o640, "0600 (chmod 600 "),
        ("ledger.sqlite.before-the-upgrade", 0o644, "0600 (chmod 600 "),
        ("mark.key.old-1", 0o640, "0600 (chmod 600 "),
        ("retention.lock", 0o666, "0600 (chmod 600 "),
        ("artefacts", 0o750, "0700 (chmod 700 "),
        ("artefacts/00", 0o707, "0700 (chmod 700 "),
        ("evidence", 0o755, "0700 (chmod 700 "),
        ("evidence/head", 0o644, "0600 (chmod 600 "),
        ("evidence/log", 0o755, "0700 (chmod 700 "),
    ],
)
def test_what_others_can_get_at_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, name: str, mode: int, command: str
) -> None:
    folder = tmp_path / "state"
    used(folder)
    path = folder / name
    if "chmod 700" in command:
        path.mkdir(0o700, exist_ok=True)
    else:
        path.touch(0o600)
    path.chmod(mode)
    with pytest.raises(OwnFaultError) as error:
        Ledger(folder)
    assert error.value.detail.endswith(f"{path}: mode {mode:04o} lets others read it; wanted {command}{path})")
    assert (error.value.component, error.value.reason) == ("store", "unusable")
    path.chmod(0o700 if path.is_dir() else 0o600)
    Ledger(folder).close()


def test_when_all_is_too_wide_one_command_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    used(folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with pytest.raises(OwnFaultError, match=rf" more; wanted 0700 for folders .*\(chmod -R go= {folder}\)$") as error:
        Ledger(folder)
    assert len(error.value.detail) < 1000
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
    Ledger(folder).close()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger(tmp_path / "state").close()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(OwnFaultError, match=rf"state is of user {owner}, and we are user {owner + 1}: run this as"):
        Ledger(tmp_path / "state")


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


KINDS: dict[str, Callable[[Path], object]] = {
    "a symbolic link": lambda path: path.symlink_to("elsewhere"),
    "a FIFO": os.mkfifo,
    "a socket": bind,
}


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize(
    "name", ["ledger.sqlite", "ledger.sqlite-wal", "retention.lock", "artefacts", "evidence", "evidence/head"]
)
def test_links_and_special_files_are_refused_at_once(tmp_path: Path, name: str, what: str) -> None:
    path = tmp_path / "state" / name
    path.parent.mkdir(0o700, parents=True)
    path.parent.parent.chmod(0o700)
    KINDS[what](path)
    with pytest.raises(OwnFaultError, match=rf"{path} is {what}, wanted a file of our own: remove it"):
        Ledger(tmp_path / "state")
    assert not list(tmp_path.rglob("elsewhere"))


@pytest.mark.parametrize("name", ["ledger.sqlite", "ledger.sqlite-wal"])
def test_whoever_only_reads_waits_for_no_fifo(tmp_path: Path, name: str) -> None:
    Ledger(tmp_path / "state").close()
    path = tmp_path / "state" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(OwnFaultError, match=f"{path} is a FIFO, wanted a file"), reading(tmp_path / "state"):
        pass


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(0o700)
    (tmp_path / "state").symlink_to("private")
    Ledger(tmp_path / "state").close()
    assert (tmp_path / "private" / "ledger.sqlite").is_file()


def test_what_is_not_ours_in_there_is_no_concern_of_ours(tmp_path: Path) -> None:
    (tmp_path / "canary.yaml").touch(0o644)
    (tmp_path / "lost+found").mkdir(0o755)
    Ledger(tmp_path).close()
