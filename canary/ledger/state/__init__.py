"""What follows from the events: the fold, and the immutable values that it arrives at."""

from canary.ledger.state.due import Due
from canary.ledger.state.fold import Find, Fold, fold_probe
from canary.ledger.state.judged import form_digest
from canary.ledger.state.snapshot import dump, restore
from canary.ledger.state.state import OpenProbe, State
from canary.ledger.state.surplus import KeptSightings
from canary.ledger.state.totals import AUTHENTICATED, BUCKETS, SHOWN, ChannelTotals, Histogram, Newest, Totals

__all__ = [
    "AUTHENTICATED",
    "BUCKETS",
    "SHOWN",
    "ChannelTotals",
    "Due",
    "Find",
    "Fold",
    "Histogram",
    "KeptSightings",
    "Newest",
    "OpenProbe",
    "State",
    "Totals",
    "dump",
    "fold_probe",
    "form_digest",
    "restore",
]
