"""What holds of every log at every moment: one history, and each event of it proved."""

from __future__ import annotations

from evidence.logging_keys import Desk

from canary.evidence.merkle import leaf_hash, root
from canary.evidence.notes import Proof
from canary.ledger import EventKind, Ledger


def leaves(ledger: Ledger) -> list[bytes]:
    return [leaf_hash(body) for _, body in ledger.leaves()]


def is_whole(desk: Desk) -> None:
    """What was ever signed is one history, the ledger's; every event is proved by the newest checkpoint."""
    hashes = leaves(desk.ledger)
    for head in desk.store.signed():
        assert head.root == root(hashes[: head.size]), f"another tree of {head.size} events was signed"
    told = [event.body["size"] for event in desk.ledger.events(kind=EventKind.CHECKPOINT)]
    assert told == sorted(told)
    note, latest = desk.log.note(), desk.log.latest()
    assert note is not None
    assert latest is not None
    note.verify(*(rotation.new for rotation in desk.log.rotations()))
    assert latest.size == told[-1]
    for seq in {1, latest.size // 2 + 1, latest.size}:
        proof = Proof.parse(str(desk.log.inclusion(seq)))
        assert proof.verify(hashes[seq - 1], *(rotation.new for rotation in desk.log.rotations())) == latest
