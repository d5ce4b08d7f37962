"""Four weeks of a hundred channels on simulated time: what is found, signed and forgotten, bit for bit the same."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from canary import channels, queues
from canary.config import Config, load, whole
from canary.evidence.service import Evidence
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.gaps import gaps
from canary.ledger.reader import reading
from canary.ledger.results import Result
from canary.model import DeadlineResult, Outcome
from canary.prober.runtime import Runtime
from canary.reports import VARIANTS
from canary.simulated import SimulatedClock, simulate

START = datetime(2026, 3, 1, tzinfo=UTC)
DEADLINE, POLL, CHECKPOINT_EVERY = timedelta(minutes=15), timedelta(minutes=5), timedelta(hours=6)
EVENTS_KEPT, MESSAGES_KEPT = timedelta(days=14), timedelta(days=5)

LOSES, JUNKS, RESTS = "channel-07", "channel-11", "channel-23"
"""The one behind which reports are lost for some days, the one whose reports are junked, and the one that rests."""
LOST, JUNKED, STOPPED, AHEAD, UNREADABLE, RESTED = (3, 5), (6, 8), (20, 20.25), (21, 22), (23, 23.5), (25, 27)
"""When that is so, when the canary does not run, its clock is ahead, or the CA's queues cannot be read: in days."""
AHEAD_BY = timedelta(minutes=10)

pytestmark = pytest.mark.timeout(900)  # 20 s of a processor each, which others may want too

WITHOUT_FILES = [v.id for v in VARIANTS.values() if not (v.attachments or v.slow or v.needs_email)]
"""Keys and files are never the same twice."""


def day(count: float) -> datetime:
    return START + timedelta(days=count)


@dataclass(frozen=True)
class Told:
    """What a run left behind."""

    config: Config
    sorted: dict[str, str | None]
    """By probe: the queue into which the CA sorted it; None if it lost it."""

    def events(self, kind: EventKind) -> list[Event]:
        with reading(self.config.state) as ledger:
            return list(ledger.events(kind=kind))

    def leaves(self) -> list[tuple[int, bytes]]:
        with reading(self.config.state) as ledger:
            return list(ledger.leaves())

    def results(self) -> list[Result]:
        with reading(self.config.state) as ledger:
            return list(ledger.results())


@pytest.fixture(scope="module")
def memory_ca() -> Iterator[ModuleType]:
    """A CA in memory, installed as somebody else's package is."""
    cached = (channels.kinds, queues.kinds, whole.model)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "memory_ca")
        for function in cached:
            function.cache_clear()
        import memory_ca as module

        yield module
    for function in cached:
        function.cache_clear()


def configured(folder: Path) -> Path:
    """A configuration file in a folder, with the keys that it names: the same ones each time."""
    state, signing, file = folder / "state", folder / "signing.pem", folder / "canary.yaml"
    state.mkdir(parents=True)
    key = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
    signing.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (state / "mark.key").write_text("6d" * 32 + "\n")
    for secret in (signing, state / "mark.key"):
        secret.chmod(0o600)
    submission = {"host": "localhost", "port": 25, "tls": "none"}
    channel = {
        "kind": "memory", "ca": "one", "arrives_in": "cpr", "approved_by": "the CEO", "variants": WITHOUT_FILES,
        "interval": "30h", "deadline": "15m", "give_up": "1d",
    }  # fmt: skip
    rest = {
        "from": day(RESTED[0]).isoformat(),
        "until": day(RESTED[1]).isoformat(),
        "reason": "moving",
        "approved_by": "the CEO",
    }
    tree = {
        "operator": {"name": "Test CA", "domains": ["ca.test"], "verify": "ask on extension 4711"},
        "state": str(state),
        "confirm_after": "1h",
        "retention": {"events": "14d", "messages": "5d", "traces": "5d"},
        "evidence": {"key": {"file": str(signing)}, "checkpoint_every": "6h"},
        "watch": {"desk": {"kind": "memory", "ca": "one", "queues": {"cpr": "monitored", "junk": "junk"}}},
        "senders": {
            name: {"name": name.title(), "address": f"{name}@probe.test", "submission": submission}
            for name in ("ann", "ben")
        },
        "channels": {f"channel-{n:02}": channel | {"entrance": f"channel-{n:02}"} for n in range(100)},
        "blackouts": [rest | {"channels": [RESTS]}],
    }
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return file


