"""Every request of every page in the browser is asked for here, before it is made: also those of workers and windows,
of redirects, of what is sent when a page is left, and those that it does not wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from playwright.async_api import BrowserContext, CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from canary.channels.forms.outlet import Outlet, PageRequest
from canary.channels.forms.relay import Relay

_REMEMBERED = 5_000
_TOLD_WITHIN = 2.0
"""Seconds within which it is known to whom a new frame belongs."""

_log = structlog.get_logger(__name__)


class Guard:
    """Asks the :class:`Outlet` of the visit, for each request, by Chromium's protocol (its domain ``Fetch``)."""

    def __init__(self, session: CDPSession, relay: Relay) -> None:
        self._session, self._relay = session, relay
        self._contexts: dict[str, str] = {}
        """The browser context of each page, frame and worker, by its id."""
        self._known = asyncio.Condition()
        self._outlets: dict[str, Outlet] = {}
        self._left: list[Outlet] = []
        """Those of the last visits: what was typed in them stays in."""
        self._stray = Outlet()
        """For frames of which it is not known whose they are: those in a frame of another site."""
        self._work: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """From now on nothing is requested that was not asked for. Raises Playwright's Error."""
        self._session.on("Target.targetCreated", lambda event: self._do(self._target(event["targetInfo"])))
        self._session.on("Fetch.requestPaused", lambda event: self._do(self._decide(event)))
        await self._session.send("Target.setDiscoverTargets", {"discover": True, "filter": [{}]})
        await self._session.send("Fetch.enable", {"patterns": [{"urlPattern": "*", "requestStage": "Request"}]})

    async def contexts(self) -> set[str]:
        """The ids of the contexts that there are, besides the browser's own."""
        return set((await self._session.send("Target.getBrowserContexts"))["browserContextIds"])

    def begin(self, context: BrowserContext, key: str, outlet: Outlet) -> None:
        """What happens in ``context``, whose id is ``key``, is a matter of ``outlet``."""
        self._outlets[key] = outlet
        self._relay.begin(outlet)
        context.on("page", lambda page: self._do(self._follow(page, key)))

    def end(self, key: str) -> None:
        """Whatever still wants out of that context stays in."""
        outlet = self._outlets.pop(key)
        self._relay.end(outlet)
        self._left = [*self._left[-20:], outlet]
        if not self._outlets:
            self._relay.end(self._stray)
            if self._stray.stopped:
                _log.warning("a frame of an unknown page was kept from sending", what=self._stray.words())
            self._stray = Outlet()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _target(self, target: dict[str, Any]) -> None:
        if "browserContextId" in target:
            await self._note(target["targetId"], target["browserContextId"])

    async def _follow(self, page: Page, key: str) -> None:
        """Note the frames that a page makes; of those with a process of their own the browser tells by itself."""
        with suppress(PlaywrightError):  # it is gone already
            session = await page.context.new_cdp_session(page)
            session.on("Page.frameAttached", lambda event: self._do(self._note(event["frameId"], key)))
            await session.send("Page.enable")
            frames = [(await session.send("Page.getFrameTree"))["frameTree"]]
            while frames:
                tree = frames.pop()
                await self._note(tree["frame"]["id"], key)
                frames += tree.get("childFrames", ())

    async def _note(self, frame: str, context: str) -> None:
        if len(self._contexts) > _REMEMBERED:
            self._contexts = {one: other for one, other in self._contexts.items() if other in self._outlets}
        self._contexts[frame] = context
        async with self._known:
            self._known.notify_all()

    async def _decide(self, event: dict[str, Any]) -> None:
        request, key = event["request"], {"requestId": event["requestId"]}
        writes = bool(request.get("hasPostData") or request.get("postData"))
        wanted = PageRequest(request["url"], request["method"], request["headers"], writes)
        with suppress(PlaywrightError):  # whoever asked is gone
            if not wanted.url.startswith(("http:", "https:")):
                await self._session.send("Fetch.continueRequest", key)
            elif outlet := await self._admitted(wanted, event.get("frameId", "")):
                signed = outlet.signed(wanted)
                other = (
                    {"headers": [{"name": name, "value": value} for name, value in signed.items()]} if signed else {}
                )
                await self._session.send("Fetch.continueRequest", {**key, **other})
            else:
                await self._session.send("Fetch.failRequest", {**key, "errorReason": "BlockedByClient"})

    async def _admitted(self, wanted: PageRequest, frame: str) -> Outlet | None:
        """The outlet that lets the request out; None if it may not be made."""
        outlet = await self._outlet_of(frame)
        if outlet is None or not outlet.lets_out(wanted) or (outlet is self._stray and self._is_anybodys(wanted)):
            return None
        await self._relay.admit(wanted.url, outlet)
        return outlet

    async def _outlet_of(self, frame: str) -> Outlet | None:
        """That of the visit which a frame is part of; None if that has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_TOLD_WITHIN), self._known:
                while frame not in self._contexts:
                    await self._known.wait()
        return self._outlets.get(self._contexts[frame]) if frame in self._contexts else self._stray

    def _is_anybodys(self, wanted: PageRequest) -> bool:
        """Whether something in the request was typed in any visit."""
        outlets = (*self._outlets.values(), *self._left)
        return any(outlet.typed.is_in([wanted.url, *wanted.headers.values()]) for outlet in outlets)
