"""Retention beside the prober: whatever goes wrong today is told, and tomorrow it is tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from metrics.recorded import opened, settings

from canary.clock import Clock
from canary.ledger import EventKind
from canary.model import Component, OwnFaultError
from canary.prober import retention
from canary.prober.retention import forget_daily


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
