"""The evidence of a running canary: signed, stamped and cosigned by itself; what fails holds nothing else up."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evidence.serving import ORIGIN, add, count, now, opened, troubles, tsa_settings, until
from servers.tsa import Tsa
from servers.witness import WitnessServer

from canary.clock import Clock
from canary.evidence.keys import FileKeys
from canary.evidence.service import Evidence
from canary.evidence.settings import EvidenceSettings
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.retention import Retention, Rule
from canary.prober.retention import forget
from canary.simulated import SimulatedClock

pytestmark = pytest.mark.usefixtures("impatient")


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


def test_a_checkpoint_is_due_when_the_day_ends(tmp_path: Path, ledger: Ledger) -> None:
    clock = SimulatedClock(datetime(2026, 3, 1, 23, 58, tzinfo=UTC))
    evidence = Evidence(EvidenceSettings(), tmp_path, ORIGIN, ledger, clock)
    assert timedelta(seconds=evidence.generation.until_next()) == timedelta(minutes=2, milliseconds=100)
    clock.advance(180)
    assert evidence.generation.until_next() == 300


def test_what_retention_empties_is_signed_before_and_in_no_bundle_after(tmp_path: Path, ledger: Ledger) -> None:
    evidence = opened(ledger, tmp_path)
    body = {"component": "imap", "reason": "lost", "detail": "personal"}
    old = Event(EventKind.TROUBLE, now() - timedelta(days=400), body)
    shows_their_age = Event(EventKind.CLEARED, old.at, {"by": "J. Doe"})
    ledger.append(*[old] * 300, shows_their_age).result()
    add(ledger)
    work = Retention(ledger, {rule: timedelta(days=90) for rule in Rule}, Clock())
    forget(work, evidence)
    bundles = [path for path in (tmp_path / "evidence/log/tile/entries").rglob("*") if path.is_file()]
    assert len(bundles) > 1
    assert b"personal" not in b"".join(path.read_bytes() for path in bundles)
    found = evidence.check()
    assert found is not None
    assert (found.problems, found.forgotten) == ((), 300)
    assert evidence.log.inclusion(7).checkpoint == evidence.log.note()


def test_what_is_not_signed_is_not_emptied(tmp_path: Path, ledger: Ledger) -> None:
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))
    evidence = Evidence(EvidenceSettings(), tmp_path, ORIGIN, ledger, clock)
    told = Event(EventKind.TROUBLE, clock.now(), {"component": "imap", "reason": "lost", "detail": "personal"})
    ledger.append(told).result()
    evidence.advance()
    ledger.append(*[told] * 10, Event(EventKind.CLEARED, told.at, {"by": "J. Doe"})).result()
    clock.advance(400 * 86400)
    work = Retention(ledger, {Rule.EVENTS: timedelta(days=90)}, clock)
    (tmp_path / "evidence/key").chmod(0o644)  # so that nothing can be signed
    [first] = forget(work, evidence)
    (tmp_path / "evidence/key").chmod(0o600)
    [second] = forget(work, evidence)
    assert (first.count, second.count) == (1, 10)
    found = evidence.check()
    assert found is not None
    assert (found.problems, found.forgotten) == ((), 11)


async def test_the_last_checkpoint_before_an_end_is_stamped(tmp_path: Path, ledger: Ledger) -> None:
    """What was done since the last time-stamp would be open until the next start, which may be weeks away."""
    with Tsa(tmp_path / "tsa") as tsa:
        evidence = opened(ledger, tmp_path, timestamps=[tsa_settings("one", tsa)])
        add(ledger)
        evidence.start()
        await until(lambda: count(ledger, EventKind.TIMESTAMPED), "a time-stamp")
        add(ledger)
        await evidence.stop()
    signed = [event.body["size"] for event in ledger.events(kind=EventKind.CHECKPOINT)]
    stamped = [event.body["size"] for event in ledger.events(kind=EventKind.TIMESTAMPED)]
    assert stamped[-1] == signed[-1] > signed[0]


async def test_an_authority_that_hangs_at_the_end_is_told_and_not_waited_for(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canary.evidence.generation._STAMP_WITHIN", 0.2)
    with Tsa(tmp_path / "tsa") as tsa:
        evidence = opened(ledger, tmp_path, timestamps=[tsa_settings("one", tsa) | {"timeout": "1h"}])
        add(ledger)
        evidence.start()
        await until(lambda: count(ledger, EventKind.TIMESTAMPED), "a time-stamp")
        add(ledger)
        tsa.let_go.clear()
        await evidence.stop()
        assert tsa.queries == 2
        tsa.let_go.set()
    [told] = [event.body["detail"] for event in ledger.events(kind=EventKind.TROUBLE)]
    assert told == "stopped before it was done: one"
