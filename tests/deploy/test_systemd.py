"""The unit: systemd itself checks it, and what it names is what the rest of the project names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from deploy.files import EXAMPLE, README, UNIT, assert_cli_takes, credentials, yaml_of

from canary.budgets import BROWSER, MIB

MOST_EXPOSED = 22
"""Of 100, by ``systemd-analyze security``. What remains is the network, and the namespaces of Chromium's sandbox."""

PROGRAM = "/opt/cpr-canary/bin/cpr-canary"


def settings(name: str) -> list[str]:
    """The values of a setting, in order."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit as if the program were installed where it says."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace(PROGRAM, sys.executable), encoding="utf-8")
    return copy


def test_systemd_understands_every_line(installed: Path) -> None:
    done = analyze("verify", "--man=no", str(installed))
    assert (done.returncode, [line for line in done.stderr.splitlines() if installed.name in line]) == (0, [])


def test_systemd_would_say_so_if_it_did_not(installed: Path) -> None:
    text = installed.read_text(encoding="utf-8").replace("ProtectSystem=", "ProtectSistem=")
    installed.write_text(text, encoding="utf-8")
    assert "ProtectSistem" in analyze("verify", "--man=no", str(installed)).stderr


def test_exposure_is_low() -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(UNIT))
    assert done.returncode == 0, done.stdout[-300:]


def test_user_is_one_that_sysusers_makes() -> None:
    file = UNIT.with_name("cpr-canary.sysusers.conf")
    done = subprocess.run(
        ["systemd-sysusers", "--dry-run", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"'{settings('User')[0]}'" in done.stderr
    assert settings("User") == settings("Group")


def test_command_is_one_that_the_program_takes() -> None:
    [start] = settings("ExecStart")
    program, *words = start.split()
    assert program == PROGRAM
    assert_cli_takes(words)


def test_state_is_where_the_example_configuration_keeps_it() -> None:
    assert yaml_of(EXAMPLE)["state"] == f"/var/lib/{settings('StateDirectory')[0]}"
    assert settings("StateDirectoryMode") == ["0700"]


def test_credentials_are_those_of_the_example_configuration() -> None:
    loaded = dict(value.split(":") for value in settings("LoadCredential"))
    assert loaded.keys() == credentials()
    assert loaded == {name: f"/etc/cpr-canary/secrets/{name}" for name in loaded}


def test_readme_says_where_its_files_go() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(
        word in text for word in (UNIT.name, "cpr-canary.sysusers.conf", "/etc/cpr-canary/secrets", "/opt/cpr-canary")
    )


def test_memory_is_enough_for_a_browser_at_its_limit_and_running_out_of_it_ends_no_more_than_a_page() -> None:
    (most,) = settings("MemoryMax")
    assert most.endswith("M")
    assert int(most.removesuffix("M")) * MIB >= (BROWSER.decoded or 0) + 400 * MIB
    assert settings("OOMPolicy") == ["continue"]
