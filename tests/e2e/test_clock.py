"""Clocks that are wrong or are set do not falsify a latency or an outcome."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, running, written

from canary.clock import Clock
from canary.config import load
from canary.ledger import EventKind
from canary.model import Outcome, Stage
from canary.prober.gate import stop_all
from canary.prober.runtime import assembled


class Wall:
    """A wall clock that can be set."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


def offsets(run: Run, queue: str) -> list[float]:
    """How far the clock at a queue was off, as it was told."""
    return [event.body["offset"] for event in run.events(EventKind.CLOCK) if event.body["queue"] == queue]


async def test_clock_set_forward_in_mid_probe_makes_nothing_late(ca: CaSite, tmp_path: Path) -> None:
    wall = Wall()
    async with running(configuration(ca, tmp_path), tmp_path, Clock(wall)) as run:
        await run.watching()
        ca.hold()
        probe = await run.probe()
        await run.until(lambda: run.known(probe).case.submission, "the submission")
        wall.offset = 7200.0
        await run.until(lambda: run.events(EventKind.CLOCK_STEPPED), "the step")
        ca.release()
        verdict = await run.outcome(probe)
    assert verdict.outcome is Outcome.ARRIVED


async def test_clock_that_was_wrong_and_is_set_right(ca: CaSite, tmp_path: Path) -> None:
    wall = Wall()
    wall.offset = -3600.0  # we are an hour behind the mail servers
    async with running(configuration(ca, tmp_path), tmp_path, Clock(wall)) as run:
        await run.watching()
        behind = await run.outcome(await run.probe())
        wall.offset = 0.0
        await run.until(lambda: run.events(EventKind.CLOCK_STEPPED), "the step")
        right = await run.outcome(await run.probe())
        await run.until(lambda: len(offsets(run, "cpr")) == 2, "both offsets")
        first, second = offsets(run, "cpr")
    assert (behind.outcome, right.outcome) == (Outcome.ARRIVED, Outcome.ARRIVED)
    assert 3500 < first < 3600  # the mail server was ahead of us; at least by this much
    assert second == 0
    assert behind.stages[Stage.ARRIVED] < 60


async def test_schedule_goes_on_however_the_clock_is_set(ca: CaSite, tmp_path: Path) -> None:
    wall = Wall()
    often = {"interval": "3s", "max_per_hour": 3600, "deadline": "30s", "give_up": "40s"}
    settings = load(written(configuration(ca, tmp_path, alias=often), tmp_path))
    with assembled(settings, Clock(wall)) as canary:
        task, run = asyncio.create_task(canary.prober.run()), Run(canary.prober)
        for number, offset in enumerate((0.0, -600.0, 82_800.0, 5.0)):
            wall.offset = offset
            await run.until(lambda n=number: len(run.events(EventKind.CLOCK_STEPPED)) == n, "the step")
            sent = len(run.events(EventKind.SCHEDULED))
            await run.until(lambda n=sent: len(run.events(EventKind.SCHEDULED)) >= n + 2, "two further probes")
        stop_all(settings.state, "the test has seen enough")
        await run.until(lambda: not run.ledger.state.open, "an end of every probe")
        ends, held = run.events(EventKind.FINISHED), run.events(EventKind.HELD)
        canary.stop()
        await task
    assert {(event.body["outcome"], event.body["stages"]["arrived"] < 30) for event in ends} == {("arrived", True)}
    assert {event.body["reason"] for event in held} <= {"stopped"}


async def test_mail_server_that_is_far_behind_is_noticed_though_its_times_are_not_believed(
    ca: CaSite, tmp_path: Path
) -> None:
    wall = Wall()
    wall.offset = 3600.0  # it is an hour behind us
    async with running(configuration(ca, tmp_path), tmp_path, Clock(wall)) as run:
        await run.watching()
        probe = await run.probe()
        verdict = await run.outcome(probe)
        [told] = await run.until(lambda: offsets(run, "cpr"), "the offset")
        [seen] = [event for event in run.events(EventKind.SIGHTING, probe) if event.body["place"]["queue"] == "cpr"]
    assert seen.body["source"] == "noticed"
    assert -3601 < told < -3500
    assert verdict.outcome is Outcome.ARRIVED
    assert verdict.stages[Stage.ARRIVED] < 60
