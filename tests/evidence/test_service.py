"""The evidence of a running canary: signed, stamped and cosigned by itself; what fails holds nothing else up."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from servers.polling import until as until_then
from servers.tsa import Tsa
from servers.witness import WitnessServer

from canary.clock import Clock
from canary.evidence import generation as module
from canary.evidence.keys import FileKeys, Signer
from canary.evidence.notes import VKey
from canary.evidence.service import Evidence
from canary.evidence.settings import EvidenceSettings
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.retention import Retention, Rule
from canary.model import OwnFaultError
from canary.prober.retention import forget
from canary.simulated import SimulatedClock

ORIGIN = "ca.example/cpr-canary"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_RETRY", 0.05)
    monkeypatch.setattr(module, "_LAST_RETRY", 0.2)


def now() -> datetime:
    return datetime.now(UTC)


def opened(ledger: Ledger, folder: Path, **given: object) -> Evidence:
    return Evidence(EvidenceSettings.model_validate(given), folder, ORIGIN, ledger, Clock())


async def change(evidence: Evidence, settings: EvidenceSettings) -> None:
    following = await asyncio.to_thread(evidence.prepare, settings)
    if following is not None:
        await evidence.switch(following)


async def until(ready: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(until_then, ready, what)


def add(ledger: Ledger) -> None:
    ledger.append(Event(EventKind.PAUSED, now(), {"channels": [], "reason": "x", "by": "y"})).result()


def count(ledger: Ledger, kind: EventKind, **body: object) -> int:
    return sum(all(event.body[k] == v for k, v in body.items()) for event in ledger.events(kind=kind))


def troubles(ledger: Ledger) -> list[str]:
    return [f"{e.body['component']}/{e.body['reason']}" for e in ledger.events(kind=EventKind.TROUBLE)]


def at_work() -> set[str]:
    """The tasks of the evidence, and the threads in which they work."""
    tasks = [task.get_name() for task in asyncio.all_tasks()]
    assert len(tasks) == len(set(tasks))
    return {name for name in tasks if name.startswith("evidence-")}


def threads() -> list[threading.Thread]:
    """The threads in which anything works for the evidence."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("canary-")]


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


def tsa_settings(name: str, tsa: Tsa) -> dict[str, object]:
    return {"name": name, "url": tsa.url, "ca_file": str(tsa.ca_file), "every": "1s"}


async def test_everything_happens_by_itself(tmp_path: Path, ledger: Ledger) -> None:
    key = FileKeys(tmp_path / "evidence/key", ORIGIN).create()
    with Tsa(tmp_path / "tsa") as tsa, WitnessServer(key.vkey) as witness:
        evidence = opened(
            ledger,
            tmp_path,
            timestamps=[tsa_settings("one", tsa)],
            witnesses=[{"name": "auditor", "url": witness.url, "vkey": str(witness.vkey)}],
        )
        add(ledger)
        evidence.start()
        await until(lambda: count(ledger, EventKind.TIMESTAMPED, tsa="one"), "a time-stamp")
        await until(lambda: count(ledger, EventKind.COSIGNED, witness="auditor"), "a cosignature")
        await until(lambda: evidence.checked is not None, "a self-check")
        await evidence.stop()
    head = evidence.latest()
    assert head is not None
    assert evidence.carried() == (head.size, head.root.hex())
    figures = evidence.figures()
    assert (figures.last_verify_success, figures.pending_timestamps) == (True, 0)
    assert figures.size_bytes > (tmp_path / "ledger.sqlite").stat().st_size
    for moment in (figures.last_checkpoint, figures.last_verify, figures.last_timestamp):
        assert moment is not None
        assert abs(moment - now().timestamp()) < 120
    assert troubles(ledger) == []


async def test_an_authority_that_is_down_holds_up_no_other_and_is_asked_again(tmp_path: Path, ledger: Ledger) -> None:
    with Tsa(tmp_path / "up") as up, Tsa(tmp_path / "down") as down:
        down.down = True
        evidence = opened(ledger, tmp_path, timestamps=[tsa_settings("down", down), tsa_settings("up", up)])
        add(ledger)
        evidence.start()
        await until(lambda: count(ledger, EventKind.TIMESTAMPED, tsa="up"), "the time-stamp of the other one")
        await until(lambda: down.queries > 3, "several tries")
        assert evidence.figures().pending_timestamps == 1
        assert troubles(ledger) == ["http/timestamp"]  # once, not at each try
        down.down = False
        await until(lambda: count(ledger, EventKind.TIMESTAMPED, tsa="down"), "its time-stamp at last")
        await until(lambda: evidence.figures().pending_timestamps == 0, "nothing pending")
        await evidence.stop()


async def test_what_was_pending_is_still_so_after_a_restart(tmp_path: Path, ledger: Ledger) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        tsa.down = True
        first = opened(ledger, tmp_path, timestamps=[tsa_settings("one", tsa)])
        add(ledger)
        first.start()
        await until(lambda: tsa.queries, "a try")
        await first.stop()
        tsa.down = False
        second = opened(ledger, tmp_path, timestamps=[tsa_settings("one", tsa)])
        second.start()
        await until(lambda: count(ledger, EventKind.TIMESTAMPED), "the time-stamp")
        await second.stop()


