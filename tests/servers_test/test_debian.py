"""What the table of Debian packages says, and how it says what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from servers import debian


def test_nothing_is_missing_where_the_tests_run() -> None:
    assert debian.missing() == []


def test_the_explanation_holds_the_exact_line() -> None:
    text = debian.explain(["postfix", "chromium"])
    assert "chromium: none of /usr/bin/chromium, /usr/bin/google-chrome" in text
    assert text.endswith(
        "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600 install "
        "--no-install-recommends postfix chromium"
    )


def test_installing_what_is_there_does_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(debian.__file__)), "--install"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
