"""Tells the ledger when a probe that was due is not sent, once when that begins and once when it ends."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from canary.ledger import Event, Ledger
from canary.ledger.events import EVERY_CHANNEL, ON_PURPOSE, Hold, cleared, held, released, stopped_all
from canary.silence import Obstacle, WantedSilence


class Holds:
    """What is held, as the ledger has it; what could not be recorded at once is kept here until it can be.

    Nothing waits for the ledger: an event that says nothing new is left out there, and one that could not be written
    is handed in again at the channel's next turn.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._unrecorded: dict[str, datetime] = {}
        self._silence: WantedSilence | None = None
        self._unusable_since: datetime | None = None

    def hold(self, channel: str, obstacle: Obstacle, now: datetime) -> None:
        """The probe of ``channel`` that is due at ``now`` is not sent."""
        before = self._ledger.state.totals.held.get(channel)
        if before == obstacle.reason:
            return
        news = [held(now, channel, obstacle.reason, obstacle.detail)]
        if before is not None:
            news.insert(0, released(now, channel, Hold(before), f"now {obstacle.reason}"))
        self._ledger.append(*news)

    def release(self, channel: str, now: datetime, detail: str = "") -> None:
        """A probe of ``channel`` is sent again."""
        reason = self._ledger.state.totals.held.get(channel)
        if reason is not None:
            self._ledger.append(released(now, channel, Hold(reason), detail))

    def silence(self, silence: WantedSilence, now: datetime) -> None:
        """What somebody wants silent at ``now``: holds on purpose end with it, not at their channel's next turn."""
        if silence == self._silence:
            return
        self._silence = silence
        held_on_purpose = [slug for slug, reason in self._ledger.state.totals.held.items() if reason in ON_PURPOSE]
        for channel in held_on_purpose:
            if silence.of(channel) is None:
                self.release(channel, now)

    def keep_only(self, channels: Collection[str], now: datetime) -> None:
        """Channels that are not configured any more are not held either."""
        for channel in sorted(self._ledger.state.totals.held.keys() - set(channels)):
            self.release(channel, now, "no longer configured")

    def kill_switch(self, reason: str | None, now: datetime) -> None:
        """The kill switch is seen thrown, or not (None)."""
        known = self._ledger.state.totals.stopped
        if reason is not None and known is None:
            self._ledger.append(stopped_all(now, reason))
        elif reason is None and known is not None:
            self._ledger.append(cleared(now))

    def not_recorded(self, channel: str, now: datetime) -> None:
        """The probe of ``channel`` was not sent, since the ledger could not be written; recorded when it can be."""
        self._unrecorded.setdefault(channel, now)

    def recorded(self, channel: str, now: datetime) -> None:
        """The ledger could be written for a probe of ``channel``."""
        since = self._unrecorded.pop(channel, None)
        if since is not None:
            self._ledger.append(*_over(channel, Hold.STORE, "the ledger could not be written", since, now))

    def ledger_usable(self, usable: bool, now: datetime) -> None:
        """Whether the ledger can be written: while it cannot, nothing is sent, which is told once it can again."""
        if not usable:
            self._unusable_since = self._unusable_since or now
        elif self._unusable_since is not None:
            since, self._unusable_since = self._unusable_since, None
            self._ledger.append(*_over(EVERY_CHANNEL, Hold.STORE, "the ledger could not be written", since, now))

    def stalled(self, since: datetime, now: datetime) -> None:
        """Nothing was looked at in between."""
        detail = f"the main loop stood still for {(now - since).total_seconds():.0f} s"
        self._ledger.append(*_over(EVERY_CHANNEL, Hold.STALLED, detail, since, now))


def _over(channel: str, reason: Hold, detail: str, since: datetime, now: datetime) -> tuple[Event, Event]:
    return held(now, channel, reason, detail, since), released(now, channel, reason)
