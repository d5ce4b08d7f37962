"""How each channel, each queue and each part of ourselves stands: the one definition, for metrics, page and commands.

Pure: from what the ledger adds up to, the configuration, and what only the running process knows of itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from canary.config import Config
from canary.ledger import ChannelTotals, State
from canary.ledger.events import EVERY_CHANNEL, ON_PURPOSE
from canary.model import Depth, Outcome, Place
from canary.silence import WantedSilence

LOOP_STALLED = timedelta(seconds=30)
"""A main loop that has not gone round for so long is stuck."""

UNREAD = timedelta(minutes=10)
"""A queue that was not read for so long, and for longer than the longest deadline, is told."""

_NEEDED = ("ledger", "signing")
_WATCH = "watch "
"""Parts of :attr:`Vitals.troubles` without which nothing can be recorded, proven or seen."""


class Standing(IntEnum):
    """How something stands; the numbers are those of the metric ``cpr_canary_channel_state``."""

    FAILING = 0
    OK = 1
    UNKNOWN = 2
    """Nothing is known yet, or our own fault keeps us from knowing."""
    PAUSED = 3
    """Nothing is sent because somebody wants it so: a pause, a blackout, the kill switch."""


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """A configured channel. Times are None where there is none yet.

    ``why`` says what keeps a paused one silent; ``outcome`` is what the newest judged probe came to.
    """

    slug: str
    standing: Standing
    why: str
    outcome: Outcome | None
    last_success: datetime | None
    last_attempt: datetime | None
    in_flight: int
    totals: ChannelTotals


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue that is watched: when it was last read to its end, how full it was, and how far its clock is off ours.

    ``clock_offset`` is in seconds, None where no message has told.
    """

    place: Place
    standing: Standing
    read_at: datetime | None
    depth: Depth | None
    clock_offset: float | None


@dataclass(frozen=True, slots=True)
class PartStatus:
    """A part of ourselves, with a sentence about it unless it is well."""

    part: str
    standing: Standing
    why: str = ""
    needed: bool = True
    """Whether nothing can be said of any channel while it is not well."""

    @property
    def keeps_from_work(self) -> bool:
        """Whether the prober cannot do its work because of it."""
        return self.needed and self.standing is not Standing.OK


@dataclass(frozen=True, slots=True)
class Vitals:
    """What only the running process knows of itself.

    ``lag`` is by how many seconds the latest probe of the last round was late; ``read_at`` and ``depths`` are by queue.
    """

    last_tick: datetime | None
    lag: float
    reload_ok: bool
    reloaded_at: datetime
    read_at: Mapping[str, datetime] = field(default_factory=dict)
    depths: Mapping[str, Depth] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Every part that can tell how it is, and why it is not well; empty if it is."""
    stood_still: float = 0.0
    longest_stall: float = 0.0
    """How many seconds the main loop stood still in all, and at a stretch."""


def channels(config: Config, state: State, stopped: str | None, now: datetime) -> Iterator[ChannelStatus]:
    """Every configured channel at ``now`` (UTC), in the order of the configuration.

    ``stopped`` is why the kill switch is thrown, as it stands there (:func:`canary.prober.gate.stop_reason`).
    """
    silence = WantedSilence.at(now, config, state.totals, stopped)
    in_flight = Counter(known.case.probe.channel for known in state.open.values())
    for slug, settings in config.channels.items():
        totals = state.totals.channels.get(slug) or ChannelTotals(settings.kind, min(settings.arrives_in))
        outcome = Outcome(totals.last_outcome) if totals.last_outcome else None
        silent = silence.of(slug)
        yield ChannelStatus(
            slug=slug,
            standing=Standing.PAUSED if silent else _standing(outcome),
            why=silent.detail if silent else "",
            outcome=outcome,
            last_success=_moment(totals.last_success),
            last_attempt=_moment(totals.last_attempt),
            in_flight=in_flight[slug],
            totals=totals,
        )


def queues(config: Config, state: State, vitals: Vitals) -> Iterator[QueueStatus]:
    """Every queue that the configuration watches; one that was never read is unknown."""
    for queue, place in config.queues().items():
        read_at, clock = vitals.read_at.get(queue), state.totals.clocks.get(queue)
        standing = Standing.UNKNOWN if read_at is None else Standing.OK
        yield QueueStatus(place, standing, read_at, vitals.depths.get(queue), clock[0] if clock else None)


def parts(config: Config, state: State, vitals: Vitals, now: datetime) -> Iterator[PartStatus]:
    """The main loop, the configuration, sending, every queue, the other parts, the kill switch."""
    stuck = vitals.last_tick is None or now - vitals.last_tick > LOOP_STALLED
    yield PartStatus("main loop", Standing.FAILING, "it does not go round") if stuck else _well("main loop")
    refused = "the one that was read last was refused; the one before it is running"
    yield (
        _well("configuration")
        if vitals.reload_ok
        else PartStatus("configuration", Standing.FAILING, refused, needed=False)
    )
    yield _sending(config, state, WantedSilence.at(now, config, state.totals, state.totals.stopped))
    patience = max([UNREAD, *(timedelta(seconds=channel.deadline) for channel in config.channels.values())])
    for queue in queues(config, state, vitals):
        yield _reading(queue, now, patience)
    for part, why in vitals.troubles.items():
        needed = part in _NEEDED or part.startswith(_WATCH)
        yield PartStatus(part, Standing.FAILING, why, needed) if why else _well(part)
    stopped = state.totals.stopped
    yield (
        PartStatus("kill switch", Standing.PAUSED, f"thrown: {stopped}", needed=False)
        if stopped
        else _well("kill switch")
    )


def _sending(config: Config, state: State, silence: WantedSilence) -> PartStatus:
    """Whether something that nobody wanted keeps channels from being probed; that it keeps all, keeps us from work."""
    wanted = (slug for slug in config.channels if silence.of(slug) is None)
    holds = (state.totals.held.get(slug, state.totals.held.get(EVERY_CHANNEL)) for slug in wanted)
    held = [hold for hold in holds if hold is not None and hold not in ON_PURPOSE]
    if not held:
        return _well("sending")
    why = f"{len(held)} of {len(config.channels)} channels are held back: {', '.join(sorted(set(map(str, held))))}"
    return PartStatus("sending", Standing.FAILING, why, needed=len(held) == len(config.channels))


def _reading(queue: QueueStatus, now: datetime, patience: timedelta) -> PartStatus:
    """Whether a queue is read; one that was not for longer than a deadline lasts may have lost who reads it."""
    name = f"queue {queue.place.queue}"
    if queue.read_at is None:
        return PartStatus(name, queue.standing, "it was not read yet")
    if now - queue.read_at > patience:
        return PartStatus(name, Standing.UNKNOWN, f"it was last read at {queue.read_at:%Y-%m-%d %H:%M:%S} UTC")
    return _well(name)


def _well(part: str) -> PartStatus:
    return PartStatus(part, Standing.OK)


def _standing(outcome: Outcome | None) -> Standing:
    if outcome in (None, Outcome.INDETERMINATE):
        return Standing.UNKNOWN
    return Standing.OK if outcome is Outcome.ARRIVED else Standing.FAILING


def _moment(posix: float) -> datetime | None:
    return datetime.fromtimestamp(posix, UTC) if posix else None
