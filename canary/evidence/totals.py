"""The running totals that stand in every checkpoint: what was due, what became of it, and what probes came to.

They are a table, a line a channel, of which a checkpoint has the SHA-256 and the sum of each column. The tables of the
first and the last checkpoint of a day and of those that are asked for are kept as artefacts; every other follows from
the one before it and the events since. So nobody can choose afterwards which probes there were.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from canary.ledger import ChannelTotals, Totals
from canary.ledger.events import Hold, digest
from canary.ledger.state.due import Absence
from canary.ledger.state.totals import UNDECIDED
from canary.model import DeadlineResult, Outcome

HELD = tuple(f"held_{reason}" for reason in (*Hold, *Absence))
RESULTS = tuple(f"result_{result}" for result in (*DeadlineResult, UNDECIDED))
OUTCOMES = tuple(f"outcome_{outcome}" for outcome in Outcome)
COLUMNS = ("due", "turns", "looks", *HELD, "unaccounted", "scheduled", "sent", *RESULTS, *OUTCOMES)
"""The columns of a table after that of the channel; ``due`` is the sum of those from ``turns`` to ``unaccounted``."""

Counts = Mapping[str, int]
"""By column, zeros left out."""


@dataclass(frozen=True, slots=True)
class Table:
    """The totals of every channel by its slug, as of a number of events and a time."""

    channels: Mapping[str, Counts]

    @property
    def sums(self) -> Counts:
        """Those of all channels together, zeros left out."""
        found: dict[str, int] = {}
        for counts in self.channels.values():
            for column, number in counts.items():
                found[column] = found.get(column, 0) + number
        return found

    def written(self) -> bytes:
        """CSV (RFC 4180, LF at the end of a line): a header, and a line a channel in the order of their slugs."""
        lines = [",".join(("channel", *COLUMNS))]
        for slug, counts in sorted(self.channels.items()):
            lines.append(",".join((slug, *[str(counts.get(column, 0)) for column in COLUMNS])))
        return ("\n".join(lines) + "\n").encode()


def table(totals: Totals, at: datetime) -> Table:
    """The table as of ``at``, from what the events up to then add up to."""
    now = at.timestamp()
    return Table({slug: dict(_counts(known, totals, now)) for slug, known in totals.channels.items()})


def read(content: bytes) -> Table:
    """The inverse of :meth:`Table.written`. Raises ValueError or LookupError for other bytes."""
    rows = csv.DictReader(io.StringIO(content.decode()))
    return Table(
        {row["channel"]: {name: int(row[name]) for name in COLUMNS if row[name] != "0"} for row in rows},
    )


def told(found: Table, written: bytes, *, kept: bool) -> dict[str, object]:
    """What a checkpoint tells of a table: the SHA-256 of its bytes, whether they are an artefact yet, and the sums."""
    return {"channels": digest(written), "kept": kept, "sums": dict(found.sums)}


def _counts(known: ChannelTotals, totals: Totals, now: float) -> Iterator[tuple[str, int]]:
    number, due = known.due_by(now, totals.down_since)
    several = (
        ("due", number),
        ("turns", known.turns),
        ("looks", known.looks),
        *((f"held_{reason}", number) for reason, number in due.held.items()),
        ("unaccounted", due.unaccounted),
        ("scheduled", known.attempted),
        ("sent", known.sent),
        *((f"result_{result}", number) for result, number in known.results.items()),
        *((f"outcome_{outcome}", number) for outcome, number in known.finished.items()),
    )
    return ((column, number) for column, number in several if number)
