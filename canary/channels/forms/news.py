"""What a visitor sees that is new since a moment: on the page, in its frames and shadow roots, in windows that it
opens, in its dialogs, and in what is shown for a moment only. Words that stood there before are not new, wherever they
stand now; nor is what was typed, which a page may show once more.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from playwright.async_api import BrowserContext, Frame, JSHandle, Page
from playwright.async_api import Error as PlaywrightError
from pydantic import TypeAdapter

from canary.budgets import BROWSER_NEWS
from canary.channels.forms.controls import moved_on, readable
from canary.channels.forms.scripts import NEWS
from canary.channels.forms.steps import plain

_READ_WITHIN = 5.0
"""Seconds for what stands in a frame before the click: one that does not load holds nothing up."""
_AROUND = 3
"""Words before and after: with the same ones around them, words are those that stood there before."""
_TRIED = 20


@dataclass(frozen=True, slots=True)
class FrameNews:
    """What :data:`NEWS` finds: lines that are new, and how its document stands."""

    lines: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    """The words of what is there to be noticed, which may say that all goes well."""
    errors: tuple[str, ...] = ()
    """Those of them that are sure to be of an error."""
    failed: bool = False
    """The browser's own page, which says that there is none."""
    complete: bool = False
    leaving: bool = False
    """It says itself that another page follows."""
    origin: float = 0.0
    """When the document began, in milliseconds since 1970."""


_LINES, _TOLD = TypeAdapter(tuple[str, ...]), TypeAdapter(FrameNews)


