"""A canary that may open few files, or have little memory, probes on; it says what it cannot do, and fills no log."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from servers.ca_site import CaSite
from servers.canary_run import configuration, staff, written
from servers.polling import until
from soak import verdict

MIB = 1 << 20
LIMITS = {
    "64 descriptors": "--nofile=64",
    "640 MiB of address space": f"--as={640 * MIB}",
}


@pytest.mark.parametrize("name", LIMITS)
def test_it_probes_on(site: CaSite, tmp_path: Path, name: str) -> None:
    staff(site)
    times = {"interval": "4s", "max_per_hour": 1000, "deadline": "30s", "give_up": "60s"}
    config = written(configuration(site, tmp_path, **{f"alias{n}": times | _to(site, n) for n in range(3)}), tmp_path)
    log, command = tmp_path / "log", ["prlimit", LIMITS[name], sys.executable, "-m", "canary", "run", str(config)]
    with log.open("ab") as stderr:
        process = subprocess.Popen(command, stdout=stderr, stderr=stderr)
    try:
        address = until(lambda: re.search(r"http://127\.0\.0\.1:([0-9]+)", log.read_text()), "the start", 90)
        with ExitStack() as held:
            for _ in range(500):
                held.enter_context(socket.create_connection(("127.0.0.1", int(address[1]))))
            site.deliver("desk", _large(), "General")
            before = len(verdict.events(tmp_path, "finished"))
            until(lambda: len(verdict.events(tmp_path, "finished")) >= before + 3, "three more probes to end", 90, 0.5)
            assert "cpr_canary_probes_submitted_total" in httpx.get(f"{address[0]}/metrics", timeout=30).text
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    ended = [event["body"] for event in verdict.events(tmp_path, "finished")]
    assert [body for body in ended if body["outcome"] != "arrived"] == [], log.read_text()[-3000:]
    assert log.stat().st_size < 100_000, log.read_text()[-3000:]
    verdict.no_tracebacks(log)
    verdict.log_verifies(config)


def _to(site: CaSite, number: int) -> dict[str, str]:
    site.add_alias(f"report{number}", ["desk"])
    return {"to": f"report{number}@ca.test"}


def _large() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "large", "stranger@evil.test"
    message.set_content("a" * 40 + "\n")
    message.add_attachment(b"x" * 20 * MIB, maintype="application", subtype="octet-stream", filename="a" * 40)
    return message.as_bytes()
