"""Retention beside the prober: whatever goes wrong today is told, and tomorrow it is tried again."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest
from builders import START
from metrics.recorded import opened, settings

from canary.clock import Clock
from canary.config import RetentionSettings, load
from canary.ledger import EventKind, Ledger
from canary.model import Component, OwnFaultError
from canary.prober import retention
from canary.prober.in_force import snapshot
from canary.prober.retention import forget_daily, in_force
from canary.sealing import SealingKey


class Days(Clock):
    """Some days that pass at once; then nothing more is asked for."""

    def __init__(self, days: int) -> None:
        super().__init__()
        self.left = days

    async def sleep(self, seconds: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("fault", "reason", "told"),
    [
        (OwnFaultError(Component.STORE, "unreadable", "page 7"), "unreadable", "page 7"),
        (KeyError("last"), "unexpected", "KeyError: 'last'"),
        (PermissionError("no"), "unexpected", "PermissionError: no"),
    ],
)
async def test_no_fault_ends_it(
    fault: Exception, reason: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prober = opened(settings(tmp_path))
    outcomes = iter([fault, fault, None])

    def forget(*_: object) -> list[object]:
        if error := next(outcomes):
            raise error
        return []

    monkeypatch.setattr(retention, "_forget", forget)
    for days, troubles in ((1, told), (1, told), (1, "")):
        with pytest.raises(asyncio.CancelledError):
            await forget_daily(prober, Days(days))
        assert prober.vitals().troubles["retention"] == troubles
    prober.ledger.refresh()
    faults = [event.body["reason"] for event in prober.ledger.events(kind=EventKind.TROUBLE)]
    assert faults == [reason, reason]
    prober.ledger.close()


def test_no_rule_works_that_the_log_does_not_tell(tmp_path: Path) -> None:
    """By whatever file a command goes: a rule stands in the log before anything is deleted by it."""
    config = load(settings(tmp_path))
    with closing(Ledger(tmp_path / "state", inline=True)) as ledger:
        told = ledger.append(*snapshot(config, START, SealingKey(b"k" * 32))).result()
        assert in_force(ledger, config, Clock()).run() is not None
        shorter = config.model_copy(update={"retention": RetentionSettings.model_validate({"messages": "7d"})})
        with pytest.raises(
            OwnFaultError, match=f"keeps messages for 604800s, and in force .event {told[-1].seq}. is 7776000s"
        ):
            in_force(ledger, shorter, Clock())
        ledger.append(*snapshot(shorter, START, SealingKey(b"k" * 32), scheduled=False)).result()
        with pytest.raises(OwnFaultError, match="keeps messages for 604800s"):
            in_force(ledger, shorter, Clock())  # what somebody probes by is in force for him alone
        ledger.append(*snapshot(shorter, START, SealingKey(b"k" * 32))).result()
        assert in_force(ledger, shorter, Clock()).run() is not None
