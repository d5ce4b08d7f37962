"""What the evidence costs: an event with and without it, and a proof among millions of events.

Run as ``python tests/bench/bench_evidence.py [LEAVES]``: prints one JSON object, and a table to standard error.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from canary.evidence.merkle import inclusion_proof, leaf_hash, verify_inclusion
from canary.evidence.service import Evidence
from canary.evidence.settings import EvidenceSettings
from canary.evidence.tiles import Tiles
from canary.ledger import Event, EventKind, Ledger

EVENTS, CLIENTS = 20_000, 20
LEAVES = 2_000_000
PROOFS = 500


def cpu() -> float:
    """Seconds of processor that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def append(folder: Path, *, evidence: bool) -> float:
    """CPU microseconds an event, everything included, with a checkpoint every second or none."""
    ledger = Ledger(folder)
    body = {"component": "imap", "reason": "unreachable", "detail": "x" * 400}
    stop = threading.Event()
    log = Evidence(EvidenceSettings(), folder, "ca.test/bench", ledger, lambda: datetime.now(UTC))

    def sign() -> None:
        while not stop.wait(1):
            log.advance()

    def client() -> None:
        for _ in range(EVENTS // CLIENTS):
            ledger.append(Event(EventKind.TROUBLE, datetime.now(UTC), body))
        ledger.append().result()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    before = cpu()
    if evidence:
        threads.append(threading.Thread(target=sign))
    for thread in threads:
        thread.start()
    for thread in threads[:CLIENTS]:
        thread.join()
    stop.set()
    for thread in threads[CLIENTS:]:
        thread.join()
    if evidence:
        log.advance()
    used = cpu() - before
    ledger.close()
    return used / EVENTS * 1e6


@contextmanager
def tree(leaves: int) -> Iterator[tuple[Path, float]]:
    """A tree of generated leaves, and the CPU microseconds a leaf that it took to write."""
    with TemporaryDirectory() as folder:
        tiles = Tiles(Path(folder))
        before = cpu()
        tiles.extend(0, (b"%d" % index for index in range(leaves)))
        yield Path(folder), (cpu() - before) / leaves * 1e6


def proofs(folder: Path, leaves: int, *, cold: bool) -> list[float]:
    """Milliseconds an inclusion proof takes from the tiles, each one verified."""
    chance, times, tiles = random.Random(1), [], Tiles(folder)
    root = tiles.root(leaves)
    for _ in range(PROOFS):
        index = chance.randrange(leaves)
        tiles = Tiles(folder) if cold else tiles
        begun = time.perf_counter()
        proof = inclusion_proof(index, leaves, tiles.nodes(leaves))
        times.append((time.perf_counter() - begun) * 1000)
        if not verify_inclusion(leaf_hash(b"%d" % index), index, leaves, proof, root):
            raise AssertionError(f"the proof of leaf {index} does not verify")
    return times


def main(leaves: int = LEAVES) -> dict[str, Any]:
    """Measure, print a table, return the numbers."""
    numbers: dict[str, Any] = {"events": EVENTS, "leaves": leaves}
    costs: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(3):  # interleaved: what else the machine does hits both
        for with_evidence, found in costs.items():
            with TemporaryDirectory() as folder:
                found.append(append(Path(folder), evidence=with_evidence))
    numbers["event_us"], numbers["event_with_evidence_us"] = (min(found) for found in costs.values())
    with tree(leaves) as (folder, each):
        numbers["leaf_us"] = each
        warm, cold = proofs(folder, leaves, cold=False), proofs(folder, leaves, cold=True)
    numbers["proof_ms"], numbers["proof_ms_p99"] = median(warm), sorted(warm)[-len(warm) // 100]
    numbers["proof_cold_ms"], numbers["proof_cold_ms_p99"] = median(cold), sorted(cold)[-len(cold) // 100]
    rows = [
        ("CPU an event, without evidence", f"{numbers['event_us']:.0f} us"),
        ("CPU an event, signed every second", f"{numbers['event_with_evidence_us']:.0f} us"),
        (f"CPU a leaf into tiles, {leaves} of them", f"{each:.1f} us"),
        ("inclusion proof, median and 99 %", f"{numbers['proof_ms']:.2f} and {numbers['proof_ms_p99']:.2f} ms"),
        ("the same, nothing cached", f"{numbers['proof_cold_ms']:.2f} and {numbers['proof_cold_ms_p99']:.2f} ms"),
    ]
    sys.stderr.write("".join(f"{what:<40}{told}\n" for what, told in rows))
    return numbers


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*map(int, sys.argv[1:2]))) + "\n")
