"""A page arrives, a mended channel is told as mended, and a dead canary is noticed by its silence.

Everything is real: the demo CA and what breaks in it, the canary and the kill -9, HTTP between them all, Debian's
Prometheus and Alertmanager. Their files are the shipped ones, sixty times as fast (see :mod:`servers.hurried`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from servers.paging import HEART, PAGER, PATIENCE, TICKETS, CanaryProcess, Watch
from servers.polling import listening, until
from servers.ports import Ports

from canary.demo.ca import DemoCa
from canary.demo.faults import BY_NAME, Fault

TIMES = {"interval": "4s", "deadline": "5s", "give_up": "60s", "acknowledged_within": "5s"}
"""Of every channel; the shipped 10 m and 15 m, hurried like the rules, would be 10 s and 15 s."""


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


@contextmanager
def watched(ca: DemoCa, folder: Path) -> Iterator[tuple[CanaryProcess, Watch]]:
    """A canary that probes the demo CA, and all that watches over it."""
    with ExitStack() as stack:
        ports = Ports()
        stack.callback(ports.close)
        port = ports.reserve()
        canary = CanaryProcess(configured(ca, folder, port))
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


def the_dead_canary_is_noticed(canary: CanaryProcess, watch: Watch) -> None:
    canary.kill()
    watch.until_silent()
    watch.until_told(PAGER, "firing", "CPRCanaryAbsent")
