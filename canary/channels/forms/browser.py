"""The browser: one, warm, shared by all web forms; a fresh context for every probe, and only so many at once.

It is bounded in memory, at whose end stands a page or the browser and nothing else of ours, and in every wait: one that
does not react is killed, and started again for the next probe. Whoever is in it then has met a fault of ours, not of
the form: what brought it down may have been another form's page. Only one that had the browser to itself, and took more
than a page may, has itself to blame (:attr:`Visited.outgrown`): whoever wants to know comes again, alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from playwright.async_api import BrowserContext
from playwright.async_api import Error as PlaywrightError

from canary.budgets import BROWSER, BROWSER_PAGE
from canary.channels.forms.bypass import Bypass
from canary.channels.forms.home import Home
from canary.channels.forms.launch import Running, launch
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.private_ca import door as private_door
from canary.channels.forms.processes import Held
from canary.channels.forms.relay import Relay
from canary.channels.forms.scripts import OPEN, WITHOUT
from canary.channels.forms.settings import BrowserSettings
from canary.clock import Clock
from canary.model import Component, OwnFaultError
from canary.threads import in_thread

_REACTS_WITHIN = 30.0
"""Seconds in which a browser that is well has a new context, or has closed one, however busy the machine is."""
_TURNS = BROWSER.number or 1
_LOOK_EVERY = 0.25
"""Seconds between two looks at what it holds, while anybody is in it."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Visited:
    """What a visit has of the browser: a context, and the outlet of all that its pages send."""

    context: BrowserContext
    outlet: Outlet
    relay: Relay
    outgrown: bool = False
    """Whether a page was ended for what it took of memory, while there was no other form's in the browser."""


