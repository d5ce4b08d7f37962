"""What is to be done again and again beside the prober, each on its own, until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

import structlog

_AFTER_A_BUG = 300.0

Step = Callable[[], Awaitable[float]]
"""Do what is due. Returns the seconds until it is to be called again; news calls it sooner. What blocks is done in a
thread (``canary.threads.in_thread``)."""

_log = structlog.get_logger(__name__)


class Jobs:
    """Steps at work on the event loop. None holds up another, and once they are stopped none is begun again."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._heeding: list[asyncio.Event] = []

    def begin(self, name: str, step: Step, *, heeds_news: bool = True) -> None:
        """Call a step from now on; with each :meth:`news` too, unless it is the one that makes them."""
        wake = asyncio.Event()
        if heeds_news:
            self._heeding.append(wake)
        self._tasks[name] = asyncio.create_task(self._again(name, step, wake), name=f"evidence-{name}")

    def news(self) -> None:
        """Something new to work on: whoever heeds that is called soon, once more if it is at work now."""
        for wake in self._heeding:
            wake.set()

    def ended(self) -> list[str]:
        """The names of those that have ended although nobody stopped them."""
        return [name for name, task in list(self._tasks.items()) if task.done()]

    async def stop(self, within: float) -> list[str]:
        """End all: at once where it rests or waits for an answer, where it is in a thread when that ends.

        Returns the names of those whose thread did not end within so many seconds. They are given up.
        """
        tasks, self._tasks = self._tasks, {}
        await _cancelled(tasks.values(), within)
        given_up = {name: task for name, task in tasks.items() if not task.done()}
        await _cancelled(given_up.values(), within)
        return list(given_up)

    async def _again(self, name: str, step: Step, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                rest = await step()
            except Exception as error:  # a bug of ours must not end for good what the evidence rests on
                _log.exception("evidence", part=name, error=str(error))
                rest = _AFTER_A_BUG
            await _rest(wake, rest)


async def _rest(wake: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


async def _cancelled(tasks: Collection[asyncio.Task[None]], within: float) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=within)
