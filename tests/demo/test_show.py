"""What the show makes of a canary that is right, wrong, hindered by ourselves, or dead."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from canary.config import load
from canary.demo.ca import DemoCa
from canary.demo.faults import BY_NAME, FAULTS, Fault
from canary.demo.following import Canary, Shown, Turn, working
from canary.demo.screen import sentence
from canary.demo.show import Performance, beside
from canary.ledger import Ledger
from canary.model import Outcome, Stage
from canary.web import listen


class Notebook:
    """An audience that writes down what it is shown."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.flying: set[str] = set()

    def started(self, browser: str, metrics: str) -> None:
        self.notes.append("started")

    def all_is_well(self) -> None:
        self.notes.append("all is well")

    def broken(self, fault: Fault, number: int, of: int) -> None:
        self.notes.append(f"broken {fault.name} {number}/{of}")

    def mended(self, fault: Fault, told: Shown) -> None:
        self.notes.append(f"mended {fault.name}: {told.verdict.outcome}")

    def in_flight(self, probes: Sequence[Shown]) -> None:
        self.flying |= {probe.case.probe.channel for probe in probes}

    def ended(self, probe: Shown) -> None:
        self.notes.append(f"{probe.case.probe.channel} {probe.verdict.outcome}")

    def summary(self, performance: Performance) -> None:
        self.notes.append("summary")

    def staying(self) -> None:
        self.notes.append("staying")


@asynccontextmanager
async def canary(ca: DemoCa, configuration: str | None = None) -> AsyncIterator[Canary]:
    """A canary that sends only what it is asked to."""
    file = ca.folder / "canary.yaml"
    file.write_text(configuration or ca.configuration(), encoding="utf-8")
    config = load(file)
    with closing(Ledger(config.state)) as ledger, closing(listen("127.0.0.1", 0)) as listener:
        async with working(config, ledger, listener) as running:
            yield running


async def test_fault_is_shown_broken_told_mended_and_arriving_again(tmp_path: Path) -> None:
    performance, notebook = Performance([BY_NAME["departed"]], rounds=0), Notebook()
    await performance.run(tmp_path, notebook)
    assert notebook.notes[:3] == ["started", "all is well", "broken departed 1/1"]
    assert sorted(notebook.notes[3:5]) == ["alias bounced", "contact-anna arrived"]
    assert notebook.notes[5:] == ["mended departed: bounced", "alias arrived", "summary"]
    assert (performance.outcome, performance.complete) == (Outcome.ARRIVED, True)
    assert "1 of 1 faults" in sentence(performance)
    assert "2 of 2 healthy probes arrived" in sentence(performance)


async def test_fault_that_is_told_as_another_is_no_success(tmp_path: Path) -> None:
    expected_wrongly = dataclasses.replace(BY_NAME["bounce"], outcome=Outcome.JUNKED)
    performance, notebook = Performance([expected_wrongly], rounds=0), Notebook()
    await performance.run(tmp_path, notebook)
    assert "mended bounce: bounced" in notebook.notes
    assert "alias" in notebook.flying
    assert performance.outcome is Outcome.MISSING
    assert "0 of 1 faults were told apart" in sentence(performance)


async def test_password_of_ours_that_is_refused_is_our_own_fault(ca: DemoCa) -> None:
    wrong = ca.folder / "wrong.password"
    wrong.write_text("not the password\n", encoding="utf-8")
    own = str(ca.password_file("researcher"))
    async with canary(ca, ca.configuration().replace(own, str(wrong))) as running:
        refused, fine = await running.probe(
            [Turn("contact-anna", "researcher", "plain"), Turn("contact-anna", "freemail", "plain")], Notebook()
        )
    assert (refused.verdict.outcome, refused.as_wanted) == (Outcome.INDETERMINATE, False)
    assert (fine.verdict.outcome, fine.as_wanted) == (Outcome.ARRIVED, True)
    assert Performance((), 1, probes=[refused, fine]).outcome is Outcome.INDETERMINATE


async def test_prober_that_stops_ends_the_wait(ca: DemoCa) -> None:
    async with canary(ca) as running:
        running.prober.stop()
        with pytest.raises(RuntimeError, match="the prober has stopped"):
            await running.probe([Turn("contact-anna", "researcher", "plain")], Notebook())


async def test_whoever_stops_it_while_it_is_stopping_waits_until_the_ledger_is_no_longer_needed(ca: DemoCa) -> None:
    begun, signed = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with canary(ca) as running:
            stop = running.evidence.stop

            async def slow() -> None:
                begun.set()
                await asyncio.sleep(0.3)
                await stop()
                signed.set()

            running.evidence.stop = slow  # type: ignore[method-assign]

    task = asyncio.create_task(run())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert signed.is_set()


async def test_stage_is_the_last_that_was_reached(ca: DemoCa) -> None:
    async with canary(ca) as running:
        (shown,) = await running.probe([Turn("contact-tomas", "researcher", "plain")], Notebook())
    reached = {Stage.ARRIVED: 1.0, Stage.ACKNOWLEDGED: 0.5, Stage.ACCEPTED: 0.1}
    for stage in (Stage.ACKNOWLEDGED, Stage.ARRIVED, Stage.ACCEPTED):
        verdict = dataclasses.replace(shown.verdict, stages=dict(reached))
        assert dataclasses.replace(shown, verdict=verdict).stage is stage
        del reached[stage]
    verdict = dataclasses.replace(shown.verdict, stages={})
    assert dataclasses.replace(shown, verdict=verdict).stage is Stage.SUBMITTED


def test_every_fault_has_something_healthy_beside_it_that_it_does_not_hit() -> None:
    channels = ["form", "alias", "contact-anna", "contact-tomas"]
    for fault in FAULTS:
        other = beside(fault, channels)
        same = other.channel == fault.channel
        assert same == bool(fault.sender or fault.variant)
        assert not same or fault.sender != other.sender
        assert not same or fault.sender or fault.variant != other.variant
