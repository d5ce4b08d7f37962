"""What stands behind a report: is every event there, and which signed checkpoints enclose the period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from canary.audit.period import Period
from canary.ledger import Event, EventKind
from canary.ledger.event_reader import Head
from canary.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A signed head of the log: its first ``size`` events, under the Merkle root ``root`` (RFC 6962, hexadecimal)."""

    at: datetime
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Backing:
    """``before`` is the newest checkpoint at the start of the period, ``after`` the oldest that covers its end.

    Where there is none that covers the end yet, ``newest`` is what there is. ``unsigned`` events came after it.
    ``unproven`` probes of the period have a result, and no events any more to check it against.
    """

    head: Head | None
    kept: int
    before: SignedHead | None
    after: SignedHead | None
    newest: SignedHead | None
    checkpoints: int
    timestamps: int
    cosignatures: int
    keys_rotated: int
    forgotten: int
    unsigned: int
    unproven: int

    @property
    def gap_free(self) -> bool:
        """Whether as many events are there as the newest one's number says."""
        return self.head is None or self.head.seq == self.kept


def evidence(ledger: LedgerReader, period: Period) -> Backing:
    """What the ledger says of itself."""
    head = ledger.head()
    newest = _checkpoint(ledger.newest(EventKind.CHECKPOINT, head.at if head else period.until))

    def number(kind: EventKind) -> int:
        return ledger.count(kind, period.since, period.until)

    return Backing(
        head=head,
        kept=ledger.count_events(),
        before=_checkpoint(ledger.newest(EventKind.CHECKPOINT, period.since)),
        after=_checkpoint(ledger.oldest(EventKind.CHECKPOINT, period.until)),
        newest=newest,
        checkpoints=number(EventKind.CHECKPOINT),
        timestamps=number(EventKind.TIMESTAMPED),
        cosignatures=number(EventKind.COSIGNED),
        keys_rotated=number(EventKind.KEY_ROTATED),
        forgotten=number(EventKind.FORGOTTEN),
        unsigned=(head.seq if head else 0) - (newest.size if newest else 0),
        unproven=ledger.count_emptied_results(period.since, period.until),
    )


def _checkpoint(event: Event | None) -> SignedHead | None:
    return SignedHead(event.at, event.body["size"], event.body["root"]) if event and event.body else None
