"""Code that is not ours is called here: whatever it does, it ends, by what it gives or by an Exception.

A channel, a queue or a plug-in may raise what would end a thread or the whole process (SystemExit), what looks as if we
ourselves had been cancelled (a CancelledError of its own), or never return.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

from canary.model import CanaryError

T = TypeVar("T")

_LETS_GO_WITHIN = 1.0
"""Seconds that what is given up has to let go of what it holds."""

_LONGEST = 1000
"""Characters of what an error says that are told."""


class BrokenError(CanaryError, RuntimeError):
    """It ended by what is no error of anybody's."""


def contained(work: Callable[[], T]) -> T:
    """What ``work`` gives. Raises Exceptions alone: its own, or :class:`BrokenError` for anything else."""
    try:
        return work()
    except Exception:
        raise
    except BaseException as error:
        raise BrokenError(f"it ended by {words(error)}") from error


async def ended(work: Callable[[], Awaitable[T]], within: float) -> T:
    """What ``work`` gives, begun in a task of its own and given up after so many seconds.

    Raises Exceptions alone: its own, :class:`BrokenError` for anything else, or TimeoutError where it did not end; and
    CancelledError if we are cancelled ourselves.
    """
    task = asyncio.ensure_future(_contained(work))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever gave it up does not ask
    try:
        await asyncio.wait([task], timeout=within)
    finally:
        if not task.done():
            task.cancel()
            asyncio.get_running_loop().call_later(_LETS_GO_WITHIN, _end, task)
    if not task.done():
        raise TimeoutError(f"it did not end within {within:g} s, and was given up")
    if task.cancelled():
        raise BrokenError("it was cancelled by somebody else")
    return task.result()


def _end(task: asyncio.Task[T]) -> None:
    """End a task that goes on although it was cancelled: whoever waits for all tasks would wait for ever."""
    if not task.done():
        with suppress(RuntimeError):  # it takes no end at all, and is left alone
            task.get_coro().close()
        task.cancel()


async def _contained(work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    except (Exception, GeneratorExit):
        raise
    except BaseException as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        raise BrokenError(f"it ended by {words(error)}") from error


def words(error: BaseException) -> str:
    """What was raised, in so many words at most; also if it cannot say itself what it is."""
    name = type(error).__name__[:_LONGEST]
    try:
        said = str(error)
    except Exception:
        return name
    return f"{name}: {said[:_LONGEST]}" if said else name


def traced(error: BaseException) -> tuple[type[BrokenError], BrokenError, TracebackType | None]:
    """Where it was raised, for the log: as ``exc_info``, with :func:`words` and not all that the error may say."""
    return BrokenError, BrokenError(words(error)), error.__traceback__
