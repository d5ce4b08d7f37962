"""How much we take from outside before we say enough: bytes, time, number and depth, for every reader, in one place.

Whoever reads something foreign names its budget here, and tells by :class:`BudgetError` that it was reached.
"""

from __future__ import annotations

from dataclasses import dataclass

from canary.model import CanaryError

KIB, MIB = 1 << 10, 1 << 20


class BudgetError(CanaryError, ValueError):
    """Somebody sent more, longer, or deeper than we take; the text says what, and the limit with its unit."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one exchange with one outsider may cost; None where the reader knows no such measure.

    ``received`` are bytes as they come, ``decoded`` bytes after decompression or decoding, ``seconds`` the whole
    exchange by the steady clock (not the wait between two bytes), ``number`` how many pieces, ``depth`` how deep one
    may stand in another.
    """

    what: str
    received: int | None = None
    decoded: int | None = None
    seconds: float | None = None
    number: int | None = None
    depth: int | None = None
