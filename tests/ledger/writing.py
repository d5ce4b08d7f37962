"""A process that writes to a ledger and prints every number it was told is on disk.

``writing.py FOLDER NAME COUNT``: COUNT probes by four threads at once (for ever, if 0), each from its schedule to its
end; ``NAME`` tells its probes from those of others. A line an event: its number, the SHA-256 of its canonical form, and
that of the artefact of its probe.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from builders import DEADLINE, a_probe, after, report, taken

from canary.judge import judge
from canary.ledger import Event, Ledger
from canary.ledger import events as record
from canary.model import Case, DeadlineResult, Outcome

THREADS = 4


def life(probe: str, payload: str) -> Iterator[Event]:
    """The events of a probe that arrived."""
    known, seen = a_probe(probe), report(probe=probe)
    case = Case(known, after(0), seen.message_id, taken(), (seen,))
    yield record.scheduled(known, "m" * 40)
    yield record.submitting(probe, after(0), seen.message_id, payload)
    yield record.submitted(probe, after(0.5), taken(), {})
    yield record.sighting(after(11), seen, "cpr-mailbox")
    yield record.sighting(after(12), replace(seen, noticed_at=after(12)), "cpr-mailbox")  # the same again
    yield record.deadline(probe, after(DEADLINE), DeadlineResult.MET, Outcome.ARRIVED)
    yield record.finished(probe, after(DEADLINE), judge(case, after(DEADLINE), {}))


def write(ledger: Ledger, name: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        payload = ledger.artefacts.put(f"{name} {number} ".encode() * 500)
        for event in life(f"{name}{number:0{16 - len(name)}}", payload):
            added = ledger.append(event, cursor=(name, {"number": number})).result()
            for kept in added:
                line = f"{kept.seq} {record.digest(kept.canonical())} {payload}\n"
                os.write(sys.stdout.fileno(), line.encode())  # whole, whatever the other threads write


def main() -> None:
    folder, name, wanted = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    ledger = Ledger(folder)
    threads = [
        threading.Thread(
            target=write, args=(ledger, name, iter(range(first, wanted, THREADS)) if wanted else count(first, THREADS))
        )
        for first in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()


if __name__ == "__main__":
    main()
