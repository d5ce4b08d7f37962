"""Every kind of message that is hard to read, as a report and as a reply, to a whole canary: it needs little memory.

``MIB=6`` makes each of them so large; what is above 8 MiB is not read at all.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from e2e.test_killed import canary, kinds
from mail.hostile import KINDS
from servers.ca_site import CaSite
from servers.canary_run import configuration, staff, written
from servers.polling import until
from soak import verdict

SIZE = int(float(os.environ.get("MIB") or 0.5) * (1 << 20))
HELD = {"interval": "10m", "deadline": "5m", "give_up": "10m"}
NEXT = {"interval": "10s", "max_per_hour": 1000, "deadline": "9m", "give_up": "10m"}


def _peak(pid: int) -> float:
    """MiB of memory that a process had at most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def _message_id(folder: Path, channel: str) -> str | None:
    of = {event["probe"]: event["body"]["channel"] for event in verdict.events(folder, "scheduled")}
    sent = [event for event in verdict.events(folder, "submitting") if of[event["probe"]] == channel]
    return str(sent[0]["body"]["message_id"]) if sent else None


@pytest.mark.timeout(900)
def test_all_of_it_at_once(site: CaSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    staff(site)
    for alias in ("lost", "alive"):
        site.add_alias(alias, ["desk"])
    site.silently_drop("lost@ca.test")
    channels = {
        "lost": HELD | {"to": "lost@ca.test", "senders": ["researcher"]},
        "alive": NEXT | {"to": "alive@ca.test", "senders": ["freemail"]},
    }
    config = written(configuration(site, tmp_path, **channels), tmp_path)
    with canary(config) as process:
        until(lambda: kinds(tmp_path)["submitted"], "the ledger", timeout=90)
        lost = until(lambda: _message_id(tmp_path, "lost"), "a probe that is looked for", timeout=90)
        before = _peak(process.pid)
        for make in KINDS.values():
            message = f"In-Reply-To: {lost}\nX-Original-Message-ID: {lost}\n".encode() + make(SIZE)
            site.deliver("desk", message, "CPR")
            site.deliver("researcher", message)
        sent = len(verdict.events(tmp_path, "submitting"))

        def arrived_after_them() -> bool:
            later = [event["probe"] for event in verdict.events(tmp_path, "submitting")][sent:]
            return any(event["probe"] in later for event in verdict.events(tmp_path, "sighting"))

        until(arrived_after_them, "a report that came after all of them to be seen", timeout=600)
        peak = _peak(process.pid)
        process.terminate()
        assert process.wait(60) == 0
    with capsys.disabled():
        sys.stdout.write(f"{len(KINDS)} kinds of {SIZE} bytes, twice: at most {peak:.0f} MiB, {before:.0f} before\n")
    assert peak < verdict.MOST_MEMORY
    verdict.no_tracebacks(tmp_path / "log")
    verdict.log_verifies(config)
