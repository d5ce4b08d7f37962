"""How much Python does for something, in function calls: a measure of growth that no other program can disturb."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def calls(what: Callable[[], object]) -> int:
    """How many functions were called in this thread until ``what`` was done."""
    number = 0

    def count(_frame: FrameType, event: str, _value: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        what()
    finally:
        sys.setprofile(before)
    return number


def is_linear(once: int, twice: int, four_times: int) -> bool:
    """Whether the work for n, 2n and 4n grows with n, whatever it costs to begin: quadratic work grows fourfold."""
    return four_times - twice < 2.6 * (twice - once)
