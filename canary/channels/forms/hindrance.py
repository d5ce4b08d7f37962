"""Why a control on a page did not let itself be used, in the words of who looks at the page."""

from __future__ import annotations

from contextlib import suppress

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator

from canary.channels.forms.controls import IN_THE_PAGE, readable
from canary.channels.forms.naming import NAMING
from canary.channels.forms.page import short

_LOOKED_WITHIN = 2000
"""Milliseconds."""
_HINDRANCE = (
    "element => {"
    + NAMING
    + r"""
  if (!shown(element)) return "it is hidden";
  if (element.matches(":disabled") || within(element, "[aria-disabled=true], [inert]")) return "it is disabled";
  if (element.readOnly) return "it is read-only";
  element.scrollIntoView({block: "center", inline: "center"});
  const box = element.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  let top = document.elementFromPoint(x, y);
  for (let inner = top; inner; inner = inner.shadowRoot?.elementFromPoint(x, y)) {
    if (inner === top && inner !== document.elementFromPoint(x, y)) break;
    top = inner;
  }
  if (!top) return "it is outside of what can be seen";
  const above_it = other => { for (let e = other; e; e = above(e)) if (e === element) return true; return false; };
  const holds = other => { for (let e = element; e; e = above(e)) if (e === other) return true; return false; };
  if (above_it(top) || holds(top)) return "";
  while (above(top) && !holds(above(top))) top = above(top);
  const what = top.tagName.toLowerCase() + (top.id ? " id=" + top.id : "");
  const words = line(top.innerText || top.title || top.getAttribute("aria-label") || top.src);
  return "it is covered by " + (words ? "'" + words.slice(0, 100) + "' (<" + what + ">)" : "<" + what + ">");
}"""
)
_PLAINLY = {
    "strict mode violation": "several controls have this name",
    "is not an <input>": "it is no field that takes a text",
    "is not a <select>": "it is no list",
    "Not a checkbox": "it is no checkbox or radio button",
    "cannot be filled": "it is no field that takes a text",
    "Cannot type text": "the field does not take this text",
    "Malformed value": "the field does not take this text",
    "not an HTMLElement": "it is no control",
    "Clicking the checkbox did not change": "it was clicked, and is as it was",
    "did not find some options": "the list has no such option",
}
"""What the engine says, by a part of it, and what that means."""
_OF_THE_BROWSER = ("closed", "crashed", "disconnected", "net::", "rotocol error")


async def hindrance(control: Locator, otherwise: str) -> str:
    """What keeps ``control`` from being used; ``otherwise`` is said if nothing is found. Raises UnreadablePageError."""
    words = ""
    with suppress(PlaywrightError), readable():  # it is gone
        words = short(str(await control.first.evaluate(_HINDRANCE, timeout=_LOOKED_WITHIN)), 300)
    return words or otherwise


def plainly(error: PlaywrightError) -> str | None:
    """What the engine says of a control, in plain words; None for what it says of the browser itself."""
    words = error.message.splitlines()[0]
    if any(sign in words for sign in _OF_THE_BROWSER):
        return None
    if IN_THE_PAGE.match(words):
        return "the page's own scripts keep it from being read"
    return next((plain for sign, plain in _PLAINLY.items() if sign in error.message), None)


def engine_words(error: PlaywrightError) -> str:
    """The first line of what the engine says, without the name of what was called."""
    words = error.message.splitlines()[0]
    call, _, rest = words.partition(": ")
    return short(rest if rest and "." in call and " " not in call else words, 300)
