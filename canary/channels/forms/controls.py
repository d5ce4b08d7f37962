"""What is on a page in the browser, found by label and role as a person would find it."""

from __future__ import annotations

import re

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page

from canary.channels.forms.page import Button, FormField, PageFacts
from canary.channels.forms.scripts import FACTS
from canary.channels.forms.steps import Choose

_CONTROLS = "input, select, textarea, [contenteditable=true], [role=textbox], [role=combobox]"


async def read_page(page: Page) -> PageFacts:
    """The page as a visitor sees it."""
    try:
        raw = await page.evaluate(FACTS)
    except PlaywrightError as error:
        if not moved_on(error):
            raise
        raw = await page.evaluate(FACTS)
    fields = tuple(FormField(**{**item, "options": tuple(item["options"])}) for item in raw["fields"])
    return PageFacts(
        raw["text"],
        tuple(raw["errors"]),
        fields,
        tuple(Button(**item) for item in raw["buttons"]),
        tuple(raw["sources"]),
    )


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
