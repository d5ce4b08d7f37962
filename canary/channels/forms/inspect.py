"""Look at a form and write the configuration of a channel for it, for the operator to look over.

Options are chosen in lists, since that often reveals further fields. A page that asks for no text yet is left by its
button for the next one, with samples in what must be filled in; nothing is submitted. A form in a frame is looked at by
the frame's own address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, Page, Response
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from canary.budgets import FORM_INSPECTION, BudgetError
from canary.channels import UnusableError
from canary.channels.forms.block import Block, FormPage, best, fields_of, guess, quoted
from canary.channels.forms.browser import Browser, Visited
from canary.channels.forms.controls import Controls, read_page
from canary.channels.forms.home import Home
from canary.channels.forms.page import FormField, PageFacts, short
from canary.channels.forms.steps import Choose, Click, web_address

_ROUNDS, _PAGES = 3, 5
_SETTLE_MS, _REACTS_MS = 2000, 5000
_LOOKS_EVERY_MS = 100
_SAMPLES: Mapping[str, str] = {
    "email": "sample@example.com", "phone": "+12025550100", "serial": "00000000", "url": "https://example.com/",
    "number": "1", "date": "2026-01-01", "time": "12:00",
}  # fmt: skip
"""What is typed into a field that must be filled in before the next page shows itself, by its kind or what it asks."""


class _InFrameError(Exception):
    """The form is in a frame, which has this address of its own."""


async def inspect_form(url: str, browser: Browser, ca_file: Path | None = None) -> str:
    """The YAML of a ``web_form`` channel for the form at ``url``, with what to look at in comments.

    Raises ValueError for what is no web address, OwnFaultError for a browser that does not start, UnusableError for a
    page that cannot be loaded or has no form. The CAs of ``ca_file`` are trusted instead of the system's.
    """
    web_address(url)
    try:
        return await _visited(url, browser, (), ca_file)
    except _InFrameError as found:
        frame = str(found)
        note = f"FRAME: the form of {url} is in a frame; url is the address of that frame."
        with suppress(_InFrameError):
            return await _visited(frame, browser, (note,), ca_file)
        raise UnusableError(f"no form found at {url}: it is in a frame of {frame}, which is a frame itself") from None


async def _visited(url: str, browser: Browser, notes: tuple[str, ...], ca_file: Path | None) -> str:
    async with browser.visit(Home(url, ()), ca_file=ca_file) as visited:
        try:
            async with FORM_INSPECTION.deadline():
                page = await visited.context.new_page()
                page.set_default_timeout(_REACTS_MS)
                return await _Inspection(url, page, visited, list(notes)).text()
        except BudgetError as error:
            raise UnusableError(f"{url}: {error}") from None
        except PlaywrightError as error:
            said = error.message.splitlines()[0].removeprefix("Page.goto: ")
            words = visited.outlet.spent or visited.relay.explained(short(said, 300), url)
            raise UnusableError(f"{url}: {words}") from error


class _Inspection:
    """One look at a form, page by page."""

    def __init__(self, url: str, page: Page, visited: Visited, notes: list[str]) -> None:
        self._url, self._page, self._outlet, self._notes = url, page, visited.outlet, notes
        self._controls = Controls(page)

    async def text(self) -> str:
        """The whole block of configuration that is proposed for the form. Raises UnusableError for what is none."""
        response = await self._page.goto(self._url, wait_until="load", timeout=0)  # the whole has a deadline
        facts = await _settled(self._page)
        self._require_success(response, facts)
        await self._look_into_frames(facts)
        pages, places = [await self._choices(facts, [])], [self._page.url]
        while pages[-1].leads_on and len(pages) < _PAGES and await self._go_on(pages):
            places.append(self._page.url)
        if self._outlet.stopped:
            kept = ", ".join(self._outlet.stopped)
            self._notes.append(f"ELSEWHERE: the page was kept from sending: {kept}. A host that it needs: posts_to.")
        if facts.closed:
            self._notes.append(f"NOT SEEN: what is in {', '.join(facts.closed)}, which may be closed to scripts.")
        return Block(self._url, pages, places, self._notes).text()

    def _require_success(self, response: Response | None, facts: PageFacts) -> None:
        if response is not None and response.status >= 400:
            raise UnusableError(f"{self._url}: HTTP {response.status}: {facts.words()!r}")

    async def _look_into_frames(self, facts: PageFacts) -> None:
        """Raise _InFrameError for a form that is more of one than that of the page, UnusableError for none at all."""
        own = fields_of(facts)
        if any(item.kind == "textarea" for item in own):
            return
        looked: list[str] = []
        for frame in self._page.frames[1:20]:
            found = await _in_frame(frame)
            where = frame.url if frame.url.startswith(("http:", "https:")) else ""
            looked.append(where or "one without an address of its own")
            if any(item.kind == "textarea" for item in found) or len(found) > max(1, len(own)):
                if where:
                    raise _InFrameError(where)
                raise UnusableError(f"no form found at {self._url}: it is in a frame that has no address of its own")
        if not own:
            more = f"; looked into its frames: {', '.join(looked[:5])}" if looked else ""
            closed = f"; not seen: what is in {', '.join(facts.closed)}" if facts.closed else ""
            raise UnusableError(
                f"{facts.hurdle()}no form found at {self._url}: page says {facts.words()!r}{closed}{more}"
            )

    async def _choices(self, facts: PageFacts, known: list[FormField]) -> FormPage:
        """The page with something chosen in each list: each round of choices may reveal further fields."""
        chosen: dict[str, str] = {}
        offered: dict[str, tuple[str, ...]] = {}
        for _ in range(_ROUNDS):
            fresh = [item for item in fields_of(facts) if item.label not in chosen and item not in known]
            for item in fresh:
                if item.kind == "combobox" and not item.options:
                    offered[item.label] = await self._controls.open(item.label)
            choices = {f.label: best(f) for f in (_offering(item, offered) for item in fresh) if f.options and f.label}
            if not choices:
                break
            for label, option in choices.items():
                await self._controls.choose(Choose(label=label, option=option))
            chosen |= choices
            facts = await read_page(self._page)
        page = FormPage.of(facts, chosen, known)
        return replace(page, fields=tuple(_offering(item, offered) for item in page.fields))

    async def _go_on(self, pages: list[FormPage]) -> bool:
        """Leave a page for the next one, and look at that. Says why if there is none."""
        page = pages[-1]
        known = [item for earlier in pages for item in earlier.fields]
        sampled = [item.label for item in page.fields if await self._sample(item, page.chosen)]
        button = self._controls.clickable(Click(name=page.button))
        await (await self._controls.only(button, "button", page.button)).click()
        facts = await self._further(known)
        if facts is None:
            said = (await read_page(self._page)).words()
            self._notes.append(f"SEVERAL PAGES: {quoted(page.button)} led to no further fields. The page says: {said}")
            return False
        typed = f", with samples in {', '.join(map(quoted, sampled))}" if sampled else ""
        self._notes.append(f"SEVERAL PAGES: went on by {quoted(page.button)}{typed}; nothing was submitted.")
        pages.append(await self._choices(facts, known))
        return True

    async def _sample(self, item: FormField, chosen: Mapping[str, str]) -> bool:
        if not item.required or item.label in chosen or item.kind in ("file", "password"):
            return False
        if item.kind == "checkbox":
            await self._controls.check(item.label)
        else:
            sample = _SAMPLES.get(item.kind) or _SAMPLES.get(guess(item) or "", "Sample")
            await self._controls.field("fill", item.label).fill(sample)
        return True

    async def _further(self, known: list[FormField]) -> PageFacts | None:
        """The next page as soon as it shows fields that are not known, or None if it shows none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_REACTS_MS / 1000):
                while True:
                    await self._page.wait_for_load_state("domcontentloaded")
                    facts = await read_page(self._page)
                    if any(item not in known for item in fields_of(facts)):
                        return facts
                    await self._page.wait_for_timeout(_LOOKS_EVERY_MS)
        return None


async def _settled(page: Page) -> PageFacts:
    """The page once it shows a form; a page made by script may take a moment."""
    with suppress(PlaywrightTimeoutError):  # then what there is without one
        await page.wait_for_selector("form, textarea, select, input:not([type=search])", timeout=_SETTLE_MS)
    return await read_page(page)


async def _in_frame(frame: Frame) -> list[FormField]:
    try:
        return fields_of(await read_page(frame))
    except (PlaywrightError, UnusableError):  # it is gone, or keeps itself from being read
        return []


def _offering(item: FormField, offered: Mapping[str, tuple[str, ...]]) -> FormField:
    return replace(item, options=item.options or offered.get(item.label, ()))
