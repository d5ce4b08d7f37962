"""The period of a report: whole days, UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first instant of ``first`` to the last of ``last``. Raises ValueError if it ends before it begins."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"the period ends on {self.last}, before it begins on {self.first}")

    @property
    def since(self) -> datetime:
        """The first instant of the first day, UTC."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.last, time(), UTC) + _DAY

    def days(self) -> Iterator[date]:
        """Each day of the period, in order."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + number * _DAY

    def months(self) -> list[str]:
        """Each month that it touches, as ``2026-03``."""
        return list(dict.fromkeys(f"{day:%Y-%m}" for day in self.days()))

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"
