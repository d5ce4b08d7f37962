"""A page arrives, a mended channel is told as mended, and a dead canary is noticed by its silence.

Everything is real: the demo CA and what breaks in it, the canary and the kill -9, HTTP between them all, Debian's
Prometheus and Alertmanager. Their files are the shipped ones, sixty times as fast (see :mod:`servers.hurried`).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import hurried
from servers.alertmanager import Alertmanager, Webhook
from servers.polling import listening, tail, until
from servers.ports import Ports
from servers.prometheus import Prometheus

from canary.demo.ca import DemoCa
from canary.demo.faults import BY_NAME, Fault

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = ("cpr-canary.rules.yaml", "cpr-canary.alerts.yaml")
ROUTES = DEPLOY / "alertmanager" / "alertmanager.example.yml"

TIMES = {"interval": "4s", "deadline": "5s", "give_up": "60s", "acknowledged_within": "5s"}
"""Of every channel; the shipped 10 m and 15 m, hurried like the rules, would be 10 s and 15 s."""

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


def configured(ca: DemoCa, folder: Path, port: int) -> Path:
    """The demo's own configuration, with short intervals, without the form (a browser proves nothing here)."""
    tree = yaml.safe_load(ca.configuration())
    tree["web"] = {"listen": f"127.0.0.1:{port}"}
    del tree["channels"]["form"]
    for channel in tree["channels"].values():
        channel.update(TIMES)
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


class Canary:
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


@contextmanager
def watched(ca: DemoCa, folder: Path) -> Iterator[tuple[Canary, Watch]]:
    """A canary that probes the demo CA, and all that watches over it."""
    with ExitStack() as stack:
        ports = Ports()
        stack.callback(ports.close)
        port = ports.reserve()
        canary = Canary(configured(ca, folder, port))
        stack.callback(canary.end)
        canary.start()
        until(lambda: listening(("127.0.0.1", port)), "the canary", PATIENCE)
        yield canary, Watch(stack, folder, port)


@pytest.mark.timeout(400)
async def test_page_arrives_its_end_is_told_and_a_dead_canary_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    folder.mkdir()
    async with DemoCa(folder) as ca:
        await asyncio.to_thread(story, ca, tmp_path)


def story(ca: DemoCa, folder: Path) -> None:
    with watched(ca, folder) as (canary, watch):
        watch.until_healthy(channels=3)
        watch.until_told(HEART, "firing", "CPRCanaryWatchdog")
        watch.forget()
        one_channel_is_paged_for_and_its_end_is_told(ca, BY_NAME["silent-drop"], watch)
        watch.forget()
        the_dead_canary_is_noticed(canary, watch)
        watch.forget()
        canary.start()
        watch.until_told(PAGER, "resolved", "CPRCanaryAbsent")
        watch.until_told(HEART, "firing", "CPRCanaryWatchdog")


def one_channel_is_paged_for_and_its_end_is_told(ca: DemoCa, fault: Fault, watch: Watch) -> None:
    fault.apply(ca)
    page = watch.until_told(PAGER, "firing", "CPRCanaryChannelDown")
    assert page["labels"]["channel"] == fault.channel
    assert fault.channel in page["annotations"]["description"]
    assert page["annotations"]["runbook_url"].endswith("#cprcanarychanneldown")
    watch.until_told(TICKETS, "firing", "CPRCanaryChannelDown", channel=fault.channel)
    fault.mend(ca)
    watch.until_told(PAGER, "resolved", "CPRCanaryChannelDown", channel=fault.channel)
    paged = {alert["labels"]["channel"] for alert in watch.told(PAGER, "CPRCanaryChannelDown")}
    assert paged == {fault.channel}, "channels that were well were paged for too"


def the_dead_canary_is_noticed(canary: Canary, watch: Watch) -> None:
    canary.kill()
    watch.until_silent()
    watch.until_told(PAGER, "firing", "CPRCanaryAbsent")
