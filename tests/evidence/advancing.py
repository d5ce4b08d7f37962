"""A process that adds events and advances the log again and again, until it is killed.

``advancing.py FOLDER``. Prints the size of each checkpoint that it was told is signed.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from evidence.logging_keys import Desk


def main() -> None:
    desk = Desk(Path(sys.argv[1]))
    chance = random.Random(desk.ledger.state.seq)
    while True:
        desk.add(chance.randint(1, 90))
        desk.later(minutes=5)
        head = desk.log.advance()
        assert head is not None
        sys.stdout.write(f"{head.size}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
