"""Drives parsers with hostile input by a seed: counts cases, and fails with the input that broke a contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from soak.hostile import Language

SLOWEST = 1.0
"""Seconds of CPU that one case may take."""

_NOISE = 0.15
"""Seconds of CPU below which no growth is looked at: all of it may be noise."""
_STEEPEST = 10.0
"""How many times as long four times as much may take: four is linear, sixteen quadratic."""
_LARGEST = 48_000


class FoundError(AssertionError):
    """An input broke the contract of a parser."""


@dataclass(frozen=True)
class Parser:
    """One parser of ours: what it reads, and the errors that it may raise; a case is ``parse(input)``."""

    name: str
    parse: Callable[[bytes], Any]
    language: Language
    may_raise: tuple[type[BaseException], ...] = ()
    costly: int = 1
    """How many times as much a case costs as one of the cheap parsers: so many times fewer of them are tried."""

    def try_one(self, case: bytes) -> None:
        """Raises FoundError if the contract is broken."""
        began = time.thread_time()
        try:
            self.parse(case)
        except self.may_raise:
            pass
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise FoundError(f"{self.name}: {error!r} for {shown(case)}") from error
        took = time.thread_time() - began
        if took > SLOWEST and self._fastest(case) > SLOWEST:
            raise FoundError(f"{self.name}: {took:.2f} s of CPU for {len(case)} bytes: {shown(case)}")

    def try_growth(self, rng: Random) -> None:
        """Raises FoundError if a repeated piece costs more than linear time."""
        before, piece, after = self.language.unit(rng)
        cases = [before + piece * (size // len(piece)) + after for size in (_LARGEST // 4, _LARGEST)]
        small, large = map(self._cpu, cases)
        if large > _NOISE and large > _STEEPEST * small:
            small, large = map(self._fastest, cases)
            if large > _NOISE and large > _STEEPEST * small:
                raise FoundError(
                    f"{self.name}: {small:.3f} s of CPU for {len(cases[0])} bytes, {large:.3f} s for {len(cases[1])}: "
                    f"{shown(before)} + {piece!r} * n + {shown(after)}"
                )

    def _fastest(self, case: bytes) -> float:
        return min(self._cpu(case) for _ in range(3))

    def _cpu(self, case: bytes) -> float:
        began = time.thread_time()
        try:
            self.parse(case)
        except self.may_raise:
            pass
        except Exception as error:
            raise FoundError(f"{self.name}: {error!r} for {shown(case)}") from error
        return time.thread_time() - began


def shown(case: bytes) -> str:
    """An input, so that it can be tried again; a long one by its beginning, with a way to have the whole."""
    return repr(case) if len(case) <= 400 else f"{case[:400]!r}... ({len(case)} bytes; the seed makes it again)"


def fuzz(parser: Parser, seed: int, cases: int) -> int:
    """Try so many cases, every hundredth of them for how it grows; returns how many. Raises FoundError."""
    rng = Random(f"{parser.name} {seed}")
    number = max(1, cases // parser.costly)
    for index in range(number):
        try:
            if index % 100 == 50:
                parser.try_growth(rng)
            else:
                parser.try_one(parser.language.case(rng))
        except FoundError as error:
            raise FoundError(f"{error}\nseed {seed}, case {index} of {parser.name}") from error.__cause__
    return number
