"""What the operator binds himself to before he knows the seed: the end of the log, and the list of all probes.

Commit, then challenge: whoever hears the seed first can make lists, and choose beginnings and ends of the log, until
one is drawn that hides what he wants hidden. The file of a commitment is canonical JSON; the auditor keeps it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from canary.audit.bundle import population
from canary.audit.bundle.files import BundleError
from canary.audit.bundle.heads import Heads
from canary.audit.bundle.population import LogPart, Progress
from canary.audit.bundle.sample import Lowest
from canary.budgets import COMMITMENT, BudgetError
from canary.evidence.notes import Checkpoint
from canary.evidence.published import PublishedLog
from canary.ledger import EventKind
from canary.ledger.canonical import canonical
from canary.ledger.events import parse_time, timestamp

FORMAT = "cpr-canary-commitment@1"


@dataclass(frozen=True, slots=True)
class Commitment:
    """The part of the log that a period is about, the root hash (hexadecimal) at its end, and the list of its probes.

    ``challenge`` says which public randomness is to be the seed, where it is not the auditor's to choose.
    """

    origin: str
    part: LogPart
    root: str
    population: str
    """SHA-256 of the list."""
    count: int
    """Probes of the period, on which a seed may fall."""
    challenge: str | None = None

    def written(self) -> bytes:
        """The bytes of its file."""
        part = self.part
        return canonical(
            {
                "format": FORMAT,
                "origin": self.origin,
                "period": {
                    "from": timestamp(part.since),
                    "to": timestamp(part.until),
                    "start": part.start,
                    "end": part.end,
                },
                "root": self.root,
                "population": {"sha256": self.population, "count": self.count},
                "challenge": self.challenge,
            }
        )


def read(path: Path) -> Commitment:
    """The inverse of :meth:`Commitment.written`. Raises OSError, and BundleError for a file that is none."""
    try:
        value: dict[str, Any] = json.loads(COMMITMENT.read_path(path))
        period, listed = value["period"], value["population"]
        found = Commitment(
            str(value["origin"]),
            LogPart(parse_time(period["from"]), parse_time(period["to"]), int(period["start"]), int(period["end"])),
            str(value["root"]),
            str(listed["sha256"]),
            int(listed["count"]),
            value["challenge"],
        )
        if value["format"] != FORMAT:
            raise BundleError(f"{path} is of the format {value['format']!r:.80}, wanted {FORMAT}")
    except (ValueError, LookupError, TypeError, RecursionError, BudgetError) as error:
        raise BundleError(f"{path} is no commitment: {error!s:.200}") from error
    return found


def commit(
    log: PublishedLog,
    since: datetime,
    until: datetime,
    challenge: str | None = None,
    progress: Progress = lambda _: None,
) -> Commitment:
    """Bind to the period as it is signed now.

    Raises BundleError where its end is not signed yet, EvidenceError, OwnFaultError and OSError.
    """
    heads = signed_heads(log)
    part = population.part(log.ledger, heads, since, until)
    if part.until < until:
        raise BundleError(
            f"the log tells of no checkpoint that is as late as the end of the period ({until:%F %T} UTC), only of one "
            f"up to {part.until:%F %T}: commit when it has, which takes two checkpoints of `cpr-canary run`"
        )
    with TemporaryDirectory() as folder:
        listed = population.write(Path(folder) / "population.csv", log.ledger, part, progress=progress)
    head = Checkpoint.parse(heads.note(part.end).text)
    return Commitment(head.origin, part, head.root.hex(), listed.sha256, listed.count, challenge)


def draw(
    log: PublishedLog, bound: Commitment, seed: str, size: int, path: Path, progress: Progress = lambda _: None
) -> list[str]:
    """Write the list that was bound to into a file; returns the sample of it, lowest rank first.

    Raises BundleError where the list is not that any more, OwnFaultError and OSError.
    """
    listed = population.write(path, log.ledger, bound.part, Lowest(seed, size), progress)
    if listed.sha256 != bound.population:
        raise BundleError(
            f"the list of probes has the SHA-256 {listed.sha256}, and {bound.population} was bound to: the results in "
            "the ledger are not those of that time (`cpr-canary audit verify-log` says which)"
        )
    return listed.drawn


def signed_heads(log: PublishedLog) -> Heads:
    """Every checkpoint that was signed. Raises BundleError where there is none."""
    newest = next(log.ledger.events(kind=EventKind.CHECKPOINT, newest=1), None)
    if newest is None:
        raise BundleError("no checkpoint was signed yet: `cpr-canary run` signs one soon after it began")
    return Heads(log.ledger, newest.body["size"])
