"""What probes came to, added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Probes by what their deadline found. Indeterminate is our own fault; it is shown apart, and in no share."""

    met: int = 0
    missed: int = 0
    indeterminate: int = 0
    undecided: int = 0
    """Ended without a deadline result: stopped before anything was decided."""

    def add(self, result: str | None, number: int = 1) -> None:
        """Count ``number`` more probes with this deadline result."""
        match result:
            case "met":
                self.met += number
            case "missed":
                self.missed += number
            case "indeterminate":
                self.indeterminate += number
            case _:
                self.undecided += number

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
        """All probes that have a result, or ended without one."""
        return self.judged + self.indeterminate + self.undecided

    @property
    def availability(self) -> float | None:
        """The part of the judged probes that met their deadline, or None where none was judged."""
        return self.met / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Percentiles:
    """How long reports took, in seconds."""

    p50: float
    p95: float
    p99: float
    most: float


class Latencies(Counter[float]):
    """Seconds, counted by value: bounded memory whatever the period.

    What is put in has three digits (:class:`canary.ledger.result_reader.Counted`), so a quantile is right to 0.5 %.
    """

    def quantile(self, share: float) -> float | None:
        """The nearest-rank quantile: the smallest value that at least ``share`` of all do not exceed; None of none."""
        wanted, seen = share * self.total(), 0
        for value in sorted(self):
            seen += self[value]
            if seen >= wanted:
                return value
        return None

    def percentiles(self) -> Percentiles | None:
        """Those that a report shows; None if there is no value."""
        values = [self.quantile(share) for share in (0.5, 0.95, 0.99, 1.0)]
        return None if None in values else Percentiles(*values)  # type: ignore[arg-type]

    def histogram(self, bounds: tuple[float, ...]) -> list[int]:
        """How many are at or below each bound and above the one before; the last number is above every bound."""
        numbers = [0] * (len(bounds) + 1)
        for value, count in self.items():
            numbers[next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds))] += count
        return numbers


@dataclass(slots=True)
class Group:
    """Some of the probes: what they came to, how long those that arrived took, and as what the others missed."""

    counts: Counts = field(default_factory=Counts)
    arrived: Latencies = field(default_factory=Latencies)
    causes: Counter[str] = field(default_factory=Counter)
