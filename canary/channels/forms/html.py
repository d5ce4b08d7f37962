"""Forms in HTML, read without a browser: what a page says, its forms, and what sending one back would carry.

Lenient as browsers are: unclosed tags and stray ends are taken as they come. What it costs grows with the page's length
and not faster, whatever is in it; it is meant for a thread nevertheless, for a page of the largest size takes a second.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from canary.budgets import FORM_PAGE, Budget, BudgetError
from canary.channels.forms.page import Button, FormField, PageFacts
from canary.channels.forms.steps import plain
from canary.channels.forms.tokens import End, Start, Text, tokens

_UNSEEN = {"script", "style", "template", "title", "noscript"}  # not head, which often is not closed
_VOID = {"input", "br", "img", "hr", "meta", "link", "source", "wbr", "area", "base", "col", "embed", "track"}
_ERROR_CLASSES = {
    "error", "errors", "errorlist", "alert-danger", "invalid-feedback", "field-validation-error",
    "validation-summary-errors",
}  # fmt: skip
_CELL, _GROUP = {"td", "th"}, {"thead", "tbody", "tfoot"}
_ENDED_BY: dict[str, set[str]] = {
    "p": {"p"}, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "option": {"option"},
    "optgroup": {"option", "optgroup"}, "td": _CELL, "th": _CELL, "tr": {"tr"} | _CELL,
    **{name: _GROUP | {"tr"} | _CELL for name in _GROUP},
}  # fmt: skip
"""What ends by itself where such an element begins (HTML, section 13.1.2.4): many pages leave these ends out."""
_BUTTONS = {"submit", "button", "image", "reset"}
_SENDING = {"submit", "image"}
_REFRESH = re.compile(r"\s{0,20}(\d{1,9})(?:\.\d*)?\s{0,20}(?:[;,]\s{0,20}(?:url\s{0,20}=\s{0,20})?(.*))?", re.I | re.S)


@dataclass(slots=True)
class HtmlField:
    """A control of a form. ``values`` are what would be sent as it stands: none for an unchecked box or an empty list,
    several for a list of which several are chosen."""

    name: str
    kind: str
    values: list[str]
    label: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)  # (value, text)
    id: str = ""
    multiple: bool = False
    required: bool = False
    instead: dict[str, str] = field(default_factory=dict)
    """Of a button: what it says in place of the form's own ``action``, ``method`` and ``enctype``."""


