"""The evidence of a running canary: one generation of it after another, as the configuration changes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from canary.clock import Clock
from canary.evidence.generation import Figures, Generation
from canary.evidence.log import EvidenceLog
from canary.evidence.notes import Checkpoint
from canary.evidence.selfcheck import Checked
from canary.evidence.settings import EvidenceSettings
from canary.ledger import Ledger

if TYPE_CHECKING:
    from canary.evidence.timestamps import Authority
    from canary.evidence.witness import Witness

__all__ = ["Evidence", "Figures"]


class Evidence:
    """The evidence of one ledger, in ``STATE/evidence``. Does nothing by itself before :meth:`start`."""

    def __init__(self, settings: EvidenceSettings, state: Path, origin: str, ledger: Ledger, clock: Clock) -> None:
        """Raises OwnFaultError if the keys cannot be used."""
        self.folder, self.origin = state / "evidence", origin
        self._ledger, self._clock = ledger, clock
        self._changing = asyncio.Lock()
        self._running = False
        self.generation = self._new(settings)

    def _new(self, settings: EvidenceSettings) -> Generation:
        return Generation(settings, self.folder, self.origin, self._ledger, self._clock)

    @property
    def settings(self) -> EvidenceSettings:
        """The configuration that holds now."""
        return self.generation.settings

    @property
    def log(self) -> EvidenceLog:
        """The log that is signed."""
        return self.generation.log

    @property
    def authorities(self) -> list[Authority]:
        """The time-stamping authorities that are asked."""
        return self.generation.authorities

    @property
    def witnesses(self) -> list[Witness]:
        """The witnesses that are asked."""
        return self.generation.witnesses

    @property
    def checked(self) -> Checked | None:
        """What the last self-check found."""
        return self.generation.checked

    def start(self) -> None:
        """Begin to sign, time-stamp, cosign and check, on the running event loop."""
        self._running = True
        self.generation.start()

    async def stop(self) -> None:
        """Sign what is new a last time, and end for good, within a bounded time whatever hangs."""
        async with self._changing:
            self._running = False
            await self.generation.stop(signing=True)

    def prepare(self, settings: EvidenceSettings) -> Generation | None:
        """The evidence as another configuration has it, proven and not begun; None if that is as it is now.

        Callable from any thread. Raises OwnFaultError if its keys cannot be used, and whatever a plug-in raises.
        """
        if settings == self.settings:
            return None
        following = self._new(settings)
        following.prove()
        return following

    async def switch(self, following: Generation) -> None:
        """Go on with what was prepared, unless it is not at work; within some 20 seconds, whatever hangs."""
        async with self._changing:
            if following.settings == self.settings or not self._running:
                return
            try:
                await self.generation.stop(signing=False)
            finally:
                self.generation = following
                following.start()

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint; None if there is none, or none that can be read (which is logged, not raised)."""
        return self.generation.latest()

    def carried(self) -> tuple[int, str] | None:
        """Size and root hash (hexadecimal) of the newest checkpoint that we know of, as reports carry them."""
        head = self.generation.carried()
        return (head.size, head.root.hex()) if head else None

    def advance(self) -> Checkpoint | None:
        """Sign what is new, now. A failure is recorded and logged, not raised."""
        return self.generation.advance()

    def forget(self) -> None:
        """Empty in the published bundles what retention has emptied. A failure is recorded and logged, not raised."""
        self.generation.forget()

    def troubles(self) -> dict[str, str]:
        """By part why it is not well, empty if it is: what signs, what checks, each authority and each witness."""
        return self.generation.troubles()

    def check(self) -> Checked | None:
        """Check the whole log now. Returns None if nothing was signed yet."""
        return self.generation.check()

    def figures(self) -> Figures:
        """What the metrics tell. Cheap: what was found last."""
        return self.generation.figures()
