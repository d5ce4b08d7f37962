"""Report through a web form in a real browser, step by step as configured, by label and role as a person would.

Only the last click submits; whatever goes wrong before it, nothing was sent, and if it was the browser that ended, the
form is begun again, alone in it. The page and the form's target must be on the configured host (or ``posts_to``): a
report is never typed into a stranger's page, nor may a page send it to one.

A Playwright trace runs with every probe and is kept of a failed one. As long as all is well it has actions and network
alone (a few percent of a probe's time); DOM snapshots and film strip, which cost a quarter of it, are added after a
failure, for the probe that confirms it, and where screenshots are always wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import structlog
from playwright.async_api import BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from canary.budgets import BROWSER_PAGE
from canary.channels import Resources, Sender, UnusableError
from canary.channels.forms.attempt import Attempt, NoAnswerError
from canary.channels.forms.browser import Visited
from canary.channels.forms.bypass import Bypass, bypass_of
from canary.channels.forms.identified import Identified
from canary.channels.forms.opt_in import OptIn
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.public import PublicSide, not_for_the_public, words
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.shape import GOES_TO, server_key, told
from canary.channels.forms.steps import Step, files_of, filled, payload, values
from canary.channels.forms.visit import Visit
from canary.model import Component, Outgoing, OwnFaultError, Report, Submission

_AT_ONCE = 1.0
"""Seconds: who had to wait for a turn no longer than this did not wait."""
_TOLD = 50
"""Of how much that a page was kept from there is a trouble, as long as the canary runs."""
_ENDED = ("crashed", "hangs")
"""Reasons of a fault of the browser with which it is no more."""

_log = structlog.get_logger(__name__)


class WebFormChannel:
    """A :class:`canary.channels.Channel` through a form, by a real browser."""

    def __init__(self, settings: WebFormSettings, sender: Sender, resources: Resources) -> None:
        self._settings, self._browser, self._clock = settings, resources.browser(), resources.clock
        self._bypass, self._public = bypass_of(settings, resources), PublicSide(settings.url)
        self._sender, self._opt_in = sender, OptIn(settings, resources)
        self._in_detail = settings.screenshots == "always"
        self._told: set[str] = set()
        self._identified = Identified()
        self.seen: dict[str, str] = {}
        """How the form looked on the last visit; empty if it was not seen."""

    def prepare(self, report: Report) -> Outgoing:
        """The text of each field, and the names and hashes of the files: RFC 8785 canonical JSON."""
        known = values(report, self._settings.serial, self._sender)
        fields: dict[str, str] = {}
        for step in self._settings.steps:
            for label, value in _entries(step, known):
                again = sum(1 for name in fields if name.split(" (", 1)[0] == label)
                fields[f"{label} ({again + 1})" if label in fields else label] = value
        sent = {file.name: file for step in self._settings.steps for file in files_of(step, report)}
        return Outgoing(report, payload(report, fields, sent.values()))

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Fill in the form and submit it, once. Raises ValueError for a channel that is for reachability only."""
        if self._settings.reachability_only:
            raise ValueError("this channel is reachability_only: it may be checked, never submitted")
        self.seen = {}
        report = outgoing.report
        whole = self._opt_in.completed(report, partial(self._submit, report), self._confirmed, within)
        result, key = await asyncio.gather(whole, server_key(self._settings.url))
        self.seen |= key if self.seen else {}
        self._in_detail = self._settings.screenshots == "always" or not result.accepted
        return self._identified.told(report, result)

    async def _submit(self, report: Report, within: float) -> Submission:
        """Submit it, after a look at what the public has of the form where ours is let by a CAPTCHA."""
        if self._bypass is None:
            return await self._begin(report, within)
        attempt = Attempt(self._clock)
        try:
            visit, _ = await self._look(within=within)
        except (UnusableError, OwnFaultError) as fault:
            return not_for_the_public(attempt, fault)
        result = await self._begin(report, within - attempt.seconds())
        return replace(result, troubles=(*result.troubles, *self._public.troubles(visit.captcha)))

    async def _begin(self, report: Report, within: float) -> Submission:
        """Begin again, alone, where the browser ended before anything was sent: it may have been another form's page.

        Not where the form would have less than its whole time.
        """
        attempt = Attempt(self._clock)
        result = await self._try(report, attempt, within)
        left = within - attempt.seconds()
        if not _ended_early(result) or left < self._settings.longest():
            return result
        _log.info("the browser ended before anything was sent; the form is begun again", why=result.reason)
        return await self._try(report, Attempt(self._clock), left, alone=True)

    async def _try(self, report: Report, attempt: Attempt, within: float, *, alone: bool = False) -> Submission:
        settings = self._settings
        try:
            visit = self._browser.visit(
                settings.home(), within=within, ca_file=settings.ca_file, alone=alone, bypass=self._bypass
            )
            async with visit as visited:
                result = await self._in_turn(visited, report, attempt, within)
                return replace(result, troubles=self._troubles(visited.outlet))
        except OwnFaultError as fault:
            return attempt.failed(fault)

    async def _in_turn(self, visited: Visited, report: Report, attempt: Attempt, within: float) -> Submission:
        """The visit itself: the form has its whole time, unless we made it wait so long that this is not left."""
        left, due = within - attempt.seconds(), min(within, self._settings.longest())
        try:
            async with asyncio.timeout(min(left, due)):
                page = await self._page(visited.context)
                visit = Visit(self._settings, self._sender, visited, page, attempt)
                try:
                    return await visit.submit(report)
                finally:
                    self.seen = visit.shape if GOES_TO in visit.shape else {}  # else there may be more
        except TimeoutError:
            if left > due - _AT_ONCE:
                return attempt.failed(NoAnswerError(f"the form took longer than {due:g} s"))
            said = (
                f"the form waited {within - left:.0f} s for its turn in the browser, and {left:.0f} s were not enough"
            )
            return attempt.failed(OwnFaultError(Component.BROWSER, "busy", said))
        except OwnFaultError as fault:
            return attempt.failed(fault)
        except PlaywrightError as error:
            return attempt.failed(_ended(error, visited))

    async def _confirmed(self, link: str) -> str | None:
        """Follow the link of a mail, in a visit of its own which reaches nothing else.

        Returns the reference number in the page that confirms. Raises UnusableError and OwnFaultError.
        """
        settings = self._settings.following(link)
        look = self._browser.visit(settings.home(), ca_file=settings.ca_file, bypass=self._bypass, nowhere_else=True)
        async with look as visited:
            try:
                async with asyncio.timeout(settings.longest()):
                    page = await visited.context.new_page()
                    return await Visit(settings, self._sender, visited, page, Attempt(self._clock)).confirm()
            except TimeoutError:
                raise NoAnswerError(f"it took longer than {settings.longest():g} s") from None
            except PlaywrightError as error:
                raise _ended(error, visited) from error

    async def _page(self, context: BrowserContext) -> Page:
        tracing = context.tracing.start(snapshots=self._in_detail, screenshots=self._in_detail)
        if self._in_detail:  # a page that opens in the meantime may be left out of the snapshots
            await tracing
            return await context.new_page()
        page, _ = await asyncio.gather(context.new_page(), tracing)
        return page

    async def check(self) -> str:
        """Load the form and find each field of its first page; types nothing."""
        visit, found = await self._look(self._bypass)
        self.seen = visit.shape | await server_key(self._settings.url)
        public = words((await self._look())[0].captcha) if self._bypass else ""
        return f"{found}; {told(self.seen)}{public}; {await self._browser.describe()}"

    async def _look(self, bypass: Bypass | None = None, within: float | None = None) -> tuple[Visit, str]:
        """Look at the form; what the visit found, and that in words. Raises UnusableError and OwnFaultError."""
        settings = self._settings
        look = self._browser.visit(settings.home(), within=within, ca_file=settings.ca_file, bypass=bypass)
        async with look as visited:
            try:
                async with asyncio.timeout(min(settings.longest(), within or settings.longest())):
                    page = await visited.context.new_page()
                    visit = Visit(settings, self._sender, visited, page, Attempt(self._clock))
                    found = await visit.look()
            except TimeoutError:
                raise UnusableError(f"the form took longer than {settings.longest():g} s") from None
            except PlaywrightError as error:
                raise _ended(error, visited) from error
            return visit, f"{found}{visited.outlet.words()}"

    def _troubles(self, outlet: Outlet) -> tuple[tuple[Component, str, str], ...]:
        """What the page was kept from that it was not kept from before: it does the same with every probe."""
        fresh = [what for what in outlet.stopped if what not in self._told][: _TOLD - len(self._told)]
        self._told.update(fresh)
        said = f"the page {self._settings.url} was kept from sending elsewhere"
        return tuple((Component.BROWSER, "kept_from_sending", f"{said}: {what}") for what in fresh)

    async def close(self) -> None:
        """Nothing to let go of: the browser belongs to all forms."""


def _ended(error: PlaywrightError, visited: Visited) -> UnusableError | OwnFaultError:
    """Whose fault it is that the browser, or the page in it, is no more."""
    said, spent = error.message.splitlines()[0], visited.outlet.spent
    if spent is not None:
        said = f"the page was ended: {spent}"
        if visited.outlet.shared:
            return OwnFaultError(Component.BROWSER, "crashed", f"{said}, together with other forms of the same address")
        return NoAnswerError(said)
    if visited.outgrown:
        return NoAnswerError(f"the page was ended: {BROWSER_PAGE.what}: more than {BROWSER_PAGE.decoded} bytes")
    gone = any(sign in said for sign in ("crashed", "closed", "detached"))
    return OwnFaultError(Component.BROWSER, "crashed" if gone else "failed", f"the browser failed: {said}")


def _ended_early(result: Submission) -> bool:
    """Whether the browser ended, and the last click had not been done."""
    return result.component is Component.BROWSER and result.own_reason in _ENDED and not result.uncertain


def _entries(step: Step, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if step.fill:
        yield step.fill.label, filled(step.fill.with_, known)
    elif step.choose:
        yield step.choose.label, step.choose.option
    elif step.check:
        yield step.check, "on"
