"""What keeps a probe from being sent: kill switch, pauses, blackouts, caps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from canary.config import Config
from canary.ledger import State
from canary.ledger.events import EVERY_CHANNEL, Hold
from canary.model import Component, OwnFaultError, Probe
from canary.private import kind, open_file
from canary.silence import Obstacle, WantedSilence

__all__ = ["EVERY_CHANNEL", "STOP_ALL", "Gate", "clear_stop", "stop_all", "stop_reason"]

STOP_ALL = "STOP"
"""The kill switch: while anything of this name is in the state folder, nothing is sent. Its first line says why."""

_LONGEST = 4096
"""Bytes of the kill switch that are read."""


_EACH = 2
"""Open probes that every channel may have, whatever the others have."""


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

    def silence(self, now: datetime) -> WantedSilence:
        """What somebody wants silent at ``now`` (UTC)."""
        return WantedSilence.at(now, self.config, self.state.totals, self.stopped)

    def obstacle(self, channel: str, now: datetime) -> Obstacle | None:
        """Why ``channel`` may not be probed at ``now`` (UTC), or None."""
        wanted = self.silence(now).of(channel)
        if wanted is not None:
            return wanted
        state = self.state
        cap = self.config.channels[channel].max_per_hour
        ahead = [probe for probe in self.starting.values() if probe.id not in state.open]  # each is counted once
        of_channel = sum(probe.channel == channel for probe in ahead)
        if state.scheduled_since(channel, now - timedelta(hours=1)) + of_channel >= cap:
            return Obstacle(Hold.CAP, f"cap of {cap} probes an hour reached")
        return self._too_many_open(channel, ahead)

    def _too_many_open(self, channel: str, ahead: Sequence[Probe]) -> Obstacle | None:
        """The cap on open probes, so shared that channels whose probes stay open hold no other.

        Each channel may have a few, as far as the cap goes round. Of the rest none takes more than it leaves (the
        dynamic threshold of Choudhury and Hahne, by which the ports of a switch share a buffer).
        """
        cap, channels = self.config.limits.open_probes, self.config.channels
        open_ = len(self.state.open) + len(ahead)
        left, each = cap - open_, min(_EACH, cap // len(channels))
        if left <= 0:
            return Obstacle(Hold.CAP, f"cap of {cap} open probes reached")
        if len(channels) == 1 or open_ < left - each * (len(channels) - 1):
            return None  # whoever they are of: counting them takes long where they are many
        counts = Counter(known.case.probe.channel for known in self.state.open.values())
        counts.update(probe.channel for probe in ahead)
        own = counts[channel]
        used = sum(min(each, count) for other, count in counts.items() if other != channel and other in channels)
        kept = each * (len(channels) - 1) - used
        if own < max(each, left - kept):
            return None
        return Obstacle(
            Hold.CAP, f"cap of {cap} open probes: {own} are of this channel, what is left is for the others"
        )


def stop_reason(state: Path) -> str | None:
    """Why the kill switch is thrown, or None if it is not. Follows no link, and waits for no FIFO.

    Whatever stands there counts, and so does a folder that cannot be looked into.
    """
    switch = state / STOP_ALL
    try:
        mode = switch.lstat().st_mode
        if not S_ISREG(mode):
            return f"the kill switch is {kind(mode)}, which counts too"
        with os.fdopen(open_file(switch), "rb") as file:
            words = file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"the kill switch cannot be read: {error.strerror}"
    return words.decode("utf-8", "replace").partition("\n")[0].strip() or "no reason given"


def stop_all(state: Path, reason: str) -> None:
    """Throw the kill switch: nothing is sent from now on. What stands there already throws it, and stays as it is.

    Raises OSError if it could not be thrown; a full disk keeps no more than the reason off it.
    """
    try:
        descriptor = open_file(state / STOP_ALL, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return
    with suppress(OSError), os.fdopen(descriptor, "wb") as file:
        file.write(reason.encode("utf-8", "replace") + b"\n")


def clear_stop(state: Path) -> bool:
    """Reset the kill switch, whatever it is; whether it was thrown.

    Raises OwnFaultError (component store) if it cannot be removed.
    """
    switch = state / STOP_ALL
    try:
        remove = switch.rmdir if S_ISDIR(switch.lstat().st_mode) else switch.unlink
        remove()
    except FileNotFoundError:
        return False
    except OSError as error:
        detail = f"the kill switch {switch} cannot be removed: {error.strerror}; remove it by hand"
        raise OwnFaultError(Component.STORE, "kill_switch", detail) from error
    return True
