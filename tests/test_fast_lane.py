"""The fast lane: what is left out of it, and that nothing in it can start a program."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fast_lane import TESTS, may_start


@pytest.mark.parametrize(
    "name",
    [
        "channels/email/test_postfix.py",  # imports the mail system, which imports subprocess
        "channels/forms/test_web.py",  # a browser
        "deploy/test_prometheus.py",  # promtool
        "audit/verifier/test_commands.py",  # commands of ours
    ],
)
def test_what_may_start_a_program_is_left_out(name: str) -> None:
    assert may_start(TESTS / name)


@pytest.mark.parametrize("name", ["test_judge.py", "config/test_bad_files.py", "reports/test_composer.py"])
def test_what_starts_none_is_in_it(name: str) -> None:
    assert not may_start(TESTS / name)


def test_a_fixture_that_starts_a_program_takes_its_tests_with_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--fast", "--collect-only", "-q", TESTS / "queues" / "imap"],
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS.parent,
    )
    assert "test_headers.py" in done.stdout
    assert "test_watch.py" not in done.stdout


def test_a_program_that_is_started_all_the_same_is_refused() -> None:
    program = "import fast_lane, subprocess; fast_lane.refuse_programs(); subprocess.run(['/bin/true'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=TESTS)
    assert done.returncode == 1
    assert "started in the fast lane" in done.stderr
