"""``python -m soak.fuzz_all SEED SECONDS``: every parser in turns, with other cases each time, until time is over."""

from __future__ import annotations

import os
import sys
import time

from soak.fuzz import FoundError, fuzz
from soak.parsers import PARSERS

_TURN = 300


def main(seed: int, seconds: float) -> int:
    """Prints how many cases were tried, and everything that was found; 1 if that is anything."""
    os.nice(10)  # the canary goes first
    until, cases, found, turn = time.monotonic() + seconds, 0, [], seed
    while time.monotonic() < until:
        for parser in PARSERS:
            try:
                cases += fuzz(parser, turn, _TURN)
            except FoundError as error:
                found.append(str(error))
            if time.monotonic() > until:
                break
        turn += 1
    told = [f"{cases} cases of {len(PARSERS)} parsers, {len(found)} broke a contract", *found[:20]]
    sys.stdout.write("\n".join(told) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2])))
