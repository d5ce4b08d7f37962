"""Clocks that are wrong or are set do not falsify a latency or an outcome."""

from __future__ import annotations

import time
from pathlib import Path

from servers.ca_site import CaSite
from servers.canary_run import Run, configuration, running

from canary.clock import Clock
from canary.ledger import EventKind
from canary.model import Outcome, Stage


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
