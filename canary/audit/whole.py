"""The whole ledger checked: every event against the signed tree; totals, results and files against the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from canary.audit.named_files import NamedFiles
from canary.audit.told_totals import ToldTotals
from canary.evidence.published import PublishedLog
from canary.evidence.selfcheck import check
from canary.evidence.tiles import WIDTH

_MOST = 20
"""Wrong results that are listed one by one."""

Progress = Callable[[str, int, int], None]
"""Told what is checked, and how many of how many events were."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What was found: nothing, if all is well.

    ``events`` were signed, under the Merkle root ``root`` (RFC 6962, hexadecimal; empty where nothing is signed);
    ``forgotten`` of them were emptied by retention. ``files`` is how many were looked at, None if that was not asked;
    ``checkpoints`` how many tell totals that were folded again.
    """

    events: int
    root: str
    forgotten: int
    results: int
    files: int | None
    problems: tuple[str, ...]
    checkpoints: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything is as it was signed."""
        return not self.problems


def check_whole(log: PublishedLog, now: datetime, progress: Progress, *, files: bool = False) -> Whole:
    """Check everything that was signed, what checkpoints tell of it, the results, and (``files``) each file named.

    In memory that does not grow with their number. Raises EvidenceError, and OwnFaultError if the ledger or a file
    cannot be read.
    """
    head, done = log.latest(), 0
    size = head.size if head else 0

    def step() -> bool:
        nonlocal done
        done = min(done + WIDTH, size)
        progress("events", done, size)
        return True

    signed = check(log, now, step)
    problems = list(signed.problems) if signed else ["nothing is signed yet"]
    count = log.ledger.count_results()
    totals = ToldTotals(log.ledger)
    wrong = log.ledger.check_results(lambda looked_at: progress("results", looked_at, count), totals.see)
    problems += _first_of(wrong, "results that the events do not say")
    problems += totals.end(size)
    progress("results", count, count)
    looked_at = NamedFiles(log.ledger) if files else None
    if looked_at:
        problems += _first_of(
            looked_at.check(lambda upto: progress("files", upto, size)), "files that are not as events name them"
        )
    return Whole(
        events=signed.size if signed else 0,
        root=head.root.hex() if head else "",
        forgotten=signed.forgotten if signed else 0,
        results=count,
        files=looked_at.number if looked_at else None,
        problems=tuple(problems),
        checkpoints=totals.number,
    )


def _first_of(wrong: Iterator[str], what: str) -> list[str]:
    listed = list(islice(wrong, _MOST))
    more = sum(1 for _ in wrong)  # to the end: others read along
    return [*listed, f"and {more} more {what}"] if more else listed
