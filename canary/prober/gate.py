"""What keeps a probe from being sent: kill switch, pauses, blackouts, caps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from canary.config import Config
from canary.ledger import State
from canary.ledger.events import EVERY_CHANNEL, Hold
from canary.model import Probe

__all__ = ["EVERY_CHANNEL", "STOP_ALL", "Gate", "Obstacle", "clear_stop", "stop_all", "stop_reason"]

STOP_ALL = "STOP"
"""The kill switch: while a file of this name is in the state folder, nothing is sent. Its first line is the reason."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a probe may not be sent: a word, and a sentence for people."""

    reason: Hold
    detail: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a probe may be sent at this moment, as everything stood: pure.

    ``starting`` are the probes that are begun and may not be in the state yet, ``stopped`` is why the kill switch is
    thrown, or None.
    """

    config: Config
    state: State
    starting: Mapping[str, Probe]
    stopped: str | None

    def obstacle(self, channel: str, now: datetime) -> Obstacle | None:
        """Why ``channel`` may not be probed at ``now`` (UTC), or None."""
        if self.stopped is not None:
            return Obstacle(Hold.STOPPED, f"everything is stopped: {self.stopped}")
        state = self.state
        for name in (EVERY_CHANNEL, channel):
            if name in state.totals.paused:
                return Obstacle(Hold.PAUSED, f"paused: {state.totals.paused[name]}")
        for blackout in self.config.blackouts:
            if blackout.covers(channel, now):
                window = f"until {blackout.until:%Y-%m-%d %H:%M} UTC, approved by {blackout.approved_by}"
                return Obstacle(Hold.BLACKOUT, f"blackout {window}: {blackout.reason}")
        cap = self.config.channels[channel].max_per_hour
        ahead = [probe for probe in self.starting.values() if probe.id not in state.open]  # each is counted once
        of_channel = sum(probe.channel == channel for probe in ahead)
        if state.scheduled_since(channel, now - timedelta(hours=1)) + of_channel >= cap:
            return Obstacle(Hold.CAP, f"cap of {cap} probes an hour reached")
        if len(state.open) + len(ahead) >= self.config.limits.open_probes:
            return Obstacle(Hold.CAP, f"cap of {self.config.limits.open_probes} open probes reached")
        return None


def stop_reason(state: Path) -> str | None:
    """The reason in the kill switch's file, or None if there is none."""
    try:
        return (state / STOP_ALL).read_text(encoding="utf-8").partition("\n")[0] or "no reason given"
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return "the kill switch cannot be read"


def stop_all(state: Path, reason: str) -> None:
    """Throw the kill switch: nothing is sent from now on."""
    (state / STOP_ALL).write_text(reason + "\n", encoding="utf-8")


def clear_stop(state: Path) -> bool:
    """Reset the kill switch; whether it was thrown."""
    try:
        (state / STOP_ALL).unlink()
    except FileNotFoundError:
        return False
    return True
