"""The answer to the click that submits: read from all that a visitor sees of it, and from the requests themselves.

A confirmation is taken at once, wherever it stands. A refusal is taken before the time is over only where nothing more
is to be expected: pages wait, send again, and show what is no answer yet. What is said of it in the end names what was
sent, what was answered, and what was new to see.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page

from canary.channels import UnusableError
from canary.channels.forms.attempt import NoAnswerError
from canary.channels.forms.controls import BeforeClick, UnreadablePageError, moved_on, read_page
from canary.channels.forms.exchanges import Exchange, Exchanges
from canary.channels.forms.home import Home
from canary.channels.forms.news import News
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.page import PageFacts, short
from canary.channels.forms.steps import Confirm
from canary.model import Component, OwnFaultError

_NOT_SENT = ("ERR_CONNECTION_REFUSED", "ERR_NAME_NOT_RESOLVED", "ERR_CERT_", "ERR_ADDRESS_UNREACHABLE", "ERR_BLOCKED")
OUR_NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "ERR_PROXY_", "ERR_NETWORK_IO_SUSPENDED")
"""How the browser says that the fault is on our side."""

_UNSENT = "no POST left the browser"
_TICK = 0.1
_SETTLED, _STAYS = 1.0, 3.0
"""Seconds in which nothing new happens, after which clear words of an error are an answer to what was sent, and
anything else is one: a page may send again what failed."""
_LEAVES_WITHIN = 5.0
"""Seconds for what is still under way when the page has confirmed: to close it would take that back."""

_TOO_QUICK = re.compile(
    r"too (quick|fast|soon)|zu schnell|trop (vite|rapide)|demasiado (rápid|pronto)|troppo (veloc|in fretta)|"
    r"za szybko|túl gyors|te snel|muito rápid|příliš rychle|太快",
    re.IGNORECASE,
)
"""How a form says that no person is so quick."""


class ClickAnswer:
    """What comes of one click on ``button``."""

    def __init__(
        self, page: Page, button: Locator, confirm: Confirm, outlet: Outlet, seconds: Callable[[], float]
    ) -> None:
        self._page, self._button, self._confirm, self._outlet, self._seconds = page, button, confirm, outlet, seconds
        self.news = News(page.context, page)
        self._exchanges: Exchanges
        self._before: BeforeClick
        self._changed_at = 0.0

    async def expect(
        self, before: BeforeClick, typed: Iterable[str], home: Home, explained: Callable[[str, str], str]
    ) -> None:
        """Note what is there before the click; what comes from now on is the answer. Raises UnreadablePageError."""
        self._before = before
        await self.news.begin(typed, before.origin)
        self._exchanges = Exchanges(self._page.context, self._page, home, self._outlet, self.news.changed)
        self._exchanges.explained = explained

    async def read(self) -> str:
        """The text that confirms. Raises UnusableError for a refusal, NoAnswerError where it may have been taken, and
        OwnFaultError for a network of ours that failed."""
        try:
            return await self._read()
        except UnreadablePageError as error:
            raise NoAnswerError(f"the form was sent and its answer cannot be read: {error}") from error
        finally:
            await self.news.end()
            await self._exchanges.end()

    async def _read(self) -> str:
        self._changed_at = self._seconds()
        try:
            async with asyncio.timeout(self._confirm.within):
                while (text := self.news.confirmation(self._confirm.text)) is None:
                    if self.news.fault is not None:
                        raise self.news.fault
                    refusal = await self._refusal()
                    if refusal is not None:
                        raise refusal
                    await self._something()
        except TimeoutError:
            raise await self._in_the_end() from None
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVES_WITHIN):
                while any(one.pending for one in await self._exchanges.of_form()):
                    await self._something()
        return text

    async def _something(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK):
                await self.news.changed.wait()
            self.news.changed.clear()
            self._changed_at = self._seconds()

    async def _refusal(self) -> Exception | None:
        """What is said no with already, if nothing more is to be expected."""
        quiet = self._seconds() - self._changed_at
        sent = await self._exchanges.of_form()
        if (
            quiet < _SETTLED
            or any(one.pending for one in sent)
            or any(one.leaving for one in self.news.states.values())
        ):
            return None
        if self.news.errors and sent:
            return await self._not_confirmed()
        if quiet < _STAYS:
            return None
        if failed := self._failure(sent):
            return failed
        if self.news.errors or self._status(sent) or (self.news.alerts and sent):
            return await self._not_confirmed()
        if self.news.turned and self.news.page.complete and await self._is_there_again():
            return await self._not_confirmed()
        return None

    async def _is_there_again(self) -> bool:
        """Whether the page that followed has the form once more."""
        try:
            return await self._button.count() > 0
        except PlaywrightError as error:
            if not moved_on(error):
                raise
            return False

    async def _in_the_end(self) -> Exception:
        """What there was instead of a confirmation, when the time for one is over."""
        within, sent = self._confirm.within, await self._exchanges.of_form()
        sent = sent or self._exchanges.pages()
        if failed := self._failure(sent):
            return failed
        if waits := next((one for one in sent if one.pending), None):
            said = self._new_words()
            return NoAnswerError(f"no answer within {within:g} s: none to {waits}{said}{self._last_words()}")
        if self._status(sent) or self.news.words or self.news.turned or any(one.refuses for one in sent):
            return await self._not_confirmed()
        if self._exchanges.silent:
            return UnusableError(f"the click did nothing within {within:g} s: {_UNSENT}{self._last_words()}")
        answered = f": {sent[-1]} was answered with HTTP {sent[-1].status}, and nothing new is shown" if sent else ""
        return NoAnswerError(f"no answer within {within:g} s{answered}{self._last_words()}")

    def _failure(self, sent: list[Exchange]) -> Exception | None:
        """That the connection failed, by which the form, or the page that follows it, was to come."""
        pages = [one for one in self._exchanges.pages() if one.failure]
        lost = [one for one in sent if one.failure][-1:] if sent and sent[-1].failure else []
        if any(one.failed for one in self.news.states.values()):
            lost = lost or pages[-1:]
        elif not lost:
            return None
        words = "; ".join(f"{one}: {one.failure}" for one in lost) or "no connection"
        if "ERR_BLOCKED_BY_CLIENT" in words:
            return UnusableError(f"the form goes to another host when it is sent{self._outlet.words()}")
        if any(sign in words for sign in OUR_NETWORK):
            return OwnFaultError(Component.HTTP, "network_down", words)
        kind = UnusableError if any(sign in words for sign in _NOT_SENT) else NoAnswerError
        return kind(f"the form was sent and the connection failed: {words}{self._new_words()}")

    def _status(self, sent: list[Exchange]) -> Exchange | None:
        """What was answered with an error of HTTP in the end: the form's own request, or that of the page after it."""
        last = [*sent[-1:], *self._exchanges.pages()[-1:]]
        return next((one for one in last if one.status >= 400), None)

    async def _not_confirmed(self) -> UnusableError:
        """The answer is there, and no confirmation: in the page's words, or those of the answer itself."""
        facts = (await read_page(self._page)).with_sources(self._before.sources)
        sent = await self._exchanges.of_form()
        wrong, no = self._status(sent), next((one for one in sent[::-1] if one.refuses), None)
        says = self._says(facts)
        page = f"page says {says!r}" if says else "the page says nothing new"
        if wrong is not None:
            answer = f", the answer {wrong.words!r}" if wrong.words and wrong.words not in says else ""
            reason = f"HTTP {wrong.status} for {wrong}: {page}{answer}{self._last_words()}"
            return UnusableError(f"{facts.hurdle()}{reason}")
        answer = f"; {no} was answered {no.words!r}" if no else ""
        unsent = f"; {_UNSENT}" if self._exchanges.silent else ""
        stood = ", which stood there before" if self.news.stood(self._confirm.text) else ""
        hint = "; a step 'pause' lets time go by" if _TOO_QUICK.search(says) else ""
        reason = f"not confirmed: {page}, want {self._confirm.text!r}{stood}{answer}{unsent}{hint}{self._last_words()}"
        return UnusableError(f"{facts.hurdle()}{reason}")

    def _says(self, facts: PageFacts) -> str:
        """What the page says: words of errors that were not there before, else what is new, else its beginning."""
        fresh = [error for error in (*self.news.errors, *facts.errors) if error not in self._before.errors]
        if fresh:
            return short("; ".join(dict.fromkeys(fresh)), 500)
        if self.news.words:
            return short(self.news.words, 300)
        return short(facts.text, 300) if self.news.turned else ""

    def _new_words(self) -> str:
        return f"; page says {short(self.news.words, 300)!r}" if self.news.words else ""

    def _last_words(self) -> str:
        dialogs = f"; a dialog said {short('; '.join(self.news.dialogs), 300)!r}" if self.news.dialogs else ""
        return dialogs + self._outlet.words()
