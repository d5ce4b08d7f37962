"""Look at a page and write the configuration of a channel for the form on it, for the operator to look over.

Options are chosen in lists, since that often reveals further fields; nothing is typed, nothing is submitted.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from canary.budgets import FORM_INSPECTION, BudgetError
from canary.channels import UnusableError
from canary.channels.forms.browser import Browser
from canary.channels.forms.controls import Controls, read_page
from canary.channels.forms.home import Address, Home
from canary.channels.forms.outlet import Outlet
from canary.channels.forms.page import FormField, PageFacts, short
from canary.channels.forms.steps import Choose, web_address

_GUESSES = (
    ("serial", r"serial|seriennummer|numer seryjny|sorozatsz|numéro de série|序列号"),
    ("email", r"e-?mail|courriel|邮箱"),
    ("first_name", r"first name|given name|forename|vorname|prénom|imię$|keresztnév"),
    ("last_name", r"last name|surname|family name|nachname|nazwisko|vezetéknév|nom de famille"),
    ("organisation", r"organi[sz]ation|company|firma|unternehmen|société|cég"),
    ("phone", r"phone|telefon|téléphone|mobile|电话"),
    ("subject", r"subject|betreff|temat|tárgy|objet|主题"),
    ("name", r"\bname\b|imię i nazwisko|^név|\bnom\b|姓名"),
    ("text", r"description|message|details|text|comment|problem|nachricht|beschreibung|opis|treść|leírás|üzenet|描述"),
)
_REPORT = re.compile(r"problem|report|mis-?issu|compromise|revo|abuse|malicious|zertifikat|certificate|cert", re.I)
_NEXT = re.compile(r"^(next|continue|weiter|dalej|tovább|suivant|proceed|start)\b|下一步", re.I)
_SUBMIT = re.compile(r"submit|send|report|senden|absenden|wyślij|küldés|envoyer|提交", re.I)
_ROUNDS = 3
_SETTLE_MS = 2000


async def inspect_form(url: str, browser: Browser) -> str:
    """The YAML of a ``web_form`` channel for the form at ``url``, with what to look at in comments.

    Raises ValueError for what is no web address, OwnFaultError for a browser that does not start, UnusableError for a
    page that cannot be loaded or has no form.
    """
    web_address(url)
    async with browser.visit(Home(url, ())) as visited:
        try:
            async with FORM_INSPECTION.deadline():
                return await _block(url, await visited.context.new_page(), visited.outlet)
        except BudgetError as error:
            raise UnusableError(f"{url}: {error}") from None
        except PlaywrightError as error:
            words = visited.outlet.spent or visited.relay.explained(short(error.message, 300), url)
            raise UnusableError(f"{url}: {words}") from error


async def _block(url: str, page: Page, outlet: Outlet) -> str:
    response = await page.goto(url, wait_until="load")
    facts = await _settled(page)
    chosen: dict[str, str] = {}
    for _ in range(_ROUNDS):  # each round of choices may reveal further fields
        fresh = {f.label: _best(f) for f in _fields(facts) if f.options and f.label not in chosen}
        if not fresh:
            break
        for label, option in fresh.items():
            await Controls(page).choose(Choose(label=label, option=option))
        chosen |= fresh
        facts = await read_page(page)
    if response is not None and response.status >= 400:
        raise UnusableError(f"{url}: HTTP {response.status}: {facts.words()!r}")
    return _Block(url, page.url, facts, chosen, tuple(outlet.stopped)).text()


async def _settled(page: Page) -> PageFacts:
    """The page once it shows a form; a page made by script may take a moment."""
    with suppress(PlaywrightTimeoutError):  # then what there is without one
        await page.wait_for_selector("form, textarea, select, input:not([type=search])", timeout=_SETTLE_MS)
    return await read_page(page)


def _fields(facts: PageFacts) -> list[FormField]:
    """The fields of the form that is most likely the one for reports: with a text area, then with most fields."""
    by_form: dict[int, list[FormField]] = {}
    for item in facts.fields:
        by_form.setdefault(item.form, []).append(item)
    return max(by_form.values(), key=lambda fields: (_weight(fields), len(fields)), default=[])


def _weight(fields: list[FormField]) -> int:
    return sum(item.kind == "textarea" for item in fields)


def _best(item: FormField) -> str:
    """The option that sounds most like a report of a problem; the last such one, for *another problem* is harmless."""
    plain = item.options[0 if item.kind == "radio" else -1]
    return next((option for option in item.options[::-1] if _REPORT.search(option)), plain)


def _guess(item: FormField) -> str | None:
    if item.kind == "email":
        return "email"
    if item.kind == "tel":
        return "phone"
    if item.kind == "textarea":
        return "text"
    return next((name for name, pattern in _GUESSES if re.search(pattern, item.label, re.IGNORECASE)), None)


class _Block:
    """The configuration as lines; every string in it is a JSON string, which YAML reads the same."""

    def __init__(self, url: str, end: str, facts: PageFacts, chosen: dict[str, str], stopped: tuple[str, ...]) -> None:
        self._url, self._facts, self._chosen, self._stopped = url, facts, chosen, stopped
        self._fields = [replace(item, label=short(item.label, 200)) for item in _fields(facts)]
        there = Address.of(end)
        self._moved = there.place if there and not Home(url, ()).has(end) else None
        self._serial = any(_guess(item) == "serial" for item in self._fields)
        self._last = self._button()

    def text(self) -> str:
        """The whole block. Raises UnusableError for a page without fields."""
        if not self._fields:
            raise UnusableError(
                f"{self._facts.hurdle()}no form found at {self._url}: page says {self._facts.words()!r}"
            )
        lines = ["channels:", "  web-form:"]
        lines += [f"    # {note}" for note in self._notes()]
        lines += [
            "    kind: web_form",
            f"    url: {_quoted(self._url)}",
            '    approved_by: "NAME, DATE"  # who approved that this form is probed',
            "    arrives_in: cpr  # the queue in which its reports must be seen",
        ]
        if self._serial:
            lines.append('    serial: "00000000"  # put in the serial of a revoked or expired test certificate')
        if self._moved:
            lines.append(f"    posts_to: [{_quoted(self._moved)}]")
        lines += ["    steps:", *(line for item in self._fields for line in self._step(item)), *self._closing()]
        lines += ["    confirm:", '      text: "Thank you"  # put in what the page says when it took a report']
        return "\n".join(lines) + "\n"

    def _notes(self) -> list[str]:
        notes = ["Found by cpr-canary form inspect. Look over every line that has a comment."]
        if self._facts.login:
            notes.append("LOGIN: the page asks for a password. Third parties must be able to report (BR 4.9.3).")
        if self._facts.captcha:
            notes.append(f"CAPTCHA: the page has {self._facts.captcha}; agree on a way around it for the canary.")
        if self._stopped:
            kept = ", ".join(self._stopped)
            notes.append(f"ELSEWHERE: the page was kept from sending: {kept}. A host that the form needs: posts_to.")
        if self._is_first_page():
            notes.append("SEVERAL PAGES: this is the first one; add the steps of the further ones where it says so.")
        return notes

    def _is_first_page(self) -> bool:
        return bool(_NEXT.search(self._last))

    def _button(self) -> str:
        """The button that sends the form: by what it says, else its last one."""
        form = self._fields[0].form if self._fields else -1
        labels = [short(button.label, 200) for button in self._facts.buttons if button.form == form and button.label]
        labels = labels or [short(button.label, 200) for button in self._facts.buttons if button.label]
        return next((label for label in labels[::-1] if _SUBMIT.search(label)), labels[-1] if labels else "Send")

    def _step(self, item: FormField) -> list[str]:
        label, must = _quoted(item.label), "required" if item.required else ""
        if item.kind == "password":
            return [f"      # {label} asks for a password, which is never typed"]
        if item.label in self._chosen:
            lines = [f"      # options: {', '.join(_quoted(short(option, 100)) for option in item.options[:40])}"]
            option = _quoted(short(self._chosen[item.label], 200))
            return [*lines, _line(f"choose: {{label: {label}, option: {option}}}", must)]
        if item.kind == "checkbox":
            return [_line(f"check: {label}", must)] if item.required else [f"      # not required: check: {label}"]
        if item.kind == "file":
            files = "attachments" if item.multiple else "first_attachment"
            return [_line(f"upload: {{label: {label}, file: {files}}}", must)]
        guess = _guess(item)
        if guess is None and not item.required:
            return [f"      # not required, and it is not clear what goes here: {label}"]
        comment = ", ".join(part for part in (must, "" if guess else "put in what goes here") if part)
        return [_line(f"fill: {{label: {label}, with: {_quoted('{' + guess + '}' if guess else 'PUT IN')}}}", comment)]

    def _closing(self) -> list[str]:
        button = _quoted(self._last)
        lines = []
        if self._is_first_page():
            lines = [_line(f"next_page: {button}", "then the steps of the next page; put in its labels")]
            button = '"Send"'
        if self._is_first_page() or not any(_guess(item) == "text" for item in self._fields):
            lines.append(_line('fill: {label: "Description", with: "{text}"}', "put in the label of the main text"))
        return [*lines, _line(f"click: {button}", "the click that submits")]


def _line(step: str, comment: str) -> str:
    return f"      - {step}" + (f"  # {comment}" if comment else "")


def _quoted(text: str) -> str:
    """A JSON string without characters that YAML would not have in one."""
    return json.dumps("".join(c for c in text if c.isprintable()), ensure_ascii=False)
