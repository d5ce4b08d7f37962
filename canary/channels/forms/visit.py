"""One visit to a form in the browser: load it, do the steps, judge the page's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Dialog, FilePayload, Locator, Page, Response
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from canary.budgets import BROWSER_ARTEFACT, BROWSER_DIALOGS, KIB, BudgetError
from canary.channels import Sender, UnusableError
from canary.channels.forms.answer import OUR_NETWORK, ClickAnswer
from canary.channels.forms.attempt import Attempt, NoAnswerError
from canary.channels.forms.browser import Visited
from canary.channels.forms.controls import (
    Controls,
    UnreadablePageError,
    read_before,
    read_page,
    words_pattern,
)
from canary.channels.forms.hindrance import engine_words, hindrance, plainly
from canary.channels.forms.lookup import lookup_fault
from canary.channels.forms.page import PageFacts
from canary.channels.forms.settings import WebFormSettings
from canary.channels.forms.shape import of_page, of_target
from canary.channels.forms.steps import Choose, Click, Fill, Step, Upload, files_of, filled, values
from canary.model import Attachment, Component, OwnFaultError, Report, Submission
from canary.threads import in_thread

_NO_PAGE = ("Download is starting", "interrupted by another navigation")
_DETACHED = "frame was detached"
"""In words of the network too, where the page was ended while it was being loaded."""
_ARTEFACT_WITHIN = 15.0
_LOOKED_FOR = 64 * KIB
"""Of a file that is uploaded, so much is recognised where it must not go."""
_DIALOG = 2000
"""Characters of what a dialog says."""
_IS_EMPTY = "fields => fields.some(field => field.value === '')"
"""Neither a field for dates says that it takes nothing else, nor one behind a modal window that it takes nothing."""
_SAYS_EVERY = 0.2
"""Seconds between two looks at what a page says by itself."""
_OPTIONAL_WITHIN = 2.0
"""Seconds for what may be there or not."""


class Visit:
    """One visit to the form, in a context of its own."""

    def __init__(
        self, settings: WebFormSettings, sender: Sender, visited: Visited, page: Page, attempt: Attempt
    ) -> None:
        self._sender = sender
        self._settings, self._page, self._attempt = settings, page, attempt
        self._outlet, self._explained = visited.outlet, visited.relay.explained
        self._opened = 0
        self._home = settings.home()
        self._controls = Controls(page, [step.label for step in settings.steps if step.label])
        self._typed: list[str] = []
        self._answer: ClickAnswer | None = None
        self.shape: dict[str, str] = {}
        """How the form looked, as far as it was seen: the fields of its pages, and where it goes."""
        self.captcha: str | None = None
        """Whose CAPTCHA a look has found on the page."""

    async def submit(self, report: Report) -> Submission:
        """All steps, and the page's answer. Raises OwnFaultError and Playwright's errors for a browser that failed."""
        keep = self._settings.screenshots == "always"
        try:
            await self._open()
            text = await self._go(report)
        except UnusableError as fault:
            return self._attempt.failed(fault, await self._artefacts())
        except PlaywrightTimeoutError:
            slow = NoAnswerError(f"the page did not react within {self._settings.patience:g} s")
            return self._attempt.failed(slow, await self._artefacts())
        reference = await in_thread(partial(self._settings.confirm.reference_in, text))
        return self._attempt.accepted(reference, await self._artefacts() if keep else ())

    async def confirm(self) -> str | None:
        """Load the page of a link, click its one button if there is a step for it, and wait for the words that confirm.

        Returns the reference number. Raises UnusableError, OwnFaultError and Playwright's errors.
        """
        try:
            await self._open()
        except UnusableError as fault:
            if isinstance(fault.__cause__, PlaywrightTimeoutError):
                raise NoAnswerError(str(fault)) from fault  # it was asked for, and may have been taken
            raise
        try:
            text = await self._send(self._settings.steps[0]) if self._settings.steps else await self._said()
        except PlaywrightTimeoutError as error:
            raise NoAnswerError(f"the page did not react within {self._settings.patience:g} s") from error
        return await in_thread(partial(self._settings.confirm.reference_in, text))

    async def _said(self) -> str:
        """The page's text once it confirms by itself."""
        confirm, facts = self._settings.confirm, PageFacts("")
        with suppress(TimeoutError):
            async with asyncio.timeout(confirm.within):
                while not confirm.seen_in((facts := await read_page(self._page)).text):
                    await self._attempt.pause(_SAYS_EVERY)
                return facts.text
        raise facts.not_confirmed(confirm.text)

    async def look(self) -> str:
        """Load the page and find what the steps up to the first click need; in a line, what was found and how far."""
        await self._open()
        labels, number = [], 0
        for number, step in enumerate(self._settings.steps, 1):  # noqa: B007  # told when it is over
            if step.optional and (step.click or not await self._is_there(step)):
                continue
            if step.click or step.next_page:
                await self._find(step)
                break
            if step.label:
                await self._find(step)
                labels.append(step.label)
            if step.choose or step.check:
                await self._do(step, {})  # it may reveal the fields of the next steps
        facts = await read_page(self._page)
        self.shape, self.captcha = of_page(facts), facts.captcha
        found = f"{self._settings.url}: found {', '.join(repr(label) for label in labels) or 'the page'}"
        if self._settings.confirm.seen_in(facts.text):
            found += f"; {self._settings.confirm.text!r} stands there already, and will confirm nothing as it stands"
        return "; ".join([found, *([f"{facts.captcha} on the page"] if facts.captcha else ()), self._looked(number)])

    def _looked(self, number: int) -> str:
        """How far that was, in words: nothing is clicked, so what comes behind a click is not seen."""
        steps = self._settings.steps
        far = f"looked at {number} of {len(steps)} steps"
        return far if number == len(steps) else f"{far}: what comes after {steps[number - 1].title!r} was not looked at"

    async def _open(self) -> None:
        page = self._page
        page.set_default_timeout(self._settings.patience * 1000)
        page.context.on("dialog", self._hear)
        page.context.on("page", lambda _: self._count())
        try:
            response = await page.goto(
                self._settings.url, timeout=self._settings.loads_within * 1000, wait_until="domcontentloaded"
            )
        except PlaywrightTimeoutError as error:
            raise UnusableError(
                f"{self._settings.url} did not load within {self._settings.loads_within:g} s"
            ) from error
        except PlaywrightError as error:
            raise await self._unreachable(error) from error
        await self._refuse_status(response)
        self._home.require(self._page.url)
        self._attempt.passed("load")

    async def _unreachable(self, error: PlaywrightError) -> Exception:
        words = self._explained(engine_words(error), self._settings.url)
        if any(sign in words for sign in _NO_PAGE):
            return UnusableError(f"no page at {self._settings.url}: {words}")
        if "net::" not in words or _DETACHED in str(error):
            return error
        if "ERR_NAME_NOT_RESOLVED" in words:
            return await lookup_fault(self._settings.targets()[0])
        if any(sign in words for sign in OUR_NETWORK):
            return OwnFaultError(Component.HTTP, "network_down", words)
        return UnusableError(f"page unreachable: {words}")

    async def _refuse_status(self, response: Response | None) -> None:
        if response is not None and response.status >= 400:
            facts = await read_page(self._page)
            raise UnusableError(f"{facts.hurdle()}HTTP {response.status} for {response.url}: {facts.words()!r}")

    async def _go(self, report: Report) -> str:
        """Every step in turn; returns the text of the page that confirms."""
        known = values(report, self._settings.serial, self._sender)
        self._outlet.typed.add_mark(report.mark)
        text = ""
        for index, step in enumerate(self._settings.steps):
            if step.optional and not await self._is_there(step):
                continue
            if index == self._settings.submitting:
                text = await self._send(step)
            else:
                await self._do(step, known, files_of(step, report))
            self._attempt.passed(step.title)
        return text

    async def _do(self, step: Step, known: Mapping[str, str], files: tuple[Attachment, ...] = ()) -> None:
        try:
            match step.action:
                case Fill() as fill:
                    text = filled(fill.with_, known)
                    self._outlet.typed.add(text)
                    self._typed.append(text)
                    await self._type(await self._found(step), text, step)
                case Choose() as action:
                    await self._controls.choose(action)
                case Upload():
                    if files:
                        for file in files:
                            self._outlet.typed.add(file.content[:_LOOKED_FOR].decode("utf-8", "replace"))
                        await (await self._found(step)).set_input_files(
                            [FilePayload(name=f.name, mimeType=f.media_type, buffer=f.content) for f in files]
                        )
                case Click():
                    button = await self._found(step)
                    if step.next_page:
                        await self._see()
                    await button.click()
                    if step.next_page:
                        await self._page.wait_for_load_state("domcontentloaded")
                        self._home.require(self._page.url)
                case _ if step.check:
                    await self._controls.check(step.check)
                case _ if step.wait_for:
                    await self._words(step.wait_for).wait_for()
                case _ if step.pause:
                    await self._attempt.pause(step.pause)
        except PlaywrightTimeoutError as error:
            raise await self._unfit(step) from error
        except PlaywrightError as error:
            if (words := plainly(error)) is None:
                raise
            raise UnusableError(f"step {step.title!r} could not be done: {words}") from error

    async def _type(self, field: Locator, text: str, step: Step) -> None:
        """Fill a field in. A key that does nothing follows: there are forms that look at what is in it only then."""
        by_key = step.fill is not None and step.fill.by_key
        await field.fill("" if by_key else text)
        if by_key:
            await field.press_sequentially(text, timeout=0)
        await self._page.keyboard.press("Shift")
        if text.strip() and await field.evaluate_all(_IS_EMPTY):
            why = await hindrance(field, "the field does not take this text")
            raise UnusableError(f"step {step.title!r} could not be done: {why}")

    def _words(self, words: str) -> Locator:
        return self._page.get_by_text(words).locator("visible=true").first

    async def _is_there(self, step: Step) -> bool:
        """Whether what an optional step needs is on the page, or comes in a moment."""
        needed = self._words(step.wait_for) if step.wait_for else None if step.pause else self._meant(step).first
        if needed is not None:
            within = min(_OPTIONAL_WITHIN, self._settings.patience)
            try:
                async with asyncio.timeout(within):
                    await needed.wait_for(state="attached" if step.label else "visible")
            except TimeoutError:
                return False
        return True

    def _meant(self, step: Step) -> Locator:
        """What a step may mean on the page; it needs a control."""
        match step.action:
            case Fill(label=label):
                return self._controls.field("fill", label)
            case Upload(label=label):
                return self._controls.field("upload", label)
            case Choose() as choice:
                return self._controls.choice(choice)
            case Click() as click:
                return self._controls.clickable(click)
        return self._controls.field("check", step.check or "")

    async def _found(self, step: Step) -> Locator:
        """What a step means, once it is there. Raises UnusableError where that is not one thing alone."""
        what = step.action.role if isinstance(step.action, Click) else "field"
        name = step.action.name if isinstance(step.action, Click) else step.label
        return await self._controls.only(self._meant(step), what, name or "")

    async def _find(self, step: Step) -> None:
        try:
            await self._found(step)
        except PlaywrightTimeoutError as error:
            raise await self._unfit(step) from error

    async def _unfit(self, step: Step) -> UnusableError:
        """Why a step could not be done: what it needs is not there, or does not let itself be used."""
        facts = await read_page(self._page)
        if isinstance(step.action, Click):
            if await self._meant(step).count() == 0:
                return facts.lacks(step.action.role, step.action.name)
        elif step.wait_for:
            return UnusableError(f"{facts.hurdle()}waited for {step.wait_for!r}, page says {facts.words()!r}")
        elif step.choose:
            return self._no_option(facts, step.choose)
        elif step.label and await self._meant(step).count() == 0:
            return facts.lacks("field", step.label)
        why = await hindrance(self._meant(step), f"it did not react within {self._settings.patience:g} s")
        return UnusableError(f"{facts.hurdle()}step {step.title!r} could not be done: {why}")

    def _no_option(self, facts: PageFacts, choose: Choose) -> UnusableError:
        pattern = words_pattern(choose.label)
        options = next((f.options for f in facts.fields if pattern.search(f.label)), None)
        if options is None:
            return facts.lacks("field", choose.label)
        got = ", ".join(repr(option[:60]) for option in options[:30])
        return UnusableError(f"option not found in {choose.label!r}: got [{got}], want {choose.option!r}")

    async def _send(self, step: Step) -> str:
        """The click that submits. From it on, silence means that the report may have been taken."""
        assert step.click is not None
        try:
            button = await self._found(step)
            if await button.is_disabled():
                await self._page.keyboard.press("Tab")  # there are forms that look at a field only when it is left
            before = await read_before(button)
        except PlaywrightTimeoutError as error:
            raise await self._unfit(step) from error
        await self._see()
        self.shape |= of_target(before.target)
        self._home.require(before.target, "the form goes")
        answer = ClickAnswer(self._page, button, self._settings.confirm, self._outlet, self._attempt.seconds)
        await answer.expect(before, self._typed, self._home, self._explained)
        self._answer = answer
        try:
            self._attempt.clicked = True
            await button.click(no_wait_after=True)
        except PlaywrightTimeoutError as error:
            if "performing click" not in error.message:
                self._attempt.clicked = False
                raise await self._unfit(step) from error
        return await answer.read()

    async def _see(self) -> None:
        """Note how the page looks, with all that the steps so far have revealed."""
        with suppress(UnreadablePageError):  # then whoever reads it next says so
            self.shape |= of_page(await read_page(self._page))

    async def _hear(self, dialog: Dialog) -> None:
        if self._answer is not None and dialog.type != "beforeunload":
            self._answer.news.hear(dialog.message[:_DIALOG])
        self._count()
        with suppress(PlaywrightError):  # the dialog, or its page, is gone
            await dialog.accept()

    def _count(self) -> None:
        """A page may open something on its own, but not for ever."""
        self._opened += 1
        try:
            BROWSER_DIALOGS.hold(number=self._opened)
        except BudgetError as error:
            self._outlet.spend(str(error))

    async def _artefacts(self) -> tuple[tuple[str, bytes], ...]:
        """A screenshot of the whole page and the trace; whatever of it can still be had."""
        kept: list[tuple[str, bytes]] = []
        for name, get in (("screenshot.png", self._screenshot), ("trace.zip", self._trace)):
            try:
                async with asyncio.timeout(_ARTEFACT_WITHIN):
                    content = await get()
                    BROWSER_ARTEFACT.hold(received=len(content))
                    kept.append((name, content))
            except (PlaywrightError, OSError, BudgetError) as error:  # TimeoutError is an OSError
                kept.append((f"{name}.missing.txt", f"{type(error).__name__}: {error}".encode()[:500]))
        return tuple(kept)

    async def _screenshot(self) -> bytes:
        session = await self._page.context.new_cdp_session(self._page)
        await session.send("Page.stopLoading")  # or there is no picture while an answer is outstanding
        return await self._page.screenshot(full_page=True)

    async def _trace(self) -> bytes:
        with TemporaryDirectory(prefix="canary-trace-") as folder:
            path = Path(folder) / "trace.zip"
            await self._page.context.tracing.stop(path=path)
            return BROWSER_ARTEFACT.read_path(path)
