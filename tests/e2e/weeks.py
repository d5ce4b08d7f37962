"""A canary at a CA in memory, on simulated time: a process of its own, which leaves its ledger in the current folder.

``weeks.py SEED DAYS``. What the CA did with each report is in ``sorted.json`` afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from canary.config import Config, load
from canary.ledger import Ledger
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

WITHOUT_FILES = [v.id for v in VARIANTS.values() if not (v.attachments or v.slow or v.needs_email or v.identifier)]
"""Keys and files are never the same twice."""


def day(count: float) -> datetime:
    return START + timedelta(days=count)


def configured() -> Config:
    """The configuration, with the keys that it names: the same ones each time, and nowhere the name of this folder."""
    state, signing, file = Path("state"), Path("state/evidence/key"), Path("canary.yaml")
    signing.parent.mkdir(parents=True)
    key = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
    signing.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kept = [state / name for name in ("mark.key", "sealing.key")]
    for key_file in kept:
        key_file.write_text("6d" * 32 + "\n")
    for secret in (signing, *kept):
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
        "state": "state",
        "confirm_after": "1h",
        "retention": {"events": "14d", "messages": "5d", "traces": "5d"},
        "evidence": {"checkpoint_every": "6h"},
        "watch": {"desk": {"kind": "memory", "ca": "one", "queues": {"cpr": "monitored", "junk": "junk"}}},
        "senders": {
            name: {"name": name.title(), "address": f"{name}@probe.test", "submission": submission}
            for name in ("ann", "ben")
        },
        "channels": {f"channel-{n:02}": channel | {"entrance": f"channel-{n:02}"} for n in range(100)},
        "blackouts": [rest | {"channels": [RESTS]}],
    }
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load(file).model_copy(update={"state": state})  # as it stands there, not where this folder is


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
        with closing(Ledger(config.state, clock, inline=True)) as ledger:
            canary = Runtime(config, ledger, clock, rng, rest=3600)
            running = asyncio.create_task(canary.run())
            await at(until)
            canary.stop()
            await running

    happening = asyncio.create_task(ills())
    await run(min(STOPPED[0], until))
    if until > STOPPED[1]:
        await at(STOPPED[1])
        await run(until)
        await happening
    happening.cancel()


def main() -> None:
    from memory_ca import CAS, MemoryCa  # installed as somebody else's package is

    os.umask(0o077)
    seed, until = int(sys.argv[1]), float(sys.argv[2])
    clock = SimulatedClock(START)
    ca = CAS["one"] = MemoryCa(now=lambda: START + timedelta(seconds=clock.monotonic()))
    simulate(story(ca, clock, configured(), random.Random(seed), until), clock)
    Path("sorted.json").write_text(json.dumps(ca.sorted))


if __name__ == "__main__":
    main()
