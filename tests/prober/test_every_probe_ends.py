"""Whatever goes wrong, in whatever order: nothing stays open, and nothing that is due is left unsent."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prober.conftest import memory_ca_installed
from prober.simulated import Simulated
from structlog.testing import capture_logs

from canary.ledger import EventKind
from canary.model import Submission
from canary.prober.gate import clear_stop, stop_all

DEADLINE, GIVE_UP, INTERVAL, MINUTE, SLACK = 300.0, 1200.0, 600.0, 60.0, 15.0
CHANNELS = 3


class Fate:
    """What goes wrong, by chance; and whether every probe ends for all that."""

    def __init__(self, canary: Simulated, chance: random.Random) -> None:
        self.canary, self.chance = canary, chance
        self.awake = 0.0
        """Since when the canary has run without a break, in seconds of true time."""
        self.seen: dict[str, float] = {}
        """When each open probe was seen first."""
        self.frozen = 0
        self.calm = False

    async def submit(self, channel: Any, outgoing: Any, *, within: float) -> Any:
        """As a channel of another package may do it."""
        errors: list[BaseException] = [RuntimeError("gone"), SystemExit(3), asyncio.CancelledError(), MemoryError()]
        what = "well" if self.calm else self.chance.choice(["well", "well", "raises", "hangs", "slow", "nonsense"])
        match what:
            case "raises":
                raise self.chance.choice(errors)
            case "hangs":
                await asyncio.Event().wait()
            case "slow":
                await self.canary.clock.sleep(self.chance.uniform(0, 3 * DEADLINE))
            case "nonsense":
                return self.chance.choice([None, {"accepted": True}, Submission])
        return await self.properly(channel, outgoing, within=within)

    properly: Callable[..., Any]

    def step(self) -> timedelta:
        """By how much a clock is set: seconds, minutes, or days, either way."""
        size = self.chance.choice([1.5, 30.0, 600.0, 7200.0, 86_400.0, 3e6])
        return timedelta(seconds=self.chance.choice([-1, 1]) * self.chance.uniform(0.7, 1) * size)

    async def happens(self) -> None:
        """One fault, or none."""
        canary = self.canary
        match self.chance.randrange(9):
            case 0:
                canary.clock.set_wall(self.step())
            case 1:
                for _ in range(4):
                    canary.clock.set_wall(self.step())
                    await self.passes(self.chance.uniform(0, 5))
            case 2:
                canary.clock.advance(self.chance.choice([20.0, 400.0, 4000.0]))  # frozen
                self.awake, self.frozen = canary.clock.monotonic(), self.frozen + 1
            case 3:
                canary.ca.readable = not canary.ca.readable
            case 4:
                stop_all(canary.prober.config.state, "enough")
                await self.passes(self.chance.uniform(1, 900))
                clear_stop(canary.prober.config.state)
            case 5:
                await canary.prober.reload(lambda: canary.config(CHANNELS, **TIMES))
            case 6:
                await self.full_disk()
            case 7:
                canary.ca.lost ^= {"channel-1"}

    async def full_disk(self) -> None:
        path = self.canary.ledger.folder / "ledger.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
            await self.canary.clock.sleep(self.chance.uniform(1, 900))
            other.execute("DROP TRIGGER full")
        self.awake = self.canary.clock.monotonic()

    async def passes(self, seconds: float) -> None:
        """Let time pass, and see that nothing has been open for longer than it may."""
        clock = self.canary.clock
        over = clock.monotonic() + seconds
        while (left := over - clock.monotonic()) > 0:
            await clock.sleep(min(5.0, left))
            now, open_ = clock.monotonic(), self.canary.ledger.state.open
            self.seen = {probe: self.seen.get(probe, now) for probe in open_}
            for probe, seen in self.seen.items():
                ran = now - max(seen, self.awake)
                assert ran < GIVE_UP + MINUTE + SLACK, f"{probe} is open after {ran:.0f} s: {open_[probe]}"

    async def life(self, canary: Simulated) -> None:
        self.awake = canary.clock.monotonic()
        await self.passes(1)
        for _ in range(self.chance.randrange(1, 8)):
            await self.passes(self.chance.uniform(1, 1500))
            await self.happens()

    async def calm_after(self, canary: Simulated) -> None:
        """Nothing goes wrong any more: all ends, and each channel is probed as often as it is to be."""
        self.awake, self.calm, canary.ca.readable = canary.clock.monotonic(), True, True
        clear_stop(canary.prober.config.state)
        await self.passes(GIVE_UP + MINUTE)
        before = len(canary.events(EventKind.SCHEDULED)), len(canary.events(EventKind.HELD))
        await self.passes(6 * INTERVAL)
        sent = canary.events(EventKind.SCHEDULED)[before[0] :]
        assert {event.body["channel"] for event in sent} == {f"channel-{number}" for number in range(CHANNELS)}
        assert CHANNELS * 5 <= len([event for event in sent if not event.body["confirms"]]) <= CHANNELS * 8
        assert len(canary.events(EventKind.HELD)) == before[1]
        assert [e.body["reason"] for e in canary.events(EventKind.HELD)].count("stalled") <= self.frozen


TIMES = {"interval": f"{INTERVAL:g}s", "deadline": f"{DEADLINE:g}s", "give_up": f"{GIVE_UP:g}s", "max_per_hour": 60}


@pytest.mark.parametrize("seed", range(16))
def test_every_probe_ends_whatever_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch, memory_ca_installed(patch) as kinds, capture_logs():
        canary = Simulated(tmp_path)
        fate = Fate(canary, chance)
        fate.properly = kinds.MemoryChannel.submit

        async def submit(channel: Any, outgoing: Any, *, within: float) -> Any:
            return await fate.submit(channel, outgoing, within=within)

        patch.setattr(kinds.MemoryChannel, "submit", submit)
        for _ in range(chance.randrange(1, 4)):
            canary.live(fate.life, canary.config(CHANNELS, dated=chance.random() < 0.5, **TIMES), killed=True)
            canary.clock.advance(chance.choice([1.0, 300.0, 7200.0]))
            if chance.random() < 0.5:
                canary.clock.set_wall(fate.step())
        canary.live(fate.calm_after, canary.config(CHANNELS, **TIMES))
