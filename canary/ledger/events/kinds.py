"""What may happen, and what follows from each kind of event for those who keep and read them."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What may happen: to a probe, to the installation, by an operator's command, to the evidence log."""

    SCHEDULED = "scheduled"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    SIGHTING = "sighting"
    FLOOD = "flood"
    DEADLINE = "deadline"
    CONFIRM = "confirm"
    FINISHED = "finished"

    STARTED = "started"
    STOPPED = "stopped"
    CONFIGURED = "configured"
    RELOADED = "reloaded"
    HELD = "held"
    RELEASED = "released"
    CHECKED = "checked"
    TROUBLE = "trouble"
    CLOCK = "clock"
    CLOCK_STEPPED = "clock_stepped"

    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED_ALL = "stopped_all"
    CLEARED = "cleared"
    SILENCED = "silenced"
    ANNOTATED = "annotated"
    FORGOTTEN = "forgotten"

    CHECKPOINT = "checkpoint"
    TIMESTAMPED = "timestamped"
    COSIGNED = "cosigned"
    KEY_ROTATED = "key_rotated"

    @property
    def of_probe(self) -> bool:
        """It is a step of one probe, which it names."""
        return self in _OF_PROBE

    @property
    def lasting(self) -> bool:
        """Retention never empties it: gaps, scope, tombstones and the evidence follow from it."""
        return not self.of_probe and self not in _EPHEMERAL

    @property
    def by_command(self) -> bool:
        """Commands write it too, so it is no sign that a prober was alive."""
        return self in _BY_COMMAND

    @property
    def about_log(self) -> bool:
        """It only says how far the evidence log is signed: no reason to sign that again soon."""
        return self in _ABOUT_LOG


_OF_PROBE = frozenset({
    EventKind.SCHEDULED,
    EventKind.SUBMITTING,
    EventKind.SUBMITTED,
    EventKind.SIGHTING,
    EventKind.FLOOD,
    EventKind.DEADLINE,
    EventKind.CONFIRM,
    EventKind.FINISHED,
})  # fmt: skip
_EPHEMERAL = frozenset({EventKind.RELOADED, EventKind.CHECKED, EventKind.TROUBLE, EventKind.CLOCK})
_ABOUT_LOG = frozenset({EventKind.CHECKPOINT, EventKind.TIMESTAMPED, EventKind.COSIGNED})
_BY_COMMAND = _ABOUT_LOG | {
    EventKind.PAUSED,
    EventKind.RESUMED,
    EventKind.STOPPED_ALL,
    EventKind.CLEARED,
    EventKind.SILENCED,
    EventKind.ANNOTATED,
    EventKind.FORGOTTEN,
    EventKind.KEY_ROTATED,
}
