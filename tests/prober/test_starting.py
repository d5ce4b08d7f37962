"""A start that cannot be recorded: a canary on schedule waits until it can be; one that probes by hand is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from prober.simulated import Simulated

from canary.ledger import EventKind, Ledger
from canary.model import OwnFaultError


@contextmanager
def full_disk(state: Path, kind: str = "started") -> Iterator[None]:
    """Events of one kind cannot be written."""
    Ledger(state).close()
    with closing(sqlite3.connect(state / "ledger.sqlite", isolation_level=None)) as other:
        other.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.kind = '{kind}'"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        yield
        other.execute("DROP TRIGGER full")


async def _cannot_begin(canary: Simulated) -> None:
    await canary.until(lambda: canary.ledger.not_written >= 3)
    vitals = canary.prober.vitals()
    assert vitals.last_tick is None
    assert "disk full" in vitals.troubles["ledger"]
    assert not canary.events()


def test_it_waits_and_then_probes(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        with full_disk(canary.ledger.folder):
            await _cannot_begin(canary)
        await canary.until(lambda: canary.events(EventKind.SUBMITTED))
        assert not canary.prober.vitals().troubles["ledger"]
        assert len(canary.events(EventKind.STARTED)) == 1

    simulated.live(story)


def test_it_can_be_stopped_while_it_waits(simulated: Simulated) -> None:
    config = simulated.config()
    with full_disk(config.state):
        simulated.live(_cannot_begin, config)
    with closing(Ledger(config.state)) as ledger:
        assert not list(ledger.events())


def test_a_probe_by_hand_is_told_at_once(simulated: Simulated) -> None:
    async def story(canary: Simulated) -> None:
        await canary.clock.sleep(60)

    config = simulated.config()
    with full_disk(config.state), pytest.raises(OwnFaultError, match="disk full"):
        simulated.live(story, config, scheduled=False)
