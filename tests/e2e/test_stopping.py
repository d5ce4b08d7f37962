"""SIGTERM ends the canary, whatever hangs that the evidence is made with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers.ca_site import CaSite
from servers.canary_run import configuration, written
from servers.polling import until
from servers.tsa import Tsa

from canary.ledger import EventKind
from canary.ledger.reader import reading

KEYS = Path(__file__).parents[1] / "hanging_keys"


@pytest.fixture
def quiet(ca: CaSite, tmp_path: Path) -> dict[str, Any]:
    """A configuration by which nothing is due soon."""
    rest = {"from": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "reason": "x", "approved_by": "y"}
    alias = {"to": "problem-report@ca.test"}
    return configuration(ca, tmp_path, alias=alias) | {"blackouts": [rest]}


@contextmanager
def running(config: Mapping[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``cpr-canary run`` with the keys that hang installed; killed at the end, if it still runs."""
    command = [sys.executable, "-m", "canary", "run", str(written(config, folder))]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env=os.environ | {"PYTHONPATH": str(KEYS)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_key_that_hangs_while_it_signs(quiet: dict[str, Any], tmp_path: Path) -> None:
    plugin = {"name": "hanging", "options": {"folder": str(tmp_path)}}
    with running(quiet | {"evidence": {"key": {"plugin": plugin}}}, tmp_path) as process:
        until((tmp_path / "asked").exists, "a signature that does not come", timeout=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    assert "stopped before it was done: sign" in (tmp_path / "log").read_text()
    with reading(tmp_path / "state") as ledger:
        *_, stopped, given_up = ledger.events()
    assert (stopped.kind, given_up.kind) == (EventKind.STOPPED, EventKind.TROUBLE)
    assert given_up.body["detail"] == "stopped before it was done: sign"


def test_an_authority_that_hangs_while_it_stamps(quiet: dict[str, Any], tmp_path: Path) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        tsa.let_go.clear()
        stamps = [{"name": "one", "url": tsa.url, "ca_file": str(tsa.ca_file), "timeout": "1h"}]
        with running(quiet | {"evidence": {"timestamps": stamps}}, tmp_path) as process:
            until(lambda: tsa.queries, "a query that is not answered", timeout=60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(90) == 0
        tsa.let_go.set()
    with reading(tmp_path / "state") as ledger:
        kinds = [event.kind for event in ledger.events()]
    assert EventKind.TROUBLE not in kinds
    assert kinds[-1] is EventKind.CHECKPOINT  # all but itself is signed
