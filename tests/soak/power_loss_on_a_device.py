"""Power that fails under a file system: its device has what had reached it by then, and takes no write afterwards.

What the kernel still had in memory is lost, in whatever order ext4 had written the rest. It needs root and a kernel
with loop devices, so it is part of ``make soak``; ``test_power_loss.py`` needs neither.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.test_killed import (
    assert_nothing_lost_or_sent_twice,
    await_all_ends,
    busy,
    canary,
    events,
    kinds,
    no_more_probes,
)
from servers.ca_site import CaSite
from servers.canary_run import staff
from servers.polling import until
from soak import verdict

SIZE = 64 << 20


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    """The file system of an image, as a state folder."""
    folder.mkdir(exist_ok=True)
    # what is not synced stays in memory for five minutes: no journal is written by itself
    subprocess.run(["mount", "-o", "loop,commit=300", image, folder], check=True)
    try:
        folder.chmod(0o700)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("wait", [0.0, 0.9, 1.7, 2.3])
def test_what_the_device_has_tells_the_rest(site: CaSite, tmp_path: Path, wait: float) -> None:
    staff(site)
    config, state = busy(site, tmp_path), tmp_path / "state"
    image, left = tmp_path / "image", tmp_path / "left"
    image.touch()
    os.truncate(image, SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    site.hold()
    with mounted(image, state), canary(config) as process:
        until(lambda: kinds(tmp_path)["submitted"] >= 3, "submissions", timeout=90)
        time.sleep(wait)  # so that it fails at other points of a commit, too
        process.send_signal(signal.SIGSTOP)
        shutil.copyfile(image, left)
        known = events(tmp_path)
    site.release()
    with mounted(left, state):
        assert events(tmp_path)[: len(known)] == known  # what was synced and not told yet may follow
        no_more_probes(tmp_path)
        with canary(config):
            await_all_ends(tmp_path)
        assert_nothing_lost_or_sent_twice(site, tmp_path)
        verdict.log_verifies(config)
        verdict.no_tracebacks(tmp_path / "log")
