"""Jobs beside the prober: each at its own pace, woken by news, never again once they are stopped."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from canary.evidence import jobs as module
from canary.evidence.jobs import Jobs
from canary.threads import in_thread


class Steps:
    """A step that counts, and rests so long."""

    def __init__(self, rest: float = 3600.0) -> None:
        self.rest, self.count, self.called = rest, 0, asyncio.Event()

    async def step(self) -> float:
        self.count += 1
        self.called.set()
        return self.rest

    async def again(self) -> None:
        await asyncio.wait_for(self.called.wait(), 60)
        self.called.clear()


async def test_each_is_called_at_once_then_after_its_rest_or_by_news() -> None:
    jobs, often, rarely, deaf = Jobs(), Steps(0.0), Steps(), Steps()
    jobs.begin("often", often.step)
    jobs.begin("rarely", rarely.step)
    jobs.begin("deaf", deaf.step, heeds_news=False)
    for one in (often, often, rarely, deaf):
        await one.again()
    assert (rarely.count, deaf.count) == (1, 1)
    jobs.news()
    await rarely.again()
    assert (rarely.count, deaf.count) == (2, 1)
    assert await jobs.stop(60) == []
    counted = often.count
    jobs.news()
    await asyncio.sleep(0.01)
    assert (often.count, rarely.count) == (counted, 2)


async def test_news_while_one_is_at_work_calls_it_once_more() -> None:
    jobs, go_on, calls = Jobs(), asyncio.Event(), Steps()

    async def step() -> float:
        await calls.step()
        await go_on.wait()
        return 3600.0

    jobs.begin("slow", step)
    await calls.again()
    jobs.news()
    go_on.set()
    await calls.again()
    assert calls.count == 2
    await jobs.stop(60)


async def test_a_bug_in_one_ends_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AFTER_A_BUG", 0.0)
    jobs, calls = Jobs(), Steps()

    async def step() -> float:
        await calls.step()
        raise KeyError("size")

    jobs.begin("broken", step)
    await calls.again()
    await calls.again()
    assert await jobs.stop(60) == []


async def test_who_waits_for_an_answer_ends_at_once_and_who_hangs_in_a_thread_is_named() -> None:
    jobs, let_go, waiting = Jobs(), threading.Event(), asyncio.Event()

    async def asks() -> float:
        waiting.set()
        await asyncio.get_running_loop().create_future()
        return 0.0

    async def hangs() -> float:
        await in_thread(partial(let_go.wait))
        return 0.0

    jobs.begin("asks", asks)
    jobs.begin("hangs", hangs)
    await waiting.wait()
    await asyncio.sleep(0)
    assert await jobs.stop(0.05) == ["hangs"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    let_go.set()
