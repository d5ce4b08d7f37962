"""A canary whose disk is full: it sends nothing that it cannot record, says so, runs on, and goes on."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from servers.ca_site import CaSite
from servers.canary_run import configuration, written
from servers.polling import until

from canary.ledger import EventKind, Ledger
from canary.ledger.gaps import gaps

FULL = 64
"""Bytes beyond which no file can grow: not the database, no artefact, not even the log."""


@contextmanager
def full_disk(process: subprocess.Popen[bytes]) -> Iterator[None]:
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


class Metrics:
    """What a running canary exports."""

    def __init__(self, log: Path) -> None:
        found = until(lambda: re.search(r"http://127\.0\.0\.1:[0-9]+/metrics", log.read_text()), "the start", 60)
        self._url = found[0]

    def __call__(self, name: str) -> float:
        lines = httpx.get(self._url).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"cpr_canary_{name} ")), 0.0)

    def ready(self) -> tuple[int, str]:
        """Status and words of /-/ready."""
        answer = httpx.get(self._url.replace("/metrics", "/-/ready"))
        return answer.status_code, answer.text


def test_nothing_is_sent_that_cannot_be_recorded(ca: CaSite, tmp_path: Path) -> None:
    channel = {"interval": "4s", "max_per_hour": 900, "deadline": "20s", "give_up": "60s"}
    config = written(configuration(ca, tmp_path, alias=channel), tmp_path)
    log = tmp_path / "log"
    sent, failed = 'probes_submitted_total{channel="alias",kind="email",queue="cpr"}', "errors_total"
    failed += '{component="store",reason="not_written"}'
    with log.open("wb") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "canary", "run", str(config)], stderr=stderr)
    try:
        metrics = Metrics(log)
        until(lambda: metrics(sent) >= 1, "a probe", 60)
        with full_disk(process):
            until(lambda: metrics(failed) >= 1, "a failure that is counted", 60)
            before, ticked, faults = metrics(sent), metrics("scheduler_last_tick_timestamp_seconds"), metrics(failed)
            until(lambda: metrics("scheduler_last_tick_timestamp_seconds") > ticked + 10, "two probes to be due", 90)
            assert metrics(failed) > faults
            assert metrics(sent) == before
            code, why = metrics.ready()
            assert (code, metrics('part_well{part="ledger"}')) == (503, 0.0)
            assert "ledger: the ledger could not be written: " in why
        until(lambda: metrics(sent) > before, "a probe when there is room", 60)
        until(lambda: metrics.ready() == (200, "ok\n"), "the canary to be ready again", 60)
        assert metrics('part_well{part="ledger"}') == 1.0
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    ledger = Ledger(tmp_path / "state")
    told = gaps(ledger, next(ledger.events(kind=EventKind.STARTED)).at, next(ledger.events(kind=EventKind.STOPPED)).at)
    delivered = len(ca.messages("desk", "CPR"))
    scheduled = len(list(ledger.events(kind=EventKind.SCHEDULED)))
    assert [(gap.channel, gap.cause) for gap in told] == [("alias", "store")]
    assert delivered <= scheduled
    assert list(ledger.check_results()) == []
    ledger.close()
