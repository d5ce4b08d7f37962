"""``python -m soak.stepped OFFSET_FILE ...``: the command line under a clock that is set from outside, at any moment.

The file holds the seconds by which the wall clock is wrong, as a double in the machine's order.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

_true = time.time


def under_a_set_clock(file: Path) -> None:
    """From now on this process's wall clock is wrong by what stands in the file."""
    with file.open("rb") as opened:
        page = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    time.time = lambda: _true() + struct.unpack("d", page[:8])[0]


if __name__ == "__main__":
    under_a_set_clock(Path(sys.argv.pop(1)))
    from canary.cli import main  # after the clock was changed: it is taken where it is imported

    sys.argv[0] = "cpr-canary"
    main()
