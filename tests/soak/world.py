"""The world of the soak: a canary in a process of its own, the real mail system, and servers that hate it."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
from servers.ca_site import CaSite
from servers.canary_run import configuration, written
from servers.polling import until
from soak import peers

from canary.evidence.notes import COSIGNATURE, VKey

GOOD = 4
"""Channels on which nothing but the canary itself fails."""
DEADLINE, GIVE_UP = 20, 30


def _channels(form: int) -> dict[str, Any]:
    times = {"interval": "10s", "max_per_hour": 1000, "deadline": f"{DEADLINE}s", "give_up": f"{GIVE_UP}s"}
    good = {f"good{n}": {**times, "to": f"problem-report{n}@ca.test"} for n in range(GOOD)}
    way = {"kind": "http_form", "url": f"http://127.0.0.1:{form}/report", "fields": {"text": "{text}"}}
    return good | {
        "bad_smtp": {**times, "to": "bad-smtp@ca.test", "senders": ["hostile"]},
        "bad_imap": {**times, "to": "bad-imap@ca.test", "arrives_in": "bad"},
        "bad_form": {**times, **way, "confirm": {"text": "Thank you"}},
    }


def settings(ca: CaSite, folder: Path, ports: dict[str, int]) -> dict[str, Any]:
    """Good channels, and one for each kind of peer that may be hostile."""
    config = configuration(ca, folder, **_channels(ports["http"]))
    del config["channels"]["bad-form"]["to"]
    config["operator"]["domains"].append("127.0.0.1")
    config["limits"] = {"open_probes": 100}
    config["senders"]["hostile"] = {
        "name": "Hostile Example",
        "address": f"hostile@{ca.sender_domain}",
        "submission": {"host": "127.0.0.1", "port": ports["smtp"], "tls": "none", "timeout": "5s"},
    }
    login = {"username": "desk", "password": config["watch"]["desk"]["server"]["password"]}
    config["watch"]["hostile"] = {
        "kind": "imap",
        "server": {"host": "127.0.0.1", "port": ports["imap"], "tls": "none", "timeout": "5s", **login},
        "folders": [{"name": "CPR", "queue": "bad", "role": "monitored"}],
        "poll": "2s",
    }
    for channel in config["channels"].values():
        channel.setdefault("senders", ["researcher"])
    key = VKey("witness.test/w", b"k" * 32, COSIGNATURE)
    config["evidence"] = {
        "checkpoint_every": "10s",
        "timestamps": [
            {
                "name": "hostile",
                "url": f"http://127.0.0.1:{ports['http']}/tsr",
                "ca_file": str(ca.ca_file),
                "every": "10s",
                "timeout": "5s",
            }
        ],
        "witnesses": [
            {"name": "hostile", "url": f"http://127.0.0.1:{ports['http']}/", "vkey": str(key), "timeout": "5s"}
        ],
    }
    return config


class World:
    """What is there, and what happens to it. Made by :func:`world`."""

    def __init__(self, ca: CaSite, folder: Path, config: dict[str, Any], rng: Random) -> None:
        self.ca, self.folder, self.config, self.rng = ca, folder, config, rng
        self.path, self.log = written(config, folder), folder / "log"
        self.good_text = self.path.read_text(encoding="utf-8")
        self._offset = folder / "offset"
        self.step_clock(0.0)
        self.process: subprocess.Popen[bytes] | None = None
        self.happened: dict[str, int] = {}
        self.foreign = 0

    # The canary

    def start(self) -> None:
        """Start it, and wait until it serves."""
        before = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "soak.stepped", str(self.folder), "run", str(self.path)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

        def serves() -> re.Match[str] | None:
            assert self.running.poll() is None, self.log.read_text()[-3000:]
            text = self.log.read_bytes()[before:].decode(errors="replace")
            return re.search(r"http://127\.0\.0\.1:[0-9]+", text)

        self.address = until(serves, "the start of the canary", 120)[0]

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process."""
        assert self.process is not None
        return self.process

    def stalls(self) -> list[str]:
        """What has kept the event loop for long so far: seconds of CPU, and what it was."""
        file = self.folder / "stalls"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def kill(self) -> None:
        """kill -9, and start it again."""
        self.running.kill()
        self.running.wait()
        self.start()

    def end(self) -> int:
        """SIGTERM; what it exits with."""
        self.running.terminate()
        return self.running.wait(90)

    def step_clock(self, seconds: float) -> None:
        """Its wall clock is wrong by so much from now on."""
        self._offset.touch()
        with self._offset.open("r+b") as file:
            file.write(struct.pack("d", seconds))

    def metrics(self) -> str:
        """What it exports."""
        return httpx.get(f"{self.address}/metrics", timeout=60).text

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.running.send_signal(number)

    def resources(self) -> tuple[float, int]:
        """MiB of memory that it has, and how many descriptors."""
        proc = Path(f"/proc/{self.running.pid}")
        pages = int((proc / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), len(list((proc / "fd").iterdir()))


@contextmanager
def world(ca: CaSite, folder: Path, seed: int) -> Iterator[World]:
    """Everything, and the canary started; all of it ended at the end."""
    with ExitStack() as stack:
        kinds = {"smtp": peers.SMTP, "imap": peers.IMAP, "http": peers.HTTP}
        ports = {name: stack.enter_context(peers.hostile(kind, seed)) for name, kind in kinds.items()}
        for name in (*(f"problem-report{n}" for n in range(GOOD)), "bad-smtp", "bad-imap"):
            ca.add_alias(name, ["desk"])
        made = World(ca, folder, settings(ca, folder, ports), Random(seed))
        made.start()
        try:
            yield made
        finally:
            with suppress(ProcessLookupError):
                made.running.send_signal(signal.SIGCONT)
            made.running.kill()
            made.running.wait()
