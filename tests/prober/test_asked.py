"""What is asked before a round: nobody waits for it, and nothing is sent on an old answer."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from canary.ledger import Ledger
from canary.prober.asked import Asked
from canary.prober.gate import STOP_ALL
from canary.prober.recorder import Recorder


async def test_a_kill_switch_that_does_not_answer_is_not_known(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, inline=True)
    asked = Asked(Recorder(ledger), lambda: tmp_path)
    assert asked.switch_is_known()
    switch = tmp_path / STOP_ALL
    os.mkfifo(switch)  # whoever reads it waits until somebody writes
    asked.ask()
    await asyncio.sleep(0)
    assert not asked.switch_is_known()
    await asyncio.to_thread(switch.write_text, "enough\n")
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    assert (asked.switch_is_known(), asked.stop_reason) == (True, "enough")
    ledger.close()
