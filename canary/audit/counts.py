"""What probes came to, added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from canary.model import DeadlineResult

@dataclass(slots=True)
class Counts:
    """Probes by what their deadline found. Indeterminate is our own fault; it is shown apart, and in no share."""

    met: int = 0
    missed: int = 0
    indeterminate: int = 0
    undecided: int = 0
    """Ended without a deadline result: stopped before anything was decided."""

    def add(self, result: str | None, number: int) -> None:
        """Count ``number`` more probes with this deadline result."""
        name = result if result in list(DeadlineResult) else "undecided"
        setattr(self, name, getattr(self, name) + number)

    def join(self, other: Counts) -> None:
        """Count what ``other`` counted, too."""
        self.met += other.met
        self.missed += other.missed
        self.indeterminate += other.indeterminate
        self.undecided += other.undecided

    @property
    def judged(self) -> int:
        """Probes that say something of the channel."""
        return self.met + self.missed

    @property
    def total(self) -> int:
        """All probes that ended."""
        return self.judged + self.indeterminate + self.undecided

    @property
    def availability(self) -> float | None:
        """The part of the judged probes that met their deadline, or None where none was judged."""
        return self.met / self.judged if self.judged else None


@dataclass(slots=True)
class Latencies:
    """Seconds, counted by value: bounded memory whatever the period.

    What is put in is rounded to three digits (see :func:`canary.audit.population.rounded`), so a quantile is right to
    0.5 %; the maximum is rounded as well.
    """

    counts: Counter[float] = field(default_factory=Counter)

    def add(self, seconds: float, number: int = 1) -> None:
        """Count ``number`` more of this value."""
        self.counts[seconds] += number

    def join(self, other: Latencies) -> None:
        """Count what ``other`` counted, too."""
        self.counts.update(other.counts)

    @property
    def total(self) -> int:
        """How many were put in."""
        return self.counts.total()

    @property
    def maximum(self) -> float | None:
        """The largest, or None."""
        return max(self.counts, default=None)

    def quantile(self, share: float) -> float | None:
        """The nearest-rank quantile: the smallest value that at least ``share`` of all do not exceed; None of none."""
        wanted, seen = share * self.total, 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= wanted:
                return value
        return None

    def histogram(self, bounds: tuple[float, ...]) -> list[int]:
        """How many are at or below each bound and above the one before; the last number is above every bound."""
        numbers = [0] * (len(bounds) + 1)
        for value, count in self.counts.items():
            numbers[next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds))] += count
        return numbers
