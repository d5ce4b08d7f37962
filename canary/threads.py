"""Work that may block, off the event loop: each call in a daemon thread of its own.

A call that hangs holds up neither another one nor the end of the process, which waits for the threads of asyncio's own
pool without any limit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class _Daemons(Executor):
    """Begins a daemon thread for each call."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # whoever waits for it is told, as by every executor
                future.set_exception(error)
            else:
                future.set_result(result)

        try:
            threading.Thread(target=run, name=f"canary-{getattr(fn, '__name__', 'work')}", daemon=True).start()
        except RuntimeError as error:  # the system gives no further thread
            future.set_exception(error)
        return future


DAEMONS = _Daemons()
"""For each call a thread of its own."""


def begun(work: Callable[[], T]) -> asyncio.Future[T]:
    """The work, begun in a thread. Whoever gives it up may leave it: how it fails is then nobody's concern."""
    future = asyncio.get_running_loop().run_in_executor(DAEMONS, work)
    future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return future


async def in_thread(work: Callable[[], T]) -> T:
    """What the work returns or raises. When cancelled, waits until it has ended; cancelled again, leaves it alone."""
    future = begun(work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