class Browser:
    """Started when it is first needed, and again when it has ended. Belongs to one event loop."""

    def __init__(self, settings: BrowserSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._lock = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._turns = asyncio.Semaphore(_TURNS)
        self._taking_all = asyncio.Lock()
        self._running: Running | None = None
        self._given_up: Running | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._in_use = 0
        self._inside: set[Visited] = set()

    @asynccontextmanager
    async def visit(
        self,
        home: Home | None = None,
        *,
        within: float | None = None,
        ca_file: Path | None = None,
        alone: bool = False,
        bypass: Bypass | None = None,
        nowhere_else: bool = False,
    ) -> AsyncIterator[Visited]:
        """A fresh context: no cookies, no cache, nothing of an earlier probe. Waits for a turn for ``within`` seconds,
        and until all others have left where it wants to be ``alone``.

        Its pages may send to ``home`` alone, and ask nobody else where they go ``nowhere_else``; with the CAs of
        ``ca_file``, trusted instead of the system's, they reach nothing else. ``bypass`` signs what goes to the form's
        own host. Raises OwnFaultError for a file without any,
        and of BROWSER with reason ``busy``, ``missing``, ``sandbox``, ``crashed`` or ``hangs``.
        """
        outlet = Outlet(home, bypass=bypass, nowhere_else=nowhere_else)
        async with self._turn(within, alone), self._watched(), AsyncExitStack() as doors:
            door = None
            running = await self._ready()
            if ca_file is not None:
                door = await doors.enter_async_context(private_door(ca_file, outlet, running.relay))
            context, key = await self._opened(running, door)
            running.guard.begin(context, key, outlet)
            outlet.when_spent = lambda: self._give_up(context)
            visited = Visited(context, outlet, running.relay)
            self._inside.add(visited)
            try:
                yield visited
            finally:
                try:
                    await self._closed(running, context)
                finally:
                    self._inside.remove(visited)
                    running.guard.end(key)

    async def describe(self) -> str:
        """Start it if need be; which browser it is, and whether it runs in its sandbox and why not."""
        return (await self._ready()).facts

    async def close(self) -> None:
        """End it, and with it every context that is in use. The next :meth:`visit` starts it again."""
        async with self._lock:
            await self._stop()

    @asynccontextmanager
    async def _turn(self, within: float | None, alone: bool) -> AsyncIterator[None]:
        """One turn, or all that there are."""
        most = min(BROWSER.seconds or 0.0, BROWSER.seconds or 0.0 if within is None else within)
        async with AsyncExitStack() as turns:
            try:
                async with asyncio.timeout(most):
                    if alone:  # two of whom each had some would wait for ever
                        await turns.enter_async_context(self._taking_all)
                    for _ in range(_TURNS if alone else 1):
                        await turns.enter_async_context(self._turns)
            except TimeoutError:
                raise OwnFaultError(
                    Component.BROWSER, "busy", f"no turn in the browser within {most:g} s: {_TURNS} forms are in it"
                ) from None
            yield

    async def _ready(self) -> Running:
        async with self._lock:
            running = self._running
            if running is None or running is self._given_up or not running.browser.is_connected():
                await self._stop()
                self._running = running = await launch(self._settings)
            return running

    async def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    async def _opened(self, running: Running, door: str | None) -> tuple[BrowserContext, str]:
        """A new context, and its id: that which was not there before. Behind a ``door`` it is not the browser that
        looks at certificates."""
        try:
            async with asyncio.timeout(_REACTS_WITHIN), self._opening:
                before = await running.guard.contexts()
                context = await running.browser.new_context(
                    user_agent=running.user_agent,
                    accept_downloads=False,
                    service_workers="block",
                    proxy={"server": door} if door else None,
                    ignore_https_errors=door is not None,
                )
                (key,) = await running.guard.contexts() - before
                await context.add_init_script(f"{WITHOUT}; {OPEN}")
                return context, key
        except PlaywrightError as error:
            raise OwnFaultError(Component.BROWSER, "crashed", f"no new browser context: {error.message}") from error
        except TimeoutError:
            self._kill(running)
            raise OwnFaultError(
                Component.BROWSER, "hangs", f"no new browser context within {_REACTS_WITHIN:g} s"
            ) from None

    async def _closed(self, running: Running, context: BrowserContext) -> None:
        if not running.browser.is_connected():
            return
        try:
            async with asyncio.timeout(_REACTS_WITHIN):
                await context.tracing.stop()  # or Playwright leaves a folder of it behind, one a probe
                await context.close()
        except TimeoutError:
            _log.warning("the browser does not react, and is ended", seconds=_REACTS_WITHIN)
            self._kill(running)
        except asyncio.CancelledError:
            self._give_up(context)
            raise
        except PlaywrightError as error:
            _log.info("a browser context was gone before it was closed", error=error.message)

    def _kill(self, running: Running) -> None:
        self._given_up = running  # it may take a moment until it is known to be gone
        running.processes.end()

    def _give_up(self, context: BrowserContext) -> None:
        """Close a context while it is in use: whoever uses it fails at once."""
        task = asyncio.ensure_future(_close(context))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """As long as anybody is in it, what it holds is looked at."""
        self._in_use += 1
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._in_use -= 1
            if not self._in_use:
                self._watching.cancel()
                self._watching = None

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_EVERY)
            running = self._running
            if running is not None and running.browser.is_connected():
                self._bound(running, await in_thread(running.processes.look))

    def _bound(self, running: Running, held: Sequence[Held]) -> None:
        """End what holds too much, a page alone if that is enough, else all; what works without an end makes way."""
        for one in held:
            if one.page and one.seconds > (BROWSER_PAGE.seconds or 0):
                running.processes.stand_back(one.pid)
        page, why = excess(held)
        if why:
            _log.warning("the browser takes too much memory", what=why, page=page)
            if page is not None and page.memory > (BROWSER_PAGE.decoded or 0) and len(self._inside) == 1:
                (only,) = self._inside
                only.outgrown = True
            if page is not None:
                running.processes.end(page.pid)
            else:
                self._kill(running)


async def _close(context: BrowserContext) -> None:
    with suppress(PlaywrightError):
        await context.close()


def excess(held: Sequence[Held]) -> tuple[Held | None, str]:
    """The page that holds too much, or None if it is all of them together, and what that is: nothing if all is well.

    Of what is too much together the largest page goes first, if it is worth it: it may spare all others.
    """
    largest = max((one for one in held if one.page), key=lambda one: one.memory, default=None)
    most, together = BROWSER_PAGE.decoded or 0, sum(one.memory for one in held)
    if largest is not None and largest.memory > most:
        return largest, f"{BROWSER_PAGE.what}: {largest.memory} bytes, may have {most}"
    if together > (BROWSER.decoded or 0):
        worth = largest if largest is not None and largest.memory > most // 4 else None
        return worth, f"{BROWSER.what}: {together} bytes, may have {BROWSER.decoded}"
    return None, ""
