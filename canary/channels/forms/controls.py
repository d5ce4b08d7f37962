"""What is on a page in the browser, found by label and role as a person would find it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame, Locator, Page
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from pydantic import TypeAdapter, ValidationError

from canary.channels import UnusableError
from canary.channels.forms.naming import A_MARK, NAMING
from canary.channels.forms.page import PageFacts, short
from canary.channels.forms.scripts import BEFORE, FACTS
from canary.channels.forms.steps import Choose, Click

_MARKS_AFTER = re.compile(rf"{A_MARK}+$", re.IGNORECASE)
_OPENS_WITHIN = _DRAWN_AFTER = 1000
"""Milliseconds."""
_KIND = f"element => {{{NAMING} return kindOf(element); }}"
_IS_SET = "element => element.checked ?? element.getAttribute('aria-checked') === 'true'"
_DRAWN = (
    "element => {"
    + NAMING
    + r"""
  for (const label of element.labels || []) if (shown(label)) return label;
  for (let up = element.parentElement; up && !up.matches("form, body"); up = up.parentElement) if (seen(up)) return up;
  return null;
}"""
)
"""What a visitor clicks to check a box that is hidden."""
_PLACES = (
    "elements => {"
    + NAMING
    + r"""
  return elements.map(e => {
    const form = e.form || within(e, "form");
    const where = form ? form.getAttribute("aria-label") || form.id || form.getAttribute("action") || "" : null;
    const name = e.name || e.id || e.innerText || e.value || e.tagName.toLowerCase();
    return "'" + line(name) + "' in " + (where === null ? "no form" : "the form '" + where + "'");
  });
}"""
)
"""Each of several elements in a few words."""
IN_THE_PAGE = re.compile(r"\w+\.evaluate\w*: \w*Error: ")
"""How the engine says that a script of ours was stopped in the page."""


class UnreadablePageError(UnusableError):
    """A page whose own scripts have changed what it is read by, so that what comes is not what was asked for."""


@dataclass(frozen=True, slots=True)
class BeforeClick:
    """What :data:`BEFORE` finds. ``origin`` is when the page began, in milliseconds since 1970."""

    origin: float
    errors: tuple[str, ...]
    sources: tuple[str, ...]
    target: str


_FACTS, _BEFORE = TypeAdapter(PageFacts), TypeAdapter(BeforeClick)


async def read_page(page: Page | Frame) -> PageFacts:
    """The page as a visitor sees it. Raises UnreadablePageError."""
    with readable():
        try:
            raw = await page.evaluate(FACTS)
        except PlaywrightError as error:
            if not moved_on(error):
                raise
            raw = await page.evaluate(FACTS)
        return _FACTS.validate_python(raw)


async def read_before(button: Locator) -> BeforeClick:
    """What stands on the page before a button is clicked, and where its form goes. Raises UnreadablePageError."""
    with readable():
        return _BEFORE.validate_python(await button.evaluate(BEFORE))


@contextmanager
def readable() -> Iterator[None]:
    """Raises UnreadablePageError for what is not as our script made it, and what stopped that script in the page."""
    try:
        yield
    except ValidationError as error:
        raise UnreadablePageError("the page's own scripts keep it from being read") from error
    except PlaywrightError as error:
        words = error.message.splitlines()[0][:200]
        if IN_THE_PAGE.match(words):
            raise UnreadablePageError(f"the page's own scripts keep it from being read: {words}") from error
        raise


def words_pattern(label: str) -> re.Pattern[str]:
    """What a label must look like to be ``label``: signs and words for *required* may stand around it. A label
    that ends with ``…`` or ``...`` stands for all that begin so."""
    begins = label.removesuffix("…").removesuffix("...")
    whole = begins == label
    start = _MARKS_AFTER.sub("", label).lstrip(" \t\n*•") or label if whole else begins
    words = r"\s+".join(_literal(word) for word in start.split())
    end = rf"{A_MARK}*$" if whole else ""
    return re.compile(rf"^[\s*•]*{words}{end}", re.IGNORECASE)


def _literal(word: str) -> str:
    """``word`` in a pattern that JavaScript reads as Python does."""
    return "".join(c if c.isalnum() or ord(c) > 0x7F else f"\\x{ord(c):02x}" for c in word)


def _written(label: str) -> str:
    """The pattern of a label for the script, which knows by itself what ``@`` stands for."""
    return words_pattern(label).pattern.replace(A_MARK, "@")


class Controls:
    """The controls of a page, for steps with these labels: where several have the name of one, that one is meant which
    is in the form that has the others."""

    def __init__(self, page: Page, labels: Iterable[str] = ()) -> None:
        self._page, self._labels = page, tuple(dict.fromkeys(labels))

    def field(self, what: Literal["fill", "check", "upload"], label: str) -> Locator:
        """The fields that such a step may mean."""
        return self._locator(what, label)

    def clickable(self, click: Click) -> Locator:
        """What that click may mean."""
        return self._locator(click.role, click.name)

    def choice(self, choice: Choose) -> Locator:
        """The list with that label; else the radio button, or box, of that option in the group with that label."""
        return self._locator("choose", choice.label, choice.option)

    async def only(self, found: Locator, what: str, label: str) -> Locator:
        """``found``, once it is there. Raises Playwright's TimeoutError; UnusableError where there are several."""
        await found.first.wait_for(state="attached")
        number = await found.count()
        if number > 1:
            with readable():
                places = [short(str(place), 150) for place in await found.evaluate_all(_PLACES)]
            which = " and ".join(places[:3])
            raise UnusableError(
                f"{number} {what}s are called {label!r}: {which}; want one: take the name that it is sent under"
            )
        return found

    async def check(self, label: str) -> None:
        """Check a checkbox or radio button."""
        await self._set(await self.only(self.field("check", label), "box", label), f"check {label}")

    async def choose(self, choice: Choose) -> None:
        """Choose in a list, drawn or not, or a group of radio buttons."""
        found = await self.only(self.choice(choice), "field", choice.label)
        with readable():
            kind = await found.evaluate(_KIND)
        if kind == "select":
            await self._select(found, choice)
        elif kind == "datalist":
            await found.fill(choice.option)
        elif kind in ("combobox", "listbox"):
            await self._pick(found, choice, opens=kind == "combobox")
        else:
            await self._set(found, f"choose {choice.label}")

    async def open(self, label: str) -> tuple[str, ...]:
        """Open a list that is drawn, read what it offers, and close it again."""
        found = await self.only(self.choice(Choose(label=label, option="…")), "field", label)
        await found.click()
        with suppress(PlaywrightTimeoutError):  # then it offers nothing
            await self._locator("offered", label, "…").first.wait_for(timeout=_OPENS_WITHIN)
        offered = await self._locator("offered", label, "…").all_inner_texts()
        await self._page.keyboard.press("Escape")
        return tuple(" ".join(option.split()) for option in offered)

    async def _select(self, found: Locator, choice: Choose) -> None:
        pattern = words_pattern(choice.option)
        options = await found.locator("option").all_text_contents()
        number = next((at for at, option in enumerate(options) if pattern.search(option)), None)
        hidden = not await found.is_visible()  # with another list drawn in its place
        if number is None:
            await found.select_option(label=choice.option, force=hidden)
        else:
            await found.select_option(index=number, force=hidden)

    async def _pick(self, found: Locator, choice: Choose, *, opens: bool) -> None:
        option = self._locator("offered", choice.label, choice.option)
        if opens and not await option.count():
            await found.click()
            if await found.evaluate("element => element.tagName === 'INPUT' && !element.readOnly"):
                try:
                    await option.first.wait_for(timeout=_OPENS_WITHIN)
                except PlaywrightTimeoutError:  # it offers what fits to what is typed
                    await found.press_sequentially(choice.option)
        await (await self.only(option, "option", choice.option)).click()

    async def _set(self, box: Locator, title: str) -> None:
        """Check a box by what a person would click: the box, or what is drawn in its place."""
        if await box.evaluate(_IS_SET):
            return
        with suppress(PlaywrightTimeoutError):  # something is drawn over it
            if await box.is_visible():
                await box.check(timeout=_DRAWN_AFTER)
                return
        with readable():
            drawn = (await box.evaluate_handle(_DRAWN)).as_element()
        if drawn is None:
            raise UnusableError(f"step {title!r}: the box is hidden, and nothing is shown in its place")
        await drawn.click(position={"x": 4, "y": 8})  # its beginning: a link may be further on
        if not await box.evaluate(_IS_SET):
            raise UnusableError(f"step {title!r}: what is drawn in place of the box was clicked, and it is not checked")

    def _locator(self, what: str, label: str, option: str = "") -> Locator:
        others = [_written(other) for other in self._labels if other != label]
        asked = {"what": what, "label": _written(label), "option": _written(option), "others": others}
        return self._page.locator(f"control={quote(json.dumps(asked), safe='')}")


def moved_on(error: PlaywrightError) -> bool:
    """Whether the page gave way to another one while it was read."""
    return "context was destroyed" in error.message or "because of a navigation" in error.message
