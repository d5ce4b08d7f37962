"""Every probe that a period's part of the log tells of: the list from which a seed draws, and that must add up.

The list goes by numbers of events, not by times: whatever probe was scheduled or ended in one of these events is on it,
so it agrees with the totals that stand in the checkpoints at both ends. The seed draws from those in the period.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from canary.audit.bundle.files import BundleError
from canary.audit.bundle.heads import Heads
from canary.audit.bundle.sample import HEADER, Lowest
from canary.evidence.tiles import EvidenceError
from canary.ledger.events import parse_time, timestamp
from canary.ledger.reader import LedgerReader

Progress = Callable[[str], None]
_PROGRESS_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class LogPart:
    """The events beyond ``start``, up to ``end``, for what was scheduled from ``since`` on and before ``until``.

    Both numbers are sizes of checkpoints; ``start`` is 0 where none was told before.
    """

    since: datetime
    until: datetime
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: how many probes of the period there are, the SHA-256 of the whole list, and the sample."""

    count: int
    sha256: str
    drawn: list[str]


def part(ledger: LedgerReader, heads: Heads, since: datetime, until: datetime) -> LogPart:
    """The part of a period up to the newest checkpoint that the log tells of; shorter where less is signed.

    Raises BundleError where there is nothing of it, and EvidenceError.
    """
    start, end = heads.before(timestamp(since)), heads.told()
    newest = ledger.leaf(end.size)
    if newest is None:
        raise EvidenceError(f"event {end.size} is missing in the ledger")
    upto = min(until, parse_time(newest.at))
    if upto <= since:
        raise BundleError(f"nothing of the period is signed yet: the newest checkpoint ends at {newest.at[:19]} UTC")
    return LogPart(since, upto, start.size if start else 0, end.size)


def write(
    path: Path, ledger: LedgerReader, of: LogPart, lowest: Lowest | None = None, progress: Progress = lambda _: None
) -> Written:
    """Write the list to a file. Raises OSError, and OwnFaultError if the ledger cannot be read."""
    since, until, count = timestamp(of.since), timestamp(of.until), 0
    lowest = lowest or Lowest("", 0)
    with path.open("w", encoding="ascii", newline="") as file:
        file.write(f"{HEADER}\n")
        for number, row in enumerate(ledger.at(of.end).listed(of.start), 1):
            ended = f"{row.channel},{row.result},{row.outcome}\n"
            file.write(f"{row.probe},{row.seq},{row.finished or ''},{row.at},{ended}")
            if row.seq > of.start and since <= row.at < until:
                lowest.add(row.probe)
                count += 1
            if number % _PROGRESS_EVERY == 0:
                progress(f"population: {number} probes")
    with path.open("rb") as file:
        return Written(count, file_digest(file, "sha256").hexdigest(), lowest.probes())
