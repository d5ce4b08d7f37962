"""A fault of ours with a ticket system, in the words that all systems share which are asked over HTTP."""

from __future__ import annotations

from canary.model import Component, OwnFaultError
from canary.queues.rest.faults import RestReason


def fault(reason: RestReason, detail: str) -> OwnFaultError:
    """A fault of ours with a ticket system."""
    return OwnFaultError(Component.TICKETS, reason.value, detail)
