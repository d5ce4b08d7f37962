"""A canary that was frozen, and a command that was killed beside it: what they left is judged as it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from e2e.test_killed import canary, events, kinds
from servers.ca_site import CaSite
from servers.canary_run import configuration, written
from servers.polling import until

DEADLINE = 8


def results(folder: Path) -> dict[str, tuple[str, str]]:
    """By channel, what the deadline of its first probe found."""
    channels: dict[str, str] = {}
    for event in events(folder):
        if event["kind"] == "scheduled" and event["body"]["channel"] not in channels.values():  # type: ignore[index]
            channels[str(event["probe"])] = event["body"]["channel"]  # type: ignore[index]
    found = {event["probe"]: event["body"] for event in events(folder) if event["kind"] == "deadline"}
    return {
        channel: (found[probe]["result"], found[probe]["outcome"])  # type: ignore[index]
        for probe, channel in channels.items()
        if probe in found
    }


@pytest.mark.timeout(180)
def test_what_was_under_way_when_the_process_was_stopped_is_judged_as_it_went(ca: CaSite, tmp_path: Path) -> None:
    limits = {"interval": "1h", "deadline": f"{DEADLINE}s", "give_up": "1h"}
    ca.add_alias("lost", ["desk"])
    ca.silently_drop("lost")
    channels = {"good": {"to": "problem-report@ca.test", **limits}, "bad": {"to": "lost@ca.test", **limits}}
    config = written(configuration(ca, tmp_path, **channels), tmp_path)
    with canary(config) as process:
        until(lambda: kinds(tmp_path)["submitted"] == 2, "both submissions", timeout=60)
        before = results(tmp_path)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(2.5 * DEADLINE)  # what it is to miss
        os.kill(process.pid, signal.SIGCONT)
        until(lambda: len(results(tmp_path)) == 2, "both results", timeout=60)
    assert before == {}
    assert results(tmp_path) == {"good": ("met", "arrived"), "bad": ("missed", "missing")}


def test_a_probe_of_a_command_that_was_killed_is_judged_by_the_running_canary(ca: CaSite, tmp_path: Path) -> None:
    limits = {"interval": "1h", "deadline": "10s", "give_up": "15s", "max_per_hour": 100}
    config = written(configuration(ca, tmp_path, alias=limits), tmp_path)
    with canary(config):
        until(lambda: kinds(tmp_path)["finished"] == 1, "the scheduled probe", timeout=90)
        for stage in ("submitting", "submitted"):
            before = kinds(tmp_path)[stage]
            command = [sys.executable, "-m", "canary", "probe", "--channel", "alias", str(config)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as beside:
                until(lambda stage=stage, before=before: kinds(tmp_path)[stage] > before, stage, timeout=60)  # type: ignore[misc]
                beside.kill()
        until(lambda: kinds(tmp_path)["finished"] == 3, "an end of both", timeout=90)
        assert kinds(tmp_path)["deadline"] == 3
