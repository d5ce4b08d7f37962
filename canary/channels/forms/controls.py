"""What is on a page in the browser, found by label and role as a person would find it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page
from pydantic import TypeAdapter, ValidationError

from canary.channels import UnusableError
from canary.channels.forms.page import PageFacts
from canary.channels.forms.scripts import ANSWER, BEFORE, FACTS
from canary.channels.forms.steps import Choose

_CONTROLS = "input, select, textarea, [contenteditable=true], [role=textbox], [role=combobox]"


_IN_THE_PAGE = re.compile(r"\w+\.evaluate: \w*Error: ")


class UnreadablePageError(UnusableError):
    """A page whose own scripts have changed what it is read by, so that what comes is not what was asked for."""


@dataclass(frozen=True, slots=True)
class BeforeClick:
    """What :data:`BEFORE` finds. ``origin`` is when the page began, in milliseconds since 1970."""

    origin: float
    errors: tuple[str, ...]
    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class AfterClick:
    """What :data:`ANSWER` finds. ``status`` is 0 where there is none."""

    confirmed: bool = False
    text: str = ""
    failed: bool = False
    status: int = 0


_FACTS, _BEFORE, _AFTER = TypeAdapter(PageFacts), TypeAdapter(BeforeClick), TypeAdapter(AfterClick)


async def read_page(page: Page) -> PageFacts:
    """The page as a visitor sees it. Raises UnreadablePageError."""
    with _told():
        try:
            raw = await page.evaluate(FACTS)
        except PlaywrightError as error:
            if not moved_on(error):
                raise
            raw = await page.evaluate(FACTS)
        return _FACTS.validate_python(raw)


async def read_before(button: Locator) -> BeforeClick:
    """What stands on the page before a button is clicked, and where its form goes. Raises UnreadablePageError."""
    with _told():
        return _BEFORE.validate_python(await button.evaluate(BEFORE))


async def read_after(page: Page, before: BeforeClick, wanted: str) -> AfterClick:
    """What became of the click, as soon as that is seen; waits without a limit. Raises UnreadablePageError."""
    asked = {"wanted": " ".join(wanted.lower().split()), "origin": before.origin, "errors": list(before.errors)}
    while True:
        with _told():
            try:
                return _AFTER.validate_python(await page.evaluate(ANSWER, asked))
            except PlaywrightError as error:
                if not moved_on(error):
                    raise


@contextmanager
def _told() -> Iterator[None]:
    """Raises UnreadablePageError for what is not as our script made it, and what stopped that script in the page."""
    try:
        yield
    except ValidationError as error:
        raise UnreadablePageError("the page's own scripts keep it from being read") from error
    except PlaywrightError as error:
        words = error.message.splitlines()[0][:200]
        if _IN_THE_PAGE.match(words):
            raise UnreadablePageError(f"the page's own scripts keep it from being read: {words}") from error
        raise


def words_pattern(label: str) -> re.Pattern[str]:
    """What a label must look like to be ``label``: signs and words for *required* may follow it. A label that ends with
    ``…`` or ``...`` stands for all that begin so."""
    start = label.removesuffix("…").removesuffix("...")
    words = r"\s+".join(_literal(word) for word in start.split())
    end = "" if start != label else r"\s*(\*|:|\((required|optional)\)|\s)*$"
    return re.compile(rf"^\s*{words}{end}", re.IGNORECASE)


def _literal(word: str) -> str:
    """``word`` in a pattern that goes through Playwright's selectors, where slashes and quotes have a meaning."""
    return "".join(c if c.isalnum() or ord(c) > 0x7F else f"\\x{ord(c):02x}" for c in word)


def field_of(page: Page, label: str) -> Locator:
    """The field with that label, or with it as its placeholder."""
    pattern = words_pattern(label)
    named = page.get_by_label(pattern).or_(page.get_by_placeholder(pattern))
    return named.and_(page.locator(_CONTROLS))


def options_of(page: Page, label: str, option: str) -> Locator:
    """One radio button of the group with that label."""
    pattern = words_pattern(label)
    group = page.get_by_role("group", name=pattern).or_(page.get_by_role("radiogroup", name=pattern))
    return group.get_by_role("radio", name=words_pattern(option))


async def choose(page: Page, choice: Choose) -> None:
    """Choose in a drop-down list or a group of radio buttons."""
    either = field_of(page, choice.label).or_(options_of(page, choice.label, choice.option))
    if await either.evaluate("element => element.tagName") == "SELECT":
        await either.select_option(label=choice.option)
    else:
        await either.check()


def moved_on(error: PlaywrightError) -> bool:
    """Whether the page gave way to another one while it was read."""
    return "context was destroyed" in error.message or "because of a navigation" in error.message
