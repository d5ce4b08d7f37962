"""A canary put together, once: ledger, evidence, prober and retention, for ``run``, ``probe``, the demo and tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from canary.clock import Clock
from canary.config import Config
from canary.evidence.service import Evidence
from canary.ledger import Ledger
from canary.prober.loop import REST, Prober
from canary.prober.mark_keys import keys_of
from canary.prober.retention import forget_daily
from canary.threads import in_thread

_FORGET_WITHIN = 10.0
"""Seconds in which retention must have ended when the canary stops; what it has not done is due again."""


class Runtime:
    """The parts of one canary, which share a ledger and a clock. Made by :func:`assembled`; does nothing by itself."""

    def __init__(
        self, config: Config, ledger: Ledger, clock: Clock, rng: Random | None = None, rest: float = REST
    ) -> None:
        """``rng`` and ``rest``: as :class:`canary.prober.loop.Prober` has them."""
        self.ledger, self.clock = ledger, clock
        self.evidence = Evidence(config.evidence, config.state, config.origin, ledger, clock)
        self.prober = Prober(config, ledger, keys_of(ledger), self.evidence, clock, rng, rest)

    async def run(self, *, scheduled: bool = True) -> None:
        """Probe on schedule and forget what is old, or only watch and judge; sign as configured; until :meth:`stop`."""
        self.evidence.start()
        forgetting = asyncio.create_task(forget_daily(self.prober, self.clock)) if scheduled else None
        try:
            await self.prober.run(scheduled=scheduled)
        finally:
            if forgetting is not None:
                forgetting.cancel()
                await asyncio.wait([forgetting], timeout=_FORGET_WITHIN)
            await self.evidence.stop()

    async def watch(self) -> None:
        """Watch and judge beside the canary that runs, until :meth:`stop`; sign once at the end, and stamp nothing."""
        try:
            await self.prober.run(scheduled=False)
        finally:
            await in_thread(self.evidence.advance)

    def stop(self) -> None:
        """Send nothing new, let what is being sent end, then return from :meth:`run` or :meth:`watch`."""
        self.prober.stop()


@contextmanager
def assembled(config: Config, clock: Clock | None = None, rng: Random | None = None) -> Iterator[Runtime]:
    """A canary for ``config``, its ledger open while the context lasts.

    Raises OwnFaultError if the ledger, the keys of marks or those of the evidence cannot be used.
    """
    clock = clock or Clock()
    ledger = Ledger(config.state, clock)
    try:
        yield Runtime(config, ledger, clock, rng)
    finally:
        ledger.close()
