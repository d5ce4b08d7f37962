"""The ledger: the append-only record of everything, and the only source of truth."""

from __future__ import annotations

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
)
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
    "inventories",
]
