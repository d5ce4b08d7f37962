"""Times by several clocks, of which any may be wrong, of things that happened one after the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def put_right(times: Sequence[float]) -> list[float]:
    """Times that never go back: those of the most clocks that agree stay, the others move as little as they must.

    Of as many that agree, the later ones are believed. Quadratic in the number of times, one at least.
    """
    agreeing = _longest_run(times)
    found: list[float] = []
    low, upper = float("-inf"), [times[index] for index in agreeing]
    for index, time in enumerate(times):
        below = upper[0] if upper else float("inf")
        low = upper.pop(0) if index in agreeing else min(max(time, low), below)
        found.append(low)
    return found


def _longest_run(times: Sequence[float]) -> list[int]:
    """The indexes of the longest part of the times, in their order, that does not go back."""
    length, after = [1] * len(times), [-1] * len(times)
    for first in reversed(range(len(times))):
        for second in range(first + 1, len(times)):
            if times[second] >= times[first] and length[second] + 1 >= length[first]:
                length[first], after[first] = length[second] + 1, second
    run = [max(range(len(times)), key=lambda index: (length[index], index))]
    while after[run[-1]] >= 0:
        run.append(after[run[-1]])
    return run