async def test_a_fork_is_told_and_nothing_more_is_signed(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    add(ledger)
    head = evidence.advance()
    tile = next((tmp_path / "evidence/log/tile/0").rglob("2"))
    tile.write_bytes(bytes(64))
    again = opened(ledger, tmp_path)
    add(ledger)
    assert again.advance() == head
    assert again.figures().last_verify_success is False
    await until(lambda: troubles(ledger) == ["store/evidence"], "the trouble")
    assert again.advance() == head
    assert count(ledger, EventKind.CHECKPOINT) == 1
    assert count(ledger, EventKind.TROUBLE) == 1


async def test_a_key_that_cannot_be_used_is_told_and_forgiven(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    add(ledger)
    head = evidence.advance()
    (tmp_path / "evidence/key").chmod(0o644)
    add(ledger)
    assert evidence.advance() == head
    await until(lambda: troubles(ledger) == ["config/evidence_key"], "the trouble")
    assert evidence.figures().last_verify_success is None
    (tmp_path / "evidence/key").chmod(0o600)
    later = evidence.advance()
    assert head is not None
    assert later is not None
    assert later.size > head.size


def test_a_checkpoint_that_cannot_be_read_stops_no_probe(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    assert evidence.carried() is None
    add(ledger)
    head = evidence.advance()
    assert head is not None
    evidence.log.published.write_text("nonsense")
    assert evidence.carried() == (head.size, head.root.hex())  # that it was signed is known
    assert opened(ledger, tmp_path).carried() is None


def test_a_check_that_finds_something_is_kept_for_the_next_start(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    assert evidence.check() is None
    add(ledger)
    evidence.advance()
    shutil.rmtree(tmp_path / "evidence/log/tile/entries")
    found = evidence.check()
    assert found is not None
    assert found.problems == ("tile/entries/000.p/2 is missing",)
    assert json.loads((tmp_path / "evidence/verified.json").read_text())["problems"]
    assert opened(ledger, tmp_path).figures().last_verify_success is False


async def test_what_the_self_check_finds_is_recorded(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    add(ledger)
    evidence.advance()
    shutil.rmtree(tmp_path / "evidence/log/tile/entries")
    evidence.start()
    await until(lambda: "store/evidence" in troubles(ledger), "the trouble")
    await evidence.stop()
    [told] = [event for event in ledger.events(kind=EventKind.TROUBLE) if event.body["reason"] == "evidence"][:1]
    assert "tile/entries/000.p/2 is missing" in told.body["detail"]


async def test_the_configuration_may_change_while_it_runs(tmp_path: Path, ledger: Ledger) -> None:
    with Tsa(tmp_path / "tsa") as tsa:
        evidence = opened(ledger, tmp_path)
        add(ledger)
        evidence.start()
        await until(evidence.latest, "a checkpoint")
        await change(evidence, EvidenceSettings.model_validate({"timestamps": [tsa_settings("new", tsa)]}))
        await until(lambda: count(ledger, EventKind.TIMESTAMPED, tsa="new"), "a time-stamp by the new one")
        await evidence.stop()


def test_a_checkpoint_is_due_when_the_day_ends(tmp_path: Path, ledger: Ledger) -> None:
    clock = SimulatedClock(datetime(2026, 3, 1, 23, 58, tzinfo=UTC))
    evidence = Evidence(EvidenceSettings(), tmp_path, ORIGIN, ledger, clock)
    assert timedelta(seconds=evidence.generation.until_next()) == timedelta(minutes=2, milliseconds=100)
    clock.advance(180)
    assert evidence.generation.until_next() == 300


async def test_it_ends_all_that_it_began(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    before = at_work()
    evidence.start()
    assert at_work() > before
    await evidence.stop()
    assert at_work() == before


def test_what_retention_empties_is_signed_before_and_in_no_bundle_after(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    body = {"component": "imap", "reason": "lost", "detail": "personal"}
    old = Event(EventKind.TROUBLE, now() - timedelta(days=400), body)
    ledger.append(*[old] * 300).result()
    add(ledger)
    work = Retention(ledger, {rule: timedelta(days=90) for rule in Rule})
    forget(work, evidence, now())
    bundles = [path for path in (tmp_path / "evidence/log/tile/entries").rglob("*") if path.is_file()]
    assert len(bundles) > 1
    assert b"personal" not in b"".join(path.read_bytes() for path in bundles)
    found = evidence.check()
    assert found is not None
    assert (found.problems, found.forgotten) == ((), 300)
    assert evidence.log.inclusion(7).checkpoint == evidence.log.note()


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


def test_what_is_not_signed_is_not_emptied(tmp_path: Path, ledger: Ledger) -> None:
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))
    evidence = Evidence(EvidenceSettings(), tmp_path, ORIGIN, ledger, clock)
    told = Event(EventKind.TROUBLE, clock.now(), {"component": "imap", "reason": "lost", "detail": "personal"})
    ledger.append(told).result()
    evidence.advance()
    ledger.append(*[told] * 10).result()
    clock.advance(400 * 86400)
    work = Retention(ledger, {Rule.EVENTS: timedelta(days=90)})
    (tmp_path / "evidence/key").chmod(0o644)  # so that nothing can be signed
    [first] = forget(work, evidence, clock.now())
    (tmp_path / "evidence/key").chmod(0o600)
    [second] = forget(work, evidence, clock.now())
    assert (first.count, second.count) == (1, 10)
    found = evidence.check()
    assert found is not None
    assert (found.problems, found.forgotten) == ((), 11)
