"""What keeps a probe from being sent: kill switch, pauses, blackouts, caps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from canary.config import Config
from canary.ledger import Ledger
from canary.ledger.events import EVERY_CHANNEL, Hold

__all__ = ["EVERY_CHANNEL", "STOP_ALL", "Gate", "Obstacle", "clear_stop", "stop_all", "stop_reason"]

STOP_ALL = "STOP"
"""The kill switch: while a file of this name is in the state folder, nothing is sent. Its first line is the reason."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a probe may not be sent: a word, and a sentence for people."""

    reason: Hold
    detail: str


class Gate:
    """The switches of one configuration."""

    def __init__(self, config: Config, ledger: Ledger) -> None:
        self._config, self._ledger = config, ledger

    def stopped(self) -> str | None:
        """Why everything is stopped, or None."""
        return stop_reason(self._config.state)

    def obstacle(self, channel: str, now: datetime, *, starting: int) -> Obstacle | None:
        """Why ``channel`` may not be probed now, or None; ``starting`` probes are about to be open."""
        if reason := self.stopped():
            return Obstacle(Hold.STOPPED, f"everything is stopped: {reason}")
        state = self._ledger.state
        for name in (EVERY_CHANNEL, channel):
            if name in state.totals.paused:
                return Obstacle(Hold.PAUSED, f"paused: {state.totals.paused[name]}")
        for blackout in self._config.blackouts:
            if blackout.covers(channel, now):
                window = f"until {blackout.until:%Y-%m-%d %H:%M} UTC, approved by {blackout.approved_by}"
                return Obstacle(Hold.BLACKOUT, f"blackout {window}: {blackout.reason}")
        cap = self._config.channels[channel].max_per_hour
        if state.scheduled_since(channel, now - timedelta(hours=1)) >= cap:
            return Obstacle(Hold.CAP, f"cap of {cap} probes an hour reached")
        if len(state.open) + starting >= self._config.limits.open_probes:
            return Obstacle(Hold.CAP, f"cap of {self._config.limits.open_probes} open probes reached")
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
    """Throw the kill switch."""
    (state / STOP_ALL).write_text(reason + "\n", encoding="utf-8")


def clear_stop(state: Path) -> bool:
    """Reset the kill switch; whether it was thrown."""
    try:
        (state / STOP_ALL).unlink()
    except FileNotFoundError:
        return False
    return True
