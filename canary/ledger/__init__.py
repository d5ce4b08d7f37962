"""The ledger: the append-only record of everything, and the only source of truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary.ledger.events import Event, EventKind, Inventory, inventories
from canary.ledger.results import Result
from canary.ledger.state import (
    AUTHENTICATED,
    BUCKETS,
    SHOWN,
    ChannelTotals,
    Histogram,
    KeptSightings,
    OpenProbe,
    State,
    Totals,
    form_digest,
)

if TYPE_CHECKING:
    from canary.ledger.store import Ledger

__all__ = [
    "AUTHENTICATED",
    "BUCKETS",
    "SHOWN",
    "ChannelTotals",
    "Event",
    "EventKind",
    "Histogram",
    "Inventory",
    "KeptSightings",
    "Ledger",
    "OpenProbe",
    "Result",
    "State",
    "Totals",
    "form_digest",
    "inventories",
]


def __getattr__(name: str) -> Any:
    """``Ledger``, which writes, when it is first asked for: a command that only reads starts without it."""
    if name != "Ledger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from canary.ledger.store import Ledger

    globals()[name] = Ledger
    return Ledger
