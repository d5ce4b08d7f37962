"""Work in threads of its own: told as it ends, waited for when cancelled, left alone when it hangs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from functools import partial

import pytest

from canary.threads import begun, in_thread


def divide(one: int, other: int) -> float:
    return one / other


async def test_what_it_returns_and_raises_is_told() -> None:
    assert await in_thread(partial(divide, 6, 3)) == 2
    with pytest.raises(ZeroDivisionError):
        await in_thread(partial(divide, 6, 0))


async def test_many_that_hang_hold_up_no_other() -> None:
    let_go = threading.Event()
    hanging = [begun(let_go.wait) for _ in range(100)]
    assert await in_thread(partial(divide, 6, 3)) == 2
    let_go.set()
    assert await asyncio.gather(*hanging) == [True] * 100


async def test_when_cancelled_it_waits_for_the_thread_and_when_cancelled_again_it_does_not() -> None:
    let_go, ended = threading.Event(), threading.Event()

    def work() -> None:
        let_go.wait()
        ended.set()

    patient = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    patient.cancel()
    await asyncio.sleep(0)
    assert not patient.done()
    let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await patient
    assert ended.is_set()

    let_go.clear()
    hasty = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    for _ in range(2):
        hasty.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await hasty
    let_go.set()


async def test_how_what_was_given_up_fails_is_nobody_s_concern() -> None:
    loop, complaints = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    ended = asyncio.Event()
    begun(partial(divide, 6, 0)).add_done_callback(lambda _: ended.set())
    await ended.wait()
    assert complaints == []


HANGS = """
import asyncio, threading
from canary.threads import begun

async def main():
    began = threading.Event()
    def hang():
        began.set()
        threading.Event().wait()
    begun(hang)
    while not began.is_set():
        await asyncio.sleep(0)

asyncio.run(main())
print("over")
"""


def test_the_process_ends_though_one_hangs() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "over\n", "")
