"""The ledger: the append-only record of everything, and the only source of truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary.ledger.events import Event, EventKind, Inventory, inventories
from canary.ledger.results import Result
from canary.ledger.state import BUCKETS, SHOWN, ChannelTotals, Histogram, OpenProbe, State, Totals

if TYPE_CHECKING:
    from canary.ledger.store import Ledger

__all__ = [
    "BUCKETS",
    "SHOWN",
    "ChannelTotals",
    "Event",
    "EventKind",
    "Histogram",
    "Inventory",
    "Ledger",
    "OpenProbe",
    "Result",
    "State",
    "Totals",
    "inventories",
]


def __getattr__(name: str) -> Any:
    """``Ledger`` is imported by whoever writes: what makes the tables takes longer to load than a command to read."""
    if name != "Ledger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from canary.ledger.store import Ledger

    return Ledger
