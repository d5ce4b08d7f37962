"""Code that is not ours: it ends, and nothing but its answer or an Exception comes out of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from canary.contained import BrokenError, contained, ended, words
from canary.simulated import SimulatedClock, simulate

OTHERS = [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError("mine"), BaseExceptionGroup("x", [SystemExit()])]


def run(work: Any) -> Any:
    from datetime import UTC, datetime

    return simulate(work, SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC)))


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_what_is_no_error_becomes_one(error: BaseException) -> None:
    def raises() -> None:
        raise error

    async def raises_later() -> None:
        await asyncio.sleep(1)
        raise error

    with pytest.raises(BrokenError, match="it ended by"):
        contained(raises)
    with pytest.raises(BrokenError, match="it ended by"):
        run(ended(raises_later, 5))
    with pytest.raises(BrokenError, match="it ended by"):
        run(ended(raises, 5))  # type: ignore[arg-type]  # a kind that forgot its async


def test_an_error_and_an_answer_stay_as_they_are() -> None:
    async def answers() -> int:
        return 7

    async def raises() -> int:
        raise KeyError("mine")

    assert (contained(lambda: 7), run(ended(answers, 5))) == (7, 7)
    with pytest.raises(KeyError, match="mine"):
        run(ended(raises, 5))


def test_one_that_goes_on_though_it_is_given_up_is_ended() -> None:
    async def holds_on() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    async def story() -> set[str]:
        with pytest.raises(TimeoutError, match="did not end within 5 s"):
            await ended(holds_on, 5)
        await asyncio.sleep(2)
        return {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]  # there is one

    assert run(story()) == set()


def test_whoever_waits_is_cancelled_and_what_is_waited_for_with_it() -> None:
    let_go = []

    async def waits() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            let_go.append(True)

    async def story() -> None:
        task = asyncio.create_task(ended(waits, 5000))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    run(story())
    assert let_go == [True]


def test_what_an_error_says_is_told_in_few_words() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert words(MuteError()) == "MuteError"
    assert words(ValueError()) == "ValueError"
    assert words(ValueError("x" * 10**6)) == "ValueError: " + "x" * 1000
