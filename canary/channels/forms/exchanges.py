"""What a form's pages send once the form is submitted, and what is answered: read from the requests themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from playwright.async_api import BrowserContext, Page, Request, Response, WebSocket
from playwright.async_api import Error as PlaywrightError

from canary.budgets import BROWSER_ANSWER
from canary.channels.forms.home import Home
from canary.channels.forms.html import read_html
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.page import short
from canary.threads import in_thread

_ASKING = ("GET", "HEAD", "OPTIONS")
_KEPT = 50
_LEFT = "ERR_ABORTED"
"""What a request ends with when its page is left, or its answer is a file: no failure of its own."""
_NO = {
    "ok": (False, 0, "false"), "success": (False, 0, "false"), "succeeded": (False,), "valid": (False,),
    "isvalid": (False,), "accepted": (False,), "sent": (False,), "mail_sent": (False,),
    "status": (
        "error", "fail", "failed", "failure", "ko", "nok", "invalid", "validation_failed", "validation_error",
        "mail_failed", "rejected", "refused", "denied", "spam", "acceptance_missing", "aborted",
    ),
    "result": ("error", "fail", "failed", "failure", "invalid", "rejected", "refused"),
}  # fmt: skip
"""What says no in an answer of JSON, by its key in lower case."""
_FAULTS = ("error", "errors", "fielderrors", "field_errors", "validation_errors", "validationerrors", "invalid_fields")
"""What says no there if there is anything in it."""


@dataclass(slots=True, eq=False)
class Exchange:
    """A request, and its answer as far as it came."""

    method: str
    url: str
    page: bool
    """Whether it is for a page that a visitor sees."""
    content: bytes = field(default=b"", repr=False)
    carries: bool | None = None
    """Whether something that was typed is in it; None as long as nobody has looked."""
    status: int = 0
    """0 as long as there is no answer."""
    failure: str = ""
    words: str = ""
    """What the answer says, where that is not a page's."""
    refuses: bool = False
    """Whether the answer says no in a way that a script can tell."""

    @property
    def writes(self) -> bool:
        """Whether it sends something, and does not only ask."""
        return self.method not in _ASKING

    @property
    def pending(self) -> bool:
        """Whether nothing has come of it yet."""
        return not self.status and not self.failure

    def __str__(self) -> str:
        return f"{self.method} {self.url[:200]}"


class Exchanges:
    """Those of all pages of ``context`` from now on that the form may be sent by."""

    def __init__(self, context: BrowserContext, page: Page, home: Home, outlet: Outlet, changed: asyncio.Event) -> None:
        """``page`` is the one whose button is clicked; ``changed`` is set whenever something has come of a request."""
        self._home, self._outlet, self._changed = home, outlet, changed
        self._by_request: dict[Request, Exchange] = {}
        self._reading: set[asyncio.Task[None]] = set()
        self._before = outlet.written
        self._frames_sent = 0
        self.explained: Callable[[str, str], str] = lambda words, _: words
        context.on("request", self._begin)
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)
        page.on("websocket", self._listen)

    @property
    def all(self) -> tuple[Exchange, ...]:
        """What was sent, in its order."""
        return tuple(self._by_request.values())

    @property
    def silent(self) -> bool:
        """Whether nothing at all has left that the form could have been sent by."""
        return self._outlet.written == self._before and not self._frames_sent and not self._by_request

    async def of_form(self) -> list[Exchange]:
        """Those by which the form is sent: the ones with something typed in them, or any if that cannot be told."""
        writing = [one for one in self.all if one.writes]
        for one in writing:
            if one.carries is None:
                text = one.content[: BROWSER_ANSWER.received].decode("utf-8", "replace")
                one.carries = await in_thread(partial(self._outlet.typed.is_in, [text]))
        return [one for one in writing if one.carries] or writing

    def pages(self) -> list[Exchange]:
        """Those that ask for a whole page of a window, which a frame's or a script's request does not."""
        return [one for one in self.all if one.page]

    async def end(self) -> None:
        """Give up what answers are still being read, and wait until none is."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _begin(self, request: Request) -> None:
        if len(self._by_request) >= _KEPT:
            return
        page = False
        if request.is_navigation_request():
            with suppress(PlaywrightError):  # the first request of a window has no frame yet
                page = request.frame.parent_frame is None
                page = page and request.frame.page.main_frame == request.frame
        sends = request.method not in _ASKING and self._home.has(request.url)
        if page or sends:
            content = (request.post_data_buffer or b"") if sends else b""
            self._by_request[request] = Exchange(request.method, request.url, page, content)
            self._changed.set()

    def _answered(self, response: Response) -> None:
        if exchange := self._by_request.get(response.request):
            exchange.status = response.status
            self._changed.set()
            if exchange.writes and not exchange.page:
                task = asyncio.create_task(self._read(exchange, response))
                self._reading.add(task)
                task.add_done_callback(self._reading.discard)

    async def _read(self, exchange: Exchange, response: Response) -> None:
        """Note what an answer says that only a script is given."""
        with suppress(PlaywrightError):  # it broke off, or its page was left
            await response.finished()
            sizes = await response.request.sizes()
            if sizes["responseBodySize"] > (BROWSER_ANSWER.received or 0):
                return
            text = (await response.body())[: BROWSER_ANSWER.received].decode("utf-8", "replace")
            html = "html" in response.headers.get("content-type", "")
            exchange.words = short(read_html(text).text if html else text, 300)
            exchange.refuses = says_no(text)
            self._changed.set()

    def _failed(self, request: Request) -> None:
        if exchange := self._by_request.get(request):
            words = self.explained(request.failure or "failed", request.url)
            if _LEFT not in words:
                exchange.failure = words
            elif not exchange.status:
                exchange.failure = f"{words}: the page was left, or let go of it"
            self._changed.set()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda _: self._count())

    def _count(self) -> None:
        self._frames_sent += 1


def says_no(text: str) -> bool:
    """Whether an answer of JSON says in one of the usual ways that something was not done."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return any(_is_no(key.casefold(), held) for key, held in _entries(value))


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """The keys of an object and their values, and those of what it calls its data or body."""
    if isinstance(value, dict):
        yield from value.items()
        for inside in ("data", "body", "response"):
            if isinstance(value.get(inside), dict):
                yield from value[inside].items()


def _is_no(key: str, held: Any) -> bool:
    if key in _FAULTS:
        return bool(held)
    held = held.casefold() if isinstance(held, str) else held
    return any(type(held) is type(no) and held == no for no in _NO.get(key, ()))
