"""``python -m soak.stepped FOLDER ...``: the command line, watched, under a clock that is set from outside at will.

``FOLDER/offset`` holds the seconds by which the wall clock is wrong, as a double in the machine's order. What keeps the
event loop for long is written to ``FOLDER/stalls``, a line each: seconds of CPU, and what it was. Of CPU, since the
machine of the tests has others to serve.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

TOLD = 0.05
_true = time.time


def under_a_set_clock(file: Path) -> None:
    """From now on this process's wall clock is wrong by what stands in the file."""
    with file.open("rb") as opened:
        page = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    time.time = lambda: _true() + struct.unpack("d", page[:8])[0]


def with_stalls_told(file: Path) -> None:
    """From now on each callback of an event loop that takes long is written down."""
    run = asyncio.Handle._run

    def measured(self: asyncio.Handle) -> None:
        began = time.thread_time()
        run(self)
        took = time.thread_time() - began
        if took > TOLD:
            with suppress(OSError), file.open("a") as told:
                told.write(f"{took:.3f} {self!r:.300}\n")

    asyncio.Handle._run = measured  # type: ignore[method-assign]


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    under_a_set_clock(folder / "offset")
    with_stalls_told(folder / "stalls")
    from canary.cli import main  # after the clock was changed: it is taken where it is imported

    sys.argv[0] = "cpr-canary"
    main()