async def story(ca: Any, clock: SimulatedClock, config: Config, rng: random.Random, until: float) -> None:
    """What happens at the CA and to the canary, until a day."""

    async def ills() -> None:
        await at(LOST[0])
        ca.lost.add(LOSES)
        await at(LOST[1])
        ca.lost.clear()
        await at(JUNKED[0])
        ca.junked.add(JUNKS)
        await at(JUNKED[1])
        ca.junked.clear()
        await at(AHEAD[0])
        clock.set_wall(AHEAD_BY)
        await at(AHEAD[1])
        clock.set_wall(-AHEAD_BY)
        await at(UNREADABLE[0])
        ca.readable = False
        await at(UNREADABLE[1])
        ca.readable = True

    async def at(when: float) -> None:
        await clock.sleep((day(when) - START).total_seconds() - clock.monotonic())

    async def run(until: float) -> None:
        ledger = Ledger(config.state, clock, inline=True)
        canary = Runtime(config, ledger, clock, rng, rest=3600)
        running = asyncio.create_task(canary.run())
        await at(until)
        canary.stop()
        await running
        ledger.close()

    happening = asyncio.create_task(ills())
    await run(min(STOPPED[0], until))
    if until > STOPPED[1]:
        await at(STOPPED[1])
        await run(until)
        await happening
    happening.cancel()


def lived(memory_ca: ModuleType, folder: Path, seed: int, until: float) -> Told:
    """A run in a folder, until a day."""
    clock = SimulatedClock(START)
    ca = memory_ca.CAS["one"] = memory_ca.MemoryCa(now=lambda: START + timedelta(seconds=clock.monotonic()))
    config = load(configured(folder))
    simulate(story(ca, clock, config, random.Random(seed), until), clock)
    return Told(config, ca.sorted)


