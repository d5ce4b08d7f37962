"""The evidence of a running canary as it ends or changes, though a key, an authority or a witness hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from evidence.serving import ORIGIN, add, at_work, change, count, opened, threads, troubles, tsa_settings, until
from servers.polling import until as until_then
from servers.tsa import Tsa
from servers.witness import WitnessServer

from canary.evidence import generation as module
from canary.evidence.keys import FileKeys, Signer
from canary.evidence.notes import VKey
from canary.evidence.settings import EvidenceSettings
from canary.ledger import EventKind, Ledger
from canary.model import OwnFaultError

pytestmark = pytest.mark.usefixtures("impatient")


@dataclass
class Hsm:
    """A key store that may hang while it signs, as a hardware module does whose connection is lost."""

    keys: FileKeys
    let_go: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def signers(self) -> list[Signer]:
        return [HangingSigner(self, signer) for signer in self.keys.signers()]

    def create(self) -> Signer:
        return HangingSigner(self, self.keys.create())

    def remove(self, vkey: VKey) -> None:
        self.keys.remove(vkey)


@dataclass
class HangingSigner:
    hsm: Hsm
    signer: Signer

    @property
    def vkey(self) -> VKey:
        return self.signer.vkey

    def sign(self, message: bytes) -> bytes:
        self.hsm.asked += message.startswith(ORIGIN.encode())  # a statement of a key is signed at once
        if message.startswith(ORIGIN.encode()):
            self.hsm.let_go.wait()
        return self.signer.sign(message)


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hsm]:
    made = Hsm(FileKeys(tmp_path / "hsm", ORIGIN))
    monkeypatch.setattr(module, "key_store", lambda *_: made)
    yield made
    made.let_go.set()
    until_then(lambda: not threads(), "the end of what was given up")


async def test_the_configuration_may_change_while_it_runs(tmp_path: Path, ledger: Ledger) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        evidence = opened(ledger, tmp_path)
        add(ledger)
        evidence.start()
        await until(evidence.latest, "a checkpoint")
        await change(evidence, EvidenceSettings.model_validate({"timestamps": [tsa_settings("new", tsa)]}))
        await until(lambda: count(ledger, EventKind.TIMESTAMPED, tsa="new"), "a time-stamp by the new one")
        await evidence.stop()


async def test_it_ends_all_that_it_began(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    before = at_work()
    evidence.start()
    assert at_work() > before
    await evidence.stop()
    assert at_work() == before


async def test_it_ends_though_the_key_hangs_and_then_records_nothing(
    tmp_path: Path, ledger: Ledger, hsm: Hsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOP_WITHIN", 0.2)
    evidence = opened(ledger, tmp_path)
    add(ledger)
    evidence.start()
    await until(lambda: hsm.asked, "a signature that does not come")
    await evidence.stop()
    assert at_work() == set()
    assert given_up(ledger) == ["stopped before it was done: sign"]
    hsm.let_go.set()
    await until(lambda: not threads(), "the end of what was given up")
    assert count(ledger, EventKind.CHECKPOINT) == 0
    assert not evidence.log.published.exists()
    again = opened(ledger, tmp_path).advance()
    assert again is not None
    assert count(ledger, EventKind.CHECKPOINT) == 1


async def test_it_ends_though_the_key_hangs_at_the_last_signature(
    tmp_path: Path, ledger: Ledger, hsm: Hsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOP_WITHIN", 0.2)
    hsm.let_go.set()
    evidence = opened(ledger, tmp_path)
    add(ledger)
    evidence.start()
    await until(lambda: count(ledger, EventKind.CHECKPOINT), "a checkpoint")
    await until(lambda: evidence.checked is not None, "a self-check")
    hsm.let_go.clear()
    add(ledger)
    await evidence.stop()
    assert given_up(ledger) == ["stopped before it was done: the last checkpoint"]
    hsm.let_go.set()
    await until(lambda: not threads(), "the end of what was given up")
    assert count(ledger, EventKind.CHECKPOINT) == 1


async def test_while_the_key_hangs_nobody_else_waits_for_ever(
    tmp_path: Path, ledger: Ledger, hsm: Hsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOP_WITHIN", 0.2)
    monkeypatch.setattr("canary.evidence.log._ALONE_WITHIN", 0.1)
    evidence = opened(ledger, tmp_path)
    add(ledger)
    evidence.start()
    await until(lambda: hsm.asked, "a signature that does not come")
    assert await asyncio.to_thread(evidence.advance) is None
    await asyncio.to_thread(evidence.forget)
    await until(lambda: len(troubles(ledger)) == 2, "both troubles")
    details = [event.body["detail"] for event in ledger.events(kind=EventKind.TROUBLE)]
    assert details == [f"somebody else has been writing {evidence.folder} for 0.1 s"] * 2
    assert evidence.figures().last_verify_success is None  # that is no fork
    await evidence.stop()


async def test_it_ends_at_once_though_an_authority_and_a_witness_hang(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOP_WITHIN", 3600.0)
    with Tsa(tmp_path / "tsa") as tsa, Tsa(tmp_path / "witness") as deaf, WitnessServer(a_key(tmp_path)) as witness:
        tsa.let_go.clear()
        deaf.let_go.clear()
        evidence = opened(
            ledger,
            tmp_path,
            timestamps=[tsa_settings("one", tsa) | {"timeout": "1h"}],
            witnesses=[{"name": "deaf", "url": deaf.url, "vkey": str(witness.vkey), "timeout": "1h"}],
        )
        add(ledger)
        evidence.start()
        await until(lambda: tsa.queries and deaf.queries, "both are asked")
        await evidence.stop()
        assert at_work() == set()
        await until(lambda: not threads(), "the end of every thread")
        tsa.let_go.set()
        deaf.let_go.set()
    assert troubles(ledger) == []
    assert count(ledger, EventKind.TIMESTAMPED) == count(ledger, EventKind.COSIGNED) == 0
    assert count(ledger, EventKind.CHECKPOINT) == 1


async def test_a_change_while_an_authority_hangs_leaves_one_that_asks_it(tmp_path: Path, ledger: Ledger) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        tsa.let_go.clear()
        evidence = opened(ledger, tmp_path, timestamps=[tsa_settings("one", tsa) | {"timeout": "1h"}])
        add(ledger)
        evidence.start()
        await until(lambda: tsa.queries == 1, "it is asked")
        await change(evidence, changed(tsa, "2s"))
        assert at_work() == {"evidence-sign", "evidence-check", "evidence-one"}
        await until(lambda: tsa.queries == 2, "it is asked by the new one")
        tsa.let_go.set()
        await until(lambda: count(ledger, EventKind.TIMESTAMPED), "the time-stamp")
        await evidence.stop()
        await until(lambda: not threads(), "the end of every thread")
    stamped = [event.body["size"] for event in ledger.events(kind=EventKind.TIMESTAMPED)]
    assert stamped == sorted(set(stamped))


async def test_changes_at_once_are_made_one_after_another(tmp_path: Path, ledger: Ledger) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        tsa.let_go.clear()
        evidence = opened(ledger, tmp_path, timestamps=[tsa_settings("one", tsa)])
        add(ledger)
        evidence.start()
        following = [evidence.prepare(changed(tsa, every)) for every in ("2s", "2s", "3s", "2s")]
        await asyncio.gather(*(evidence.switch(one) for one in following if one))
        assert at_work() == {"evidence-sign", "evidence-check", "evidence-one"}
        assert evidence.settings == changed(tsa, "2s")
        await asyncio.gather(evidence.stop(), change(evidence, changed(tsa, "4s")))
        assert at_work() == set()
        tsa.let_go.set()


async def test_a_change_that_cannot_be_made_leaves_the_running_one(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    evidence.start()
    with pytest.raises(OwnFaultError, match="no package brings evidence keys of the kind 'absent'"):
        await change(evidence, EvidenceSettings.model_validate({"key": {"plugin": {"name": "absent"}}}))
    assert at_work() == {"evidence-sign", "evidence-check"}
    assert evidence.settings == EvidenceSettings()
    await evidence.stop()


def given_up(ledger: Ledger) -> list[str]:
    """What was told at the end; every event is on disk by then."""
    add(ledger)
    return [event.body["detail"] for event in ledger.events(kind=EventKind.TROUBLE)]


def changed(tsa: Tsa, every: str) -> EvidenceSettings:
    return EvidenceSettings.model_validate({"timestamps": [tsa_settings("one", tsa) | {"every": every}]})


def a_key(folder: Path) -> VKey:
    """The key that will sign in this folder."""
    return FileKeys(folder / "evidence/key", ORIGIN).create().vkey
