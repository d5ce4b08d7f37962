"""What pages somebody: a canary as a process, Debian's Prometheus and Alertmanager with the shipped files, and a pager.

The files are made to run sixty times as fast, see :mod:`servers.hurried`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from servers import hurried
from servers.alertmanager import Alertmanager, Webhook
from servers.polling import tail, until
from servers.prometheus import Prometheus

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = ("cpr-canary.rules.yaml", "cpr-canary.alerts.yaml")
ROUTES = DEPLOY / "alertmanager" / "alertmanager.example.yml"

PAGER, TICKETS, HEART = "pager", "tickets", "deadman"
"""The receivers of pages, of tickets and of the heartbeat, as the shipped Alertmanager configuration calls them."""

PATIENCE = 60.0
"""Seconds until a test gives up waiting for anything; a machine with other work to do takes its time."""


def shipped(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def receiver_path(name: str) -> str:
    """Where the pager of the test hears what a receiver of the shipped Alertmanager configuration is told."""
    receivers = {receiver["name"]: receiver for receiver in yaml.safe_load(shipped(ROUTES))["receivers"]}
    [webhook] = receivers[name]["webhook_configs"]
    return hurried.path(webhook["url"])


class CanaryProcess:
    """``cpr-canary run``, which a test may kill and start again."""

    def __init__(self, config: Path) -> None:
        self._config, self._log = config, config.with_name("canary.log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "canary", "run", str(self._config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """With -9; it must have been at work until then."""
        assert self._process is not None
        assert self._process.poll() is None, tail(self._log)
        self.end()

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Watch:
    """All that watches over a canary at ``port``: Prometheus and Alertmanager with the shipped files, and the pager."""

    def __init__(self, stack: ExitStack, folder: Path, port: int) -> None:
        self.webhook = stack.enter_context(Webhook())
        self._forgotten: dict[str, int] = {}
        routes = hurried.alertmanager(shipped(ROUTES), self.webhook.url)
        alertmanager = stack.enter_context(Alertmanager(folder / "alertmanager", routes))
        files = [folder / name for name in RULES]
        for file in files:
            file.write_text(hurried.rules(shipped(DEPLOY / "prometheus" / file.name)), encoding="utf-8")
        example = shipped(DEPLOY / "prometheus" / "prometheus.example.yml")
        configuration = hurried.prometheus(example, f"127.0.0.1:{port}", alertmanager.address, files)
        self.prometheus = stack.enter_context(Prometheus(folder / "prometheus", configuration))

    def told(self, receiver: str, name: str, **labels: str) -> list[dict[str, Any]]:
        """What a receiver was told of an alert, in order, since :meth:`forget`."""
        wanted = {"alertname": name, **labels}
        alerts = self.webhook.alerts(receiver_path(receiver))[self._forgotten.get(receiver, 0) :]
        return [alert for alert in alerts if wanted.items() <= alert["labels"].items()]

    def forget(self) -> None:
        """Ask no more for what was told until now."""
        receivers = (PAGER, TICKETS, HEART)
        self._forgotten = {name: len(self.webhook.alerts(receiver_path(name))) for name in receivers}

    def until_told(self, receiver: str, status: str, name: str, **labels: str) -> dict[str, Any]:
        """The alert as the receiver was told of it last, once that was with this status."""

        def last() -> dict[str, Any] | None:
            told = self.told(receiver, name, **labels)
            return told[-1] if told and told[-1]["status"] == status else None

        found = until(last, f"{name} {labels} {status} at {receiver}", PATIENCE)
        assert found is not None
        return found

    def until_healthy(self, channels: int) -> None:
        """Wait until every channel had a good probe that Prometheus knows of, and no page is open.

        Prometheus takes up to 5 s to look at its first target, whatever its configuration says. That is as long as a
        hurried canary may be absent.
        """
        query = "count(cpr_canary_channel_last_success_timestamp_seconds)"
        until(lambda: (found := self.prometheus.query(query)) and found[0].value == channels, "good probes", PATIENCE)
        until(lambda: not self._open_pages(), "no page to be open", PATIENCE)

    def _open_pages(self) -> set[str]:
        """The alerts of which the pager was told last that they fire."""
        last = {str(alert["labels"]): alert for alert in self.webhook.alerts(receiver_path(PAGER))}
        return {alert["labels"]["alertname"] for alert in last.values() if alert["status"] == "firing"}

    def until_silent(self) -> None:
        """Wait until the heartbeat has stayed away three times as long as it ever did, as a heartbeat service does."""

        def silent() -> bool:
            beats = self.webhook.received(receiver_path(HEART))
            longest = max(later - sooner for sooner, later in pairwise(beats))
            return time.monotonic() - beats[-1] > 3 * longest

        until(silent, "silence of the heartbeat", PATIENCE)
