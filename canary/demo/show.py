"""What the demo shows, in order: all is well, then one fault after the other, each noticed and mended.

It only directs: the reports are sent, watched for and judged by an ordinary prober with an ordinary configuration.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from canary.config import Config, load
from canary.demo.ca import HOST, DemoCa
from canary.demo.faults import Fault
from canary.demo.following import Canary, Onlooker, Shown, Turn, working
from canary.evidence.selfcheck import Checked
from canary.ledger import Ledger
from canary.model import Component, Outcome, OwnFaultError
from canary.web import listen

SENDER, VARIANT = "researcher", "plain"
"""Who writes, and what, where a fault hits whoever writes and whatever is written."""

TO_READ_A_ROUND, TO_READ_A_FAULT, TO_READ_A_VERDICT = 2.0, 3.0, 5.0
"""Seconds that a person is given, if anybody reads along."""


class Audience(Onlooker, Protocol):
    """Who is shown what happens, at once and in order."""

    def started(self, browser: str, metrics: str) -> None:
        """Everything runs; ``metrics`` is the URL to scrape."""

    def all_is_well(self) -> None:
        """The first act begins: nothing is broken yet."""

    def broken(self, fault: Fault, number: int, of: int) -> None:
        """A fault was switched on."""

    def mended(self, fault: Fault, probe: Shown) -> None:
        """The fault was switched off; ``probe`` is what the canary made of it."""

    def summary(self, performance: Performance) -> None:
        """The show is over: say what it came to."""

    def staying(self) -> None:
        """From here on the canary probes on schedule until it is stopped."""


@dataclass(slots=True)
class Performance:
    """One showing: what is to be shown, and what came of it.

    ``rounds`` of probes through every channel come first. ``/metrics`` is served at ``host`` and ``port``, 0 for a free
    one, and may be asked for by these ``names`` too; ``stay`` goes on after the summary until cancelled; ``unhurried``
    gives people time to read. ``seconds`` is how long the acts took, and ``evidence`` what the self-check of all that
    was recorded found.
    """

    faults: Sequence[Fault]
    rounds: int
    stay: bool = False
    host: str = HOST
    port: int = 0
    names: Sequence[str] = ()
    unhurried: bool = False
    probes: list[Shown] = field(default_factory=list)
    seconds: float = 0.0
    evidence: Checked | None = None
    complete: bool = False

    @property
    def broken(self) -> list[Shown]:
        """The probes that were to tell a fault, in order."""
        return [probe for probe in self.probes if probe.turn.fault]

    @property
    def healthy(self) -> list[Shown]:
        """The probes that were to arrive."""
        return [probe for probe in self.probes if not probe.turn.fault]

    @property
    def outcome(self) -> Outcome:
        """Arrived if all was judged as it should be; indeterminate if not, and a fault of ours is among it."""
        wrong = [probe for probe in self.probes if not probe.as_wanted]
        if any(probe.verdict.outcome is Outcome.INDETERMINATE for probe in wrong):
            return Outcome.INDETERMINATE
        return Outcome.MISSING if wrong else Outcome.ARRIVED

    async def run(self, folder: Path, audience: Audience) -> None:
        """Show it; everything is kept in ``folder``. Raises OwnFaultError for a missing browser or a taken port."""
        with closing(self._listen()) as listener:
            async with DemoCa(folder) as ca:
                config = _configured(ca, folder, self.names)
                with closing(Ledger(config.state)) as ledger:
                    await self._show(ca, config, ledger, listener, audience)

    def _listen(self) -> socket.socket:
        try:
            return listen(self.host, self.port)
        except OSError as error:
            detail = f"cannot listen on {self.host}:{self.port}: {error}"
            raise OwnFaultError(Component.HTTP, "listen", detail) from error

    async def _show(
        self, ca: DemoCa, config: Config, ledger: Ledger, listener: socket.socket, audience: Audience
    ) -> None:
        async with working(config, ledger, listener) as canary:
            audience.started(await canary.ready(), f"http://{self.host}:{canary.port}/metrics")
            await self._acts(ca, canary, audience)
        self.evidence = await asyncio.to_thread(canary.evidence.check)
        self.complete = True
        audience.summary(self)
        if self.stay:  # another prober goes on with the ledger of the first, as after any restart
            async with working(config, ledger, listener, scheduled=True) as canary:
                audience.staying()
                await canary.follow_schedule(audience)

    async def _acts(self, ca: DemoCa, canary: Canary, audience: Audience) -> None:
        began, channels = canary.clock.monotonic(), list(canary.prober.config.channels)
        audience.all_is_well()
        for _ in range(self.rounds):
            self.probes += await canary.probe([Turn(channel) for channel in channels], audience)
            await self._let_read(canary, TO_READ_A_ROUND)
        for number, fault in enumerate(self.faults, 1):
            audience.broken(fault, number, len(self.faults))
            await self._act(ca, canary, audience, fault, channels)
        self.seconds = canary.clock.monotonic() - began

    async def _act(self, ca: DemoCa, canary: Canary, audience: Audience, fault: Fault, channels: Sequence[str]) -> None:
        """Break it, probe what is broken and something beside it, mend it, probe again."""
        hit = Turn(fault.channel, fault.sender or SENDER, fault.variant or VARIANT, fault)
        fault.apply(ca)
        await self._let_read(canary, TO_READ_A_FAULT)
        broken, other = await canary.probe([hit, beside(fault, channels)], audience)
        fault.mend(ca)
        audience.mended(fault, broken)
        again = await canary.probe([Turn(hit.channel, hit.sender, hit.variant)], audience)
        await self._let_read(canary, TO_READ_A_VERDICT)
        self.probes += [broken, other, *again]

    async def _let_read(self, canary: Canary, seconds: float) -> None:
        if self.unhurried:
            await canary.clock.sleep(seconds)


def _configured(ca: DemoCa, folder: Path, names: Sequence[str]) -> Config:
    file = folder / "canary.yaml"
    file.write_text(ca.configuration(), encoding="utf-8")
    config = load(file)
    return config.model_copy(update={"web": config.web.model_copy(update={"hosts": tuple(names)})})


def beside(fault: Fault, channels: Sequence[str]) -> Turn:
    """What must arrive while a fault is on: another sender or variant where it hits only one, else the next channel."""
    if fault.sender or fault.variant:
        return Turn(fault.channel, SENDER, VARIANT)
    return Turn(channels[(channels.index(fault.channel) + 1) % len(channels)], SENDER, VARIANT)