@pytest.fixture(scope="module")
def weeks(memory_ca: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Four of them."""
    return lived(memory_ca, tmp_path_factory.mktemp("weeks") / "canary", seed=7, until=28)


def test_every_probe_is_judged_as_it_went(weeks: Told) -> None:
    results = weeks.results()
    assert len(results) > 2000
    assert min(Counter(result.channel for result in results).values()) >= 18
    judged = Counter[str]()
    for result in results:
        expected = wanted(result, weeks.sorted[result.probe])
        judged[expected[0]] += 1
        assert (result.outcome, result.deadline) in expected[1], result
    assert judged.keys() == {"lost", "junked", "unread", "fine", "at the edge"}
    assert judged["at the edge"] < 10
    failed = [r for r in results if r.outcome in (Outcome.MISSING, Outcome.JUNKED) and not r.confirms]
    assert {r.confirms for r in results if r.confirms} == {r.probe for r in failed}


def wanted(result: Result, queue: str | None) -> tuple[str, set[tuple[Outcome, DeadlineResult]]]:
    """Why a probe ended, and how it may have been judged then."""
    unread = Outcome.LATE, DeadlineResult.INDETERMINATE
    fine = Outcome.ARRIVED, DeadlineResult.MET
    if queue is None:
        assert result.channel == LOSES
        return "lost", {(Outcome.MISSING, DeadlineResult.MISSED)}
    if queue == "junk":
        assert result.channel == JUNKS
        return "junked", {(Outcome.JUNKED, DeadlineResult.MISSED)}
    begins, ends = (day(when) for when in UNREADABLE)
    if begins <= result.scheduled_at < ends - 2 * DEADLINE:
        return "unread", {unread}
    if begins - POLL - timedelta(minutes=2) < result.scheduled_at < ends:
        return "at the edge", {unread, fine}
    return "fine", {fine}


def test_when_nothing_was_sent_and_why_is_told(weeks: Told) -> None:
    with reading(weeks.config.state) as ledger:
        found = {(gap.cause, gap.channel): gap for gap in gaps(ledger, day(14), day(28))}
    assert found.keys() == {("stopped", None), ("clock_set", None), ("blackout", RESTS)}
    stopped, ahead, rested = found["stopped", None], found["clock_set", None], found["blackout", RESTS]
    assert [stopped.start, stopped.until] == [day(when) for when in STOPPED]
    assert ahead.until - ahead.start == AHEAD_BY
    assert day(AHEAD[0]) <= ahead.start < day(AHEAD[0]) + timedelta(hours=1)
    assert day(RESTED[0]) <= rested.start < day(RESTED[1]) <= rested.until


def test_a_clock_that_is_ahead_for_a_day_is_told_and_harms_nothing(weeks: Told) -> None:
    assert [event.body["seconds"] for event in weeks.events(EventKind.CLOCK_STEPPED)] == [600, -600]
    measured = [event for event in weeks.events(EventKind.CLOCK) if day(AHEAD[0]) <= event.at < day(AHEAD[1])]
    assert min(event.body["offset"] for event in measured) == pytest.approx(-600, abs=5)


def test_a_queue_that_cannot_be_read_is_our_trouble_once(weeks: Told) -> None:
    [trouble] = weeks.events(EventKind.TROUBLE)
    assert (trouble.at, trouble.body["reason"]) == (day(UNREADABLE[0]), "unreachable")


def test_a_checkpoint_is_signed_every_period_and_at_each_midnight(weeks: Told) -> None:
    signed = [event.at for event in weeks.events(EventKind.CHECKPOINT)]
    pauses = {after: after - before for before, after in pairwise(signed)}
    first_after_stop = min(at for at in signed if at >= day(STOPPED[1]))
    assert pauses.pop(first_after_stop) < timedelta(hours=6, minutes=1)
    assert max(pauses.values()) <= CHECKPOINT_EVERY + AHEAD_BY + timedelta(seconds=1)
    assert {at.date() for at in signed if at.hour == 0} == {day(number).date() for number in range(29)}


def test_all_that_was_signed_is_still_so(weeks: Told) -> None:
    config = weeks.config
    with closing(Ledger(config.state, SimulatedClock(day(28)), inline=True)) as ledger:
        found = Evidence(config.evidence, config.state, config.origin, ledger, SimulatedClock(day(28))).check()
        assert list(ledger.check_results()) == []
        assert found is not None
        assert (found.problems, found.size) == ((), ledger.state.seq - 1)  # all but the last checkpoint itself
        assert found.forgotten > 5000


def test_what_is_old_is_forgotten_each_day_and_nothing_else(weeks: Told) -> None:
    with reading(weeks.config.state) as ledger:
        told = list(ledger.events(kind=EventKind.FORGOTTEN))
        sent = list(ledger.events(kind=EventKind.SUBMITTING))
        kept = {event.at: ledger.artefacts.get(event.body["payload"]) is not None for event in sent}
    last = max(event.at for event in told)
    assert day(27) <= last < day(28)
    assert Counter(event.body["rule"] for event in told) == {"messages": 23, "events": 14}
    assert last - EVENTS_KEPT < min(kept) < last - EVENTS_KEPT + timedelta(hours=2)
    for at, is_kept in kept.items():
        assert is_kept == (at >= last - MESSAGES_KEPT)


def test_it_is_another_one_for_another_seed(memory_ca: ModuleType, tmp_path: Path) -> None:
    one, same, other = (_leaves(memory_ca, tmp_path / "canary", seed) for seed in (7, 7, 8))
    assert one == same
    assert {body for _, body in one}.isdisjoint(body for _, body in other if b'"scheduled"' in body)


def _leaves(memory_ca: ModuleType, folder: Path, seed: int) -> list[tuple[int, bytes]]:
    leaves = lived(memory_ca, folder, seed, until=1.5).leaves()
    shutil.rmtree(folder)
    return leaves


def test_it_is_bit_for_bit_the_same_for_a_seed(weeks: Told, memory_ca: ModuleType) -> None:
    folder = weeks.config.state.parent
    folder.rename(folder.with_name("before"))  # what is in force names its folder
    before = replace(weeks, config=weeks.config.model_copy(update={"state": folder.with_name("before") / "state"}))
    again = lived(memory_ca, folder, seed=7, until=28)
    assert again.leaves() == before.leaves()
