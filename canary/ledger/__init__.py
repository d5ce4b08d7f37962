"""The ledger: the append-only record of everything, and the only source of truth."""

from canary.ledger.events import Event, EventKind, Inventory, inventories
from canary.ledger.results import Result
from canary.ledger.state.fold import Book, OpenProbe
from canary.ledger.state.totals import BUCKETS, SHOWN, ChannelTotals, Histogram, Totals
from canary.ledger.store import Ledger

__all__ = [
    "BUCKETS",
    "SHOWN",
    "Book",
    "ChannelTotals",
    "Event",
    "EventKind",
    "Histogram",
    "Inventory",
    "Ledger",
    "OpenProbe",
    "Result",
    "Totals",
    "inventories",
]
