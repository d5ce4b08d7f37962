"""A canary at work in the demo: sends the probes that the show asks for, and follows each until it ended."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from canary.clock import Clock
from canary.config import Config
from canary.demo.faults import Fault
from canary.judge import judge
from canary.ledger import Ledger
from canary.model import Case, Component, Outcome, OwnFaultError, Stage, Verdict
from canary.prober.runtime import Runtime
from canary.web import create_app, serve_on

LOOK_EVERY = 0.1
"""Seconds between two looks at what became of the probes in flight."""

SETTLE = 3.0
"""Seconds after the deadline for which a probe that is not judged as it should be is still looked at."""

_READY_WITHIN = 30.0
_STOP_WITHIN = 45.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A probe to send: where, by whom (None: whose turn it is), and the fault that it must tell, if any."""

    channel: str
    sender: str | None = None
    variant: str | None = None
    fault: Fault | None = None

    def wants(self, verdict: Verdict) -> bool:
        """Whether the verdict is what it should be."""
        if self.fault is None:
            return verdict.outcome is Outcome.ARRIVED
        right_place = self.fault.place is None or verdict.place == self.fault.place
        return verdict.outcome is self.fault.outcome and right_place and self.fault.words in verdict.reason


@dataclass(frozen=True, slots=True)
class Shown:
    """A probe as it stands. ``seconds`` since it was sent, until the canary first said what became of it.

    That is what an operator waits for; when a report arrived is told by mail servers in whole seconds.
    """

    turn: Turn
    case: Case
    verdict: Verdict
    seconds: float

    @property
    def as_wanted(self) -> bool:
        """Whether it is judged as it should be."""
        return self.turn.wants(self.verdict)

    @property
    def stage(self) -> Stage:
        """The last stage that it reached."""
        return next((stage for stage in reversed(Stage) if stage in self.verdict.stages), Stage.SUBMITTED)


class Onlooker(Protocol):
    """Who is shown what becomes of probes, at once."""

    def in_flight(self, probes: Sequence[Shown]) -> None:
        """What is on its way, at every look."""

    def ended(self, probe: Shown) -> None:
        """It can be said what became of a probe."""


@asynccontextmanager
async def working(
    config: Config, ledger: Ledger, listener: socket.socket, *, scheduled: bool = False
) -> AsyncIterator[Canary]:
    """A canary at work, its metrics served on ``listener``; stopped gracefully at the end, and if cancelled too."""
    runtime = Runtime(config, ledger, Clock())
    async with serve_on(create_app(runtime.prober), listener) as port:
        running = asyncio.create_task(runtime.run(scheduled=scheduled))
        try:
            yield Canary(runtime, running, port)
        finally:
            stopping = asyncio.create_task(_stop(runtime, running))
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError:  # whoever cancels this closes the ledger next: it must not be in use
                await stopping
                raise


async def _stop(runtime: Runtime, running: asyncio.Task[None]) -> None:
    runtime.stop()
    await asyncio.wait([running], timeout=_STOP_WITHIN)


class Canary:
    """A running prober, and what the show asks of it. Whatever ends the prober ends every wait here."""

    def __init__(self, runtime: Runtime, running: asyncio.Task[None], port: int) -> None:
        self.prober, self.evidence, self.clock = runtime.prober, runtime.evidence, runtime.clock
        self.port, self._running = port, running
        self._known_after: dict[str, float] = {}
        """By probe: after how many seconds there was an outcome."""

    async def ready(self) -> str:
        """Wait until every mailbox was read once and the browser runs; which browser it is.

        Raises OwnFaultError if there is none, or a mailbox cannot be read.
        """
        browser = await self.prober.endpoints.browser.describe()
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while self._unread():
                    await self._pause()
        except TimeoutError as error:
            detail = f"the demo's own mailboxes were not read within {_READY_WITHIN:g} s: {', '.join(self._unread())}"
            raise OwnFaultError(Component.IMAP, "unread", detail) from error
        return browser

    async def probe(self, turns: Sequence[Turn], onlooker: Onlooker) -> list[Shown]:
        """Send a probe for each turn, all at the same time; how each of them ended, in the order of the turns."""
        sent = {await self.prober.probe(t.channel, sender=t.sender, variant=t.variant): t for t in turns}
        flying, ended = dict(sent), dict[str, Shown]()
        while flying:
            await self._pause()
            ended |= self._look(flying, onlooker)
        return [ended[probe] for probe in sent]

    async def follow_schedule(self, onlooker: Onlooker) -> None:
        """Show what is sent on schedule, for ever."""
        flying: dict[str, Turn] = {}
        known = self._open().keys()
        while True:
            opened = self._open()
            flying |= {probe: Turn(case.probe.channel) for probe, case in opened.items() if probe not in known}
            known = opened.keys()
            self._look(flying, onlooker)
            await self._pause()

    def _unread(self) -> list[str]:
        return sorted(self.prober.config.queues().keys() - self.prober.intake.read_at.keys())

    def _open(self) -> dict[str, Case]:
        found = sorted(self.prober.ledger.state.open.values(), key=lambda known: known.scheduled)
        return {known.case.probe.id: known.case for known in found}

    def _look(self, flying: dict[str, Turn], onlooker: Onlooker) -> dict[str, Shown]:
        """Look at every probe in flight; takes those out that have ended, and returns them."""
        views = {probe: self._view(probe, turn) for probe, turn in flying.items()}
        ended = {probe: view for probe, view in views.items() if self._is_over(view)}
        for probe in ended:
            del flying[probe]
        onlooker.in_flight([views[probe] for probe in flying])
        for view in ended.values():
            onlooker.ended(view)
        return ended

    def _view(self, probe: str, turn: Turn) -> Shown:
        known = self.prober.ledger.find(probe)
        if known is None:
            raise RuntimeError(f"probe {probe} is not in the ledger")
        verdict = judge(known.case, self.prober.intake.now(), self.prober.intake.read_at)
        seconds = self._age(known.case)
        if verdict.outcome is not None:
            seconds = self._known_after.setdefault(probe, seconds)
        return Shown(turn, known.case, verdict, seconds)

    def _is_over(self, view: Shown) -> bool:
        """Judged as it should be, or otherwise for so long that it will stay so; and submitting it has ended too.

        A report may be seen before the form's thank-you page was: that stage is not left out for being late. The judge
        says something of every probe once twice its deadline is over.
        """
        still_submitting = view.case.submission is None and not view.verdict.final
        if view.verdict.outcome is None or still_submitting:
            return False
        return view.as_wanted or view.verdict.final or self._age(view.case) > view.case.probe.deadline + SETTLE

    def _age(self, case: Case) -> float:
        return (self.prober.intake.now() - case.started_at).total_seconds()

    async def _pause(self) -> None:
        if self._running.done():
            self._running.result()
            raise RuntimeError("the prober has stopped")
        await self.clock.sleep(LOOK_EVERY)