class News:
    """Everything new in ``context``, from :meth:`begin` on. ``page`` is the one whose button is clicked."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._context, self._page = context, page
        self._known: list[str] = []
        self._stood = ""
        self._watches: dict[Frame, asyncio.Task[None]] = {}
        self._fresh: dict[Frame | None, deque[str]] = {}
        self._began = 0.0
        self.alerts: list[str] = []
        self.errors: list[str] = []
        """Of these, what is new; see :class:`FrameNews`."""
        self.states: dict[Frame, FrameNews] = {}
        """How the document of each page stands, by its main frame."""
        self.dialogs: list[str] = []
        """What dialogs said."""
        self.changed = asyncio.Event()
        """Set whenever there is something new."""
        self.fault: Exception | None = None
        """What ended the reading of the page itself."""

    async def begin(self, typed: Iterable[str], origin: float) -> None:
        """What is there now, and what was ``typed``, is not new. The page began at ``origin``; see :class:`FrameNews`.

        Raises UnreadablePageError.
        """
        self._began = origin
        for text in typed:
            self._known += (*(line for line in map(plain, text.splitlines()) if line), plain(text))
        frames = [frame for page in self._context.pages for frame in page.frames][: BROWSER_NEWS.number]
        recorders = await asyncio.gather(*map(self._recorder, frames))
        for _, lines in recorders:
            self._known += lines
        self._known = list(dict.fromkeys(self._known))
        self._stood = "\n".join(["", *(line.casefold() for line in self._known), ""])
        for frame, (recorder, _) in zip(frames, recorders, strict=True):
            self._start(frame, recorder)
        self._context.on("page", self._follow)
        for page in self._context.pages:
            self._follow(page)

    async def end(self) -> None:
        """Stop watching every frame, and wait until no watch is at work any more."""
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)

    def hear(self, words: str) -> None:
        """Add the ``words`` of a dialog to what is new, as long as there are not too many dialogs."""
        if len(self.dialogs) < _TRIED:
            self.dialogs.append(words)
            self._add(None, words.splitlines())

    def confirmation(self, wanted: str) -> str | None:
        """The new text of the frame, or dialog, in which the words stand that are wanted."""
        for lines in self._fresh.values():
            if says(lines, self._stood, wanted):
                return "\n".join(lines)
        return None

    def stood(self, wanted: str) -> bool:
        """Whether these words were there before."""
        return plain(wanted).casefold() in plain(self._stood)

    @property
    def words(self) -> str:
        """All that is new on pages, alerts first."""
        fresh = [line for frame, lines in self._fresh.items() if frame is not None for line in lines]
        return " ".join(dict.fromkeys([*self.alerts, *fresh]))

    @property
    def page(self) -> FrameNews:
        """How the document of the page stands whose button was clicked."""
        return self.states.get(self._page.main_frame, FrameNews())

    @property
    def turned(self) -> bool:
        """Whether that is another one than it was."""
        return self.page.origin not in (0.0, self._began)

    async def _recorder(self, frame: Frame) -> tuple[JSHandle | None, tuple[str, ...]]:
        """What reads a frame from now on, and what stands in it; nothing for a frame that does not load."""
        try:
            async with asyncio.timeout(_READ_WITHIN):
                with readable():
                    recorder = await frame.evaluate_handle(NEWS, {"known": self._known, "old": True})
                    return recorder, _LINES.validate_python(await recorder.evaluate("recorder => recorder.standing"))
        except (TimeoutError, PlaywrightError):
            if frame is self._page.main_frame:
                raise
            return None, ()

    def _follow(self, page: Page) -> None:
        page.on("frameattached", self._start)
        for frame in page.frames:
            self._start(frame)

    def _start(self, frame: Frame, recorder: JSHandle | None = None) -> None:
        if frame not in self._watches and len(self._watches) < (BROWSER_NEWS.number or 0):
            self._watches[frame] = asyncio.create_task(self._watch(frame, recorder))

    async def _watch(self, frame: Frame, recorder: JSHandle | None) -> None:
        """Read one frame, from document to document, until it is gone."""
        try:
            while not frame.is_detached():
                try:
                    await self._read(frame, recorder)
                except PlaywrightError as error:
                    if not moved_on(error):
                        raise
                recorder = None
        except Exception as error:
            if frame is self._page.main_frame:
                self.fault = error
                self.changed.set()

    async def _read(self, frame: Frame, recorder: JSHandle | None) -> None:
        with readable():
            recorder = recorder or await frame.evaluate_handle(NEWS, {"known": self._known, "old": False})
            while True:
                told = _TOLD.validate_python(await recorder.evaluate("recorder => recorder.next()"))
                if frame.parent_frame is None:
                    self.states[frame] = told
                self.alerts = list(dict.fromkeys((*self.alerts, *told.alerts)))[:_TRIED]
                self.errors = list(dict.fromkeys((*self.errors, *told.errors)))[:_TRIED]
                self._add(frame, () if told.failed else told.lines)

    def _add(self, frame: Frame | None, lines: Iterable[str]) -> None:
        self._fresh.setdefault(frame, deque(maxlen=200)).extend(lines)
        self.changed.set()


def says(fresh: Iterable[str], stood: str, wanted: str) -> bool:
    """Whether the lines ``fresh`` have the words ``wanted`` somewhere, other than as they ``stood`` there before.

    Case and white space do not matter, and the words may go over several lines. ``stood`` are the lines of before, each
    between line feeds and with its case folded. Where what is around them is the same, a line has merely changed
    somewhere else: *Thank you for helping us. Step 2* is no confirmation that says *thank you*.
    """
    text = "\n".join(["", *(plain(line).casefold() for line in fresh), ""])
    words = r"\s+".join(re.escape(word) for word in plain(wanted).casefold().split())
    for number, match in enumerate(re.finditer(words, text)):
        if number >= _TRIED:
            break
        before = text[text.rfind("\n", 0, match.start()) : match.start()]
        after = text[match.end() : text.find("\n", match.end()) + 1]
        around = " ".join(before.split(" ")[-_AROUND - 1 :]), " ".join(after.split(" ")[: _AROUND + 1])
        if around[0] + match[0] + around[1] not in stood:
            return True
    return False
