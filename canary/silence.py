"""What somebody wants silent: kill switch, pauses, blackouts. The one definition, for who sends and for who shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from canary.config import Config
from canary.config.sections import Blackout
from canary.ledger import Totals
from canary.ledger.events import EVERY_CHANNEL, Hold


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a probe may not be sent: a word, and a sentence for people."""

    reason: Hold
    detail: str


@dataclass(frozen=True, slots=True)
class WantedSilence:
    """All that keeps channels from being probed at one moment since somebody wants it so, whether or not one is due.

    ``stopped`` is why the kill switch is thrown, or None; ``paused`` has the reason by channel, ``*`` stands for all.
    """

    stopped: str | None
    paused: Mapping[str, str]
    blackouts: tuple[Blackout, ...]

    @classmethod
    def at(cls, now: datetime, config: Config, totals: Totals, stopped: str | None) -> Self:
        """What is in force at ``now`` (UTC)."""
        return cls(stopped, totals.paused, tuple(b for b in config.blackouts if b.start <= now < b.until))

    def of(self, channel: str) -> Obstacle | None:
        """Why ``channel`` may not be probed, or None."""
        if self.stopped is not None:
            return Obstacle(Hold.STOPPED, f"kill switch: {self.stopped}")
        for name in (EVERY_CHANNEL, channel):
            if name in self.paused:
                return Obstacle(Hold.PAUSED, f"paused: {self.paused[name]}")
        for blackout in self.blackouts:
            if blackout.rests(channel):
                window = f"until {blackout.until:%Y-%m-%d %H:%M} UTC, approved by {blackout.approved_by}"
                return Obstacle(Hold.BLACKOUT, f"blackout {window}: {blackout.reason}")
        return None
