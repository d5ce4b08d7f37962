"""The whole ledger checked: every event against the signed tree, every result against the events it was made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from canary.evidence.published import PublishedLog
from canary.evidence.selfcheck import check
from canary.evidence.tiles import WIDTH

_MOST = 20
"""Wrong results that are listed one by one."""

Progress = Callable[[str, int, int], None]
"""Told what is checked, and how many of how many events were."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What was found: nothing, if all is well. ``forgotten`` of the events were emptied by retention."""

    events: int
    forgotten: int
    results: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it was signed."""
        return not self.problems


def check_whole(log: PublishedLog, now: datetime, progress: Progress) -> Whole:
    """Check everything that was signed, and the table of results; in memory that does not grow with their number.

    Raises EvidenceError, and OwnFaultError if the ledger cannot be read.
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
    wrong = log.ledger.check_results(lambda looked_at: progress("results", looked_at, count))
    problems += islice(wrong, _MOST)
    if next(wrong, None):
        problems.append(f"and more than {_MOST} results that the events do not say")
    progress("results", count, count)
    return Whole(signed.size if signed else 0, signed.forgotten if signed else 0, count, tuple(problems))