@dataclass(slots=True)
class HtmlForm:
    """A form as its page has it."""

    id: str
    action: str
    method: str
    enctype: str
    charset: str = ""
    fields: list[HtmlField] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names that it sends, each once, without hidden ones and buttons."""
        shown = (item.name for item in self.fields if item.kind not in {"hidden", *_BUTTONS} and item.name)
        return list(dict.fromkeys(shown))

    @property
    def multipart(self) -> bool:
        """Whether it is sent in parts, as one with files is."""
        return "multipart" in self.enctype.lower()

    @property
    def buttons(self) -> list[HtmlField]:
        """Its fields that send it when they are clicked, in the order of the page."""
        return [item for item in self.fields if item.kind in _SENDING]

    def carried(self, button: HtmlField | None = None) -> list[tuple[str, str]]:
        """What it sends as it stands, by ``button`` or its first: hidden fields, presets, and what the button says."""
        button = button or next(iter(self.buttons), None)
        sent = [item for item in self.fields if item.name and item.kind not in {*_BUTTONS, "file"}]
        pairs = [(item.name, value) for item in sent for value in item.values]
        if button is not None and button.kind == "image":
            prefix = f"{button.name}." if button.name else ""
            return [*pairs, (f"{prefix}x", "0"), (f"{prefix}y", "0")]
        return [*pairs, *((button.name, value) for value in button.values)] if button and button.name else pairs


@dataclass(slots=True)
class HtmlPage:
    """A page that was read."""

    forms: list[HtmlForm]
    facts: PageFacts
    text: str
    base: str = ""
    """What its addresses are relative to, where it says so."""
    refresh: tuple[float, str] | None = None
    """After how many seconds it gives way to which address, where it says so."""
    beyond: str = ""
    """Which budget the page is beyond, in a sentence with its number, or nothing: what followed was not read."""


def read_html(html: str, budget: Budget = FORM_PAGE) -> HtmlPage:
    """Read a page, as far as the budget goes. Never raises for what is in it."""
    reader, beyond = _Reader(budget), ""
    try:
        reader.read(html)
    except BudgetError as error:
        beyond = str(error)
    reader.finish()
    text = plain(" ".join(reader.text))
    return HtmlPage(reader.forms, reader.facts(), text, reader.base, reader.refresh, beyond)


@dataclass(frozen=True, slots=True)
class _Element:
    """An element whose end has not come yet, and what is so within it."""

    tag: str
    unseen: bool = False
    begins_error: bool = False
    disabled: bool = False


class _Reader:
    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.forms: list[HtmlForm] = []
        self._loose: list[HtmlField] = []  # outside any form
        self._named: list[tuple[str, HtmlField]] = []  # with the id of the form that they belong to, wherever they are
        self._labels: dict[str, str] = {}  # by the id they are for
        self.text: list[str] = []
        self.base = ""
        self.refresh: tuple[float, str] | None = None
        self._main: list[str] = []
        self._errors: list[str] = []
        self._sources: list[str] = []
        self._form: HtmlForm | None = None
        self._textarea: HtmlField | None = None
        self._select: HtmlField | None = None
        self._button: HtmlField | None = None
        self._caption: list[str] = []  # what is written on it
        self._label: tuple[str, list[HtmlField], list[str]] | None = None  # for, controls inside, words
        self._option: list[str] | None = None
        self._error: list[str] | None = None
        self._open: list[_Element] = []
        self._within: Counter[str] = Counter()  # how many elements of each name are open

    def read(self, html: str) -> None:
        """Take in a page. Raises BudgetError where it is more than the budget allows."""
        number, most = 0, self._budget.decoded
        for token in tokens(html[:most].replace("\r\n", "\n").replace("\r", "\n")):
            if not isinstance(token, Text):
                number += 1 + (len(token.attributes) if isinstance(token, Start) else 0)
                self._budget.hold(number=number)
            match token:
                case Text(content):
                    self._data(content)
                case Start(tag, attributes):
                    self._start(tag, attributes)
                    self._budget.hold(depth=len(self._open))
                case End(tag):
                    self._end(tag)
        self._budget.hold(decoded=len(html))

    def facts(self) -> PageFacts:
        """The page as a visitor would see it, as far as that can be told without its style sheets."""
        shown = [*self._loose, *(item for form in self.forms for item in form.fields)]
        fields = {
            (item.name or item.label): FormField(item.label or item.name, item.kind)
            for item in shown
            if item.kind not in {"hidden", *_BUTTONS}
        }
        buttons = tuple(Button(item.label or "".join(item.values)) for item in shown if item.kind == "submit")
        errors = tuple(dict.fromkeys(error for error in self._errors if error))
        return PageFacts(
            plain(" ".join(self._main or self.text)), errors, tuple(fields.values()), buttons, tuple(self._sources)
        )

    def finish(self) -> None:
        """End what is open. Give each control to the form that it names (HTML, section 4.10.17.3), and its label."""
        while self._open:
            self._pop()
        forms = {form.id: form for form in reversed(self.forms)}
        for name, item in self._named:
            (forms[name].fields if name in forms else self._loose).append(item)
        for form in self.forms:
            for item in form.fields:
                item.label = item.label or self._labels.get(item.id, "")

    def _start(self, tag: str, a: Mapping[str, str]) -> None:
        classes = set(a.get("class", "").split())
        if "src" in a or "data-sitekey" in a or "captcha" in a.get("class", ""):
            self._sources.append(f"{a.get('src', '')} {a.get('class', '')}")
        while self._around.tag in _ENDED_BY.get(tag, ()):
            self._pop()
        if tag not in _VOID:
            self._begin(tag, a, classes)
        self._form_part(tag, a)

    def _begin(self, tag: str, a: Mapping[str, str], classes: set[str]) -> None:
        unseen = tag in _UNSEEN or "hidden" in a or "display:none" in a.get("style", "").replace(" ", "")
        unseen = unseen or self._around.unseen
        alert = a.get("role") == "alert" or bool(classes & _ERROR_CLASSES)
        begins_error = alert and not unseen and self._error is None
        disabled = self._around.disabled or (tag == "fieldset" and "disabled" in a)
        if tag == "legend" and self._around.tag == "fieldset":  # what is in it is not disabled with the rest
            disabled = len(self._open) > 1 and self._open[-2].disabled
        self._open.append(_Element(tag, unseen, begins_error, disabled))
        self._within[tag] += 1
        if begins_error:
            self._error = []

    @property
    def _around(self) -> _Element:
        """The element that what comes next is in."""
        return self._open[-1] if self._open else _Element("")

    def _form_part(self, tag: str, a: Mapping[str, str]) -> None:
        match tag:
            case "form":
                method, charset = a.get("method", "get").lower(), a.get("accept-charset", "")
                self._form = HtmlForm(a.get("id", ""), a.get("action", ""), method, a.get("enctype", ""), charset)
                self.forms.append(self._form)
            case "base":
                self.base = self.base or a.get("href", "")
            case "meta" if a.get("http-equiv", "").lower() == "refresh":
                self._refresh(a.get("content", ""))
            case "label":
                self._end_label()
                self._label = (a.get("for", ""), [], [])
            case "input":
                self._input(a)
            case "textarea":
                self._textarea = self._add(a, "textarea", [])
            case "select":
                self._end_select()
                self._select = self._add(a, "select", [])
                self._select.multiple = "multiple" in a
            case "option" if self._select is not None:
                self._end_option()
                self._option = []
                self._select.options.append((a.get("value", "\0"), ""))
                if "selected" in a:
                    if not self._select.multiple:
                        self._select.values.clear()
                    self._select.values.append(a.get("value", "\0"))
            case "button" if a.get("type", "submit") == "submit":
                self._end_button()
                self._button, self._caption = self._add(a, "submit", [a.get("value", "")]), []

    def _refresh(self, content: str) -> None:
        """Take in when the page gives way, and to what (HTML, section 4.2.5.3)."""
        found = _REFRESH.match(content)
        if found and self.refresh is None:
            address = (found[2] or "").strip()
            quote = address[:1] if address[:1] in ("'", '"') else ""
            self.refresh = (float(found[1]), address[1:].split(quote, 1)[0] if quote else address)

    def _input(self, a: Mapping[str, str]) -> None:
        kind = a.get("type", "text").lower() or "text"
        if kind in ("checkbox", "radio"):
            value = a.get("value", "on")
            self._add(a, kind, [value] if "checked" in a else []).options.append((value, ""))
        else:
            self._add(a, kind, [a.get("value", "")])

    def _add(self, a: Mapping[str, str], kind: str, values: list[str]) -> HtmlField:
        label = plain(a.get("aria-label", "") or a.get("placeholder", ""))
        item = HtmlField(a.get("name", ""), kind, values, label, id=a.get("id", ""), required="required" in a)
        if "disabled" in a or self._around.disabled:
            item.name = ""  # shown, never sent
            item.kind = "button" if kind in _SENDING else kind
        item.instead = {key: a[f"form{key}"] for key in ("action", "method", "enctype") if f"form{key}" in a}
        if "form" in a:
            self._named.append((a["form"], item))
        else:
            (self._form.fields if self._form else self._loose).append(item)
        if self._label:
            self._label[1].append(item)
        return item

    def _end(self, tag: str) -> None:
        while self._within[tag]:  # what is open in it ends with it
            if self._pop() == tag:
                break
        if tag == "form":  # and not where an element ends in which it began
            self._form = None

    def _pop(self) -> str:
        """End the innermost element that is open; returns its name."""
        ended = self._open.pop()
        self._within[ended.tag] -= 1
        if ended.begins_error and self._error is not None:
            self._errors.append(plain(" ".join(self._error)))
            self._error = None
        match ended.tag:
            case "textarea":
                self._end_textarea()
            case "select":
                self._end_select()
            case "option":
                self._end_option()
            case "button":
                self._end_button()
            case "label":
                self._end_label()
        return ended.tag

    def _end_textarea(self) -> None:
        if self._textarea is not None:
            self._textarea.values = ["".join(self._textarea.values).removeprefix("\n")]
        self._textarea = None

    def _end_button(self) -> None:
        if self._button is not None:
            self._button.label = plain(" ".join([self._button.label, *self._caption]))
        self._button = None

    def _end_option(self) -> None:
        if self._select is None or self._option is None:
            return
        text = plain("".join(self._option))
        value, _ = self._select.options[-1]
        known = text if value == "\0" else value  # an option without a value sends its text
        self._select.options[-1] = (known, text)
        if self._select.values[-1:] == ["\0"]:
            self._select.values[-1] = known
        self._option = None

    def _end_select(self) -> None:
        self._end_option()
        select = self._select
        if select is not None and select.options and not (select.values or select.multiple):
            select.values = [select.options[0][0]]
        self._select = None

    def _end_label(self) -> None:
        if self._label is None:
            return
        target, inside, words = self._label
        text = plain("".join(words)).rstrip("*: ")
        if target:
            self._labels[target] = text
        for item in inside[:1]:
            item.label = text
        self._label = None

    def _data(self, data: str) -> None:
        if self._textarea is not None:
            self._textarea.values.append(data)
            return
        if self._option is not None:
            self._option.append(data)
            return
        if self._around.unseen:
            return
        self.text.append(data)
        if self._within["main"]:
            self._main.append(data)
        if self._label is not None:
            self._label[2].append(data)
        if self._button is not None:
            self._caption.append(data)
        if self._error is not None:
            self._error.append(data)
