"""Report through a web form in a real browser, step by step as configured, by label and role as a person would.

Only the last click submits; whatever goes wrong before it, nothing was sent. The page and the form's target must be on
the configured host (or ``posts_to``): a report is never typed into a stranger's page.

A Playwright trace runs with every probe and is kept of a failed one. As long as all is well it has actions and network
alone (a few percent of a probe's time); DOM snapshots and film strip, which cost a quarter of it, are added after a
failure, for the probe that confirms it, and where screenshots are always wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from playwright.async_api import BrowserContext
from playwright.async_api import Error as PlaywrightError

from canary.budgets import BROWSER_PAGE
from canary.channels import Resources, Sender, UnusableError
from canary.channels.forms.attempt import Attempt, NoAnswerError
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.steps import Step, files_of, filled, payload, values
from canary.channels.forms.visit import Visit
from canary.model import Component, Outgoing, OwnFaultError, Report, Submission

_AT_ONCE = 1.0
"""Seconds: who had to wait for a turn no longer than this did not wait."""


class WebFormChannel:
    """A :class:`canary.channels.Channel` through a form, by a real browser."""

    def __init__(self, settings: WebFormSettings, _sender: Sender, resources: Resources) -> None:
        self._settings, self._browser, self._clock = settings, resources.browser(), resources.clock
        self._in_detail = settings.screenshots == "always"

    def prepare(self, report: Report) -> Outgoing:
        """The text of each field, and the names and hashes of the files: RFC 8785 canonical JSON."""
        known = values(report, self._settings.serial)
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
        result = await self._submit(outgoing.report, within)
        self._in_detail = self._settings.screenshots == "always" or not result.accepted
        return result

    async def _submit(self, report: Report, within: float) -> Submission:
        attempt = Attempt(self._clock)
        try:
            async with self._browser.context(within=within) as context:
                return await self._visit(context, report, attempt, within)
        except OwnFaultError as fault:
            return attempt.failed(fault)
        except PlaywrightError as error:
            return attempt.failed(self._ended(error))

    async def _visit(self, context: BrowserContext, report: Report, attempt: Attempt, within: float) -> Submission:
        """The visit itself: the form has its whole time, unless we made it wait so long that this is not left."""
        left, due = within - attempt.seconds(), min(within, self._settings.longest())
        try:
            async with asyncio.timeout(min(left, due)):
                tracing = context.tracing.start(snapshots=self._in_detail, screenshots=self._in_detail)
                if self._in_detail:  # a page that opens in the meantime may be left out of the snapshots
                    await tracing
                    page = await context.new_page()
                else:
                    page, _ = await asyncio.gather(context.new_page(), tracing)
                return await Visit(self._settings, page, attempt).submit(report)
        except TimeoutError:
            if left > due - _AT_ONCE:
                return attempt.failed(NoAnswerError(f"the form took longer than {due:g} s"))
            said = (
                f"the form waited {within - left:.0f} s for its turn in the browser, and {left:.0f} s were not enough"
            )
            return attempt.failed(OwnFaultError(Component.BROWSER, "busy", said))

    async def check(self) -> str:
        """Load the form and find each field of its first page; types nothing."""
        try:
            async with self._browser.context() as context:
                visit = Visit(self._settings, await context.new_page(), Attempt(self._clock))
                return f"{await visit.look()}; {await self._browser.describe()}"
        except PlaywrightError as error:
            raise self._ended(error) from error

    def _ended(self, error: PlaywrightError) -> UnusableError | OwnFaultError:
        """Whose fault it is that the browser, or the page in it, is no more."""
        words = error.message.splitlines()[0]
        gone = any(sign in words for sign in ("crashed", "closed"))
        if "crashed" in words and self._browser.outgrown():  # it was asked for nothing but its page
            return NoAnswerError(f"the page was ended: {BROWSER_PAGE.what}: more than {BROWSER_PAGE.decoded} bytes")
        return OwnFaultError(Component.BROWSER, "crashed" if gone else "failed", f"the browser failed: {words}")

    async def close(self) -> None:
        """Nothing to let go of: the browser belongs to all forms."""


def _entries(step: Step, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if step.fill:
        yield step.fill.label, filled(step.fill.with_, known)
    elif step.choose:
        yield step.choose.label, step.choose.option
    elif step.check:
        yield step.check, "on"
