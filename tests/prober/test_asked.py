"""What is asked before a round: nobody waits for it, and nothing is sent on an old answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers.polling import until

from canary.ledger import Ledger
from canary.prober import asked as module
from canary.prober.asked import Asked
from canary.prober.recorder import Recorder


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with closing(Ledger(tmp_path, inline=True)) as ledger:
        yield Asked(Recorder(ledger), lambda: tmp_path)


async def test_a_kill_switch_that_does_not_answer_is_not_known(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def hangs(_: Path) -> str:  # as a folder of a file server that is gone
        answer.wait()
        return "enough"

    monkeypatch.setattr(module, "stop_reason", hangs)
    assert asked.switch_is_known()
    asked.ask()
    await asyncio.sleep(0)
    assert not asked.switch_is_known()
    answer.set()
    await asyncio.to_thread(until, asked.switch_is_known, "the answer")
    assert asked.stop_reason == "enough"


async def test_a_kill_switch_that_nobody_can_look_at_counts_as_thrown(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert await asked.now() == "it cannot be seen whether the kill switch is thrown: can't start new thread"
    assert await asked.now() is None
