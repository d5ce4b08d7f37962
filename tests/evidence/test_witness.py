"""Witnesses: one that checks for itself cosigns every checkpoint, and none is believed that does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence.logging_keys import Desk
from servers.witness import WitnessServer

from canary.evidence.merkle import leaf_hash
from canary.evidence.notes import Note, Proof
from canary.evidence.settings import WitnessSettings
from canary.evidence.witness import Witness, WitnessError
from canary.ledger import Event, EventKind


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.ledger.close()


@pytest.fixture
def server(desk: Desk) -> Iterator[WitnessServer]:
    with WitnessServer(desk.vkey) as running:
        yield running


def witness(desk: Desk, server: WitnessServer, name: str = "auditor") -> Witness:
    settings = WitnessSettings(name=name, url=server.url, vkey=str(server.vkey))
    return Witness(settings, desk.log, desk.ledger, desk.clock)


def checkpoint(desk: Desk, count: int = 1) -> Event:
    desk.add(count)
    desk.log.advance()
    return list(desk.ledger.events(kind=EventKind.CHECKPOINT))[-1]


async def test_every_checkpoint_is_cosigned_published_and_recorded(desk: Desk, server: WitnessServer) -> None:
    auditor = witness(desk, server)
    for count in (1, 300, 2):
        signed = checkpoint(desk, count)
        assert auditor.pending() == [signed]
        told = await auditor.do(signed)
        assert auditor.pending() == []
        note = Note.parse(told.body["note"])
        assert note.text == Note.parse(signed.body["note"]).text
        assert [key for key, _ in note.verify(desk.vkey, server.vkey)] == [desk.vkey, server.vkey]
        assert (told.body["size"], told.body["root"]) == (signed.body["size"], signed.body["root"])
        assert desk.log.published.read_text() == str(note)
    assert len(server.asked) == 3
    assert server.asked[1].startswith("/prefix/add-checkpoint\nold 2\n")
    proof = Proof.parse(str(desk.log.inclusion(1)))
    assert proof.verify(leaf_hash(dict(desk.ledger.leaves())[1]), server.vkey).size == server.seen.size


async def test_a_witness_that_stands_elsewhere_is_met_there(desk: Desk, server: WitnessServer) -> None:
    await witness(desk, server).do(checkpoint(desk, 10))
    again = witness(desk, server, "renamed")  # as if the record of it were lost
    await again.do(checkpoint(desk, 10))
    assert [asked.split("\n")[1] for asked in server.asked] == ["old 0", "old 0", "old 11"]


async def test_a_witness_that_has_seen_more_tells_of_a_fork(desk: Desk, server: WitnessServer) -> None:
    signed = checkpoint(desk, 10)
    server.answers = [(409, "text/x.tlog.size", "5000\n")]
    await refused(desk, server, signed, "fork: the witness has seen 5000 events of this log, and there are 11")


async def test_a_witness_that_has_seen_another_tree_tells_of_a_fork(desk: Desk, server: WitnessServer) -> None:
    signed = checkpoint(desk, 10)
    server.answers = [(409, "text/plain", "another root\n")]
    await refused(desk, server, signed, "fork: the witness has seen another tree of 11 events: another root")


async def test_a_history_that_is_not_ours_is_not_cosigned(desk: Desk, server: WitnessServer, tmp_path: Path) -> None:
    await witness(desk, server).do(checkpoint(desk, 10))
    other = Desk(tmp_path / "other")
    await refused(other, server, checkpoint(other, 20), "answered 422: not consistent")
    other.ledger.close()


async def test_a_cosignature_by_somebody_else_is_not_taken(desk: Desk, server: WitnessServer) -> None:
    signed = checkpoint(desk)
    with WitnessServer(desk.vkey) as stranger:
        text = Note.parse(signed.body["note"]).text
        line = stranger.cosignature(text)
        server.answers = [(200, "text/plain", f"{line}\n"), (200, "text/plain", "no signature\n")]
    await refused(desk, server, signed, "not a cosignature of the witness: not signed by witness.example/w1")
    await refused(desk, server, signed, "not a cosignature of the witness")
    server.answers = [(200, "text/plain", f"{server.cosignature(text + 'x')}\n")]
    await refused(desk, server, signed, "is not genuine")


async def test_a_log_that_the_witness_does_not_know_is_told(desk: Desk, server: WitnessServer) -> None:
    server.logs = [server.vkey]
    await refused(desk, server, checkpoint(desk), "answered 403: not signed by witness.example/w1")


async def test_a_witness_that_is_not_there_is_told(desk: Desk) -> None:
    with WitnessServer(desk.vkey) as gone:
        auditor = witness(desk, gone)
    with pytest.raises(WitnessError, match="refused"):
        await auditor.do(checkpoint(desk))
    assert auditor.pending()


async def refused(desk: Desk, server: WitnessServer, signed: Event, reason: str) -> None:
    published = desk.log.published.read_text()
    with pytest.raises(WitnessError, match=reason):
        await witness(desk, server, "suspicious").do(signed)
    assert desk.log.published.read_text() == published
    assert not [e for e in desk.ledger.events(kind=EventKind.COSIGNED) if e.body["witness"] == "suspicious"]
