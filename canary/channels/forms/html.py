"""Forms in HTML, read without a browser: what a page says, its forms, and what sending one back would carry.

Lenient as browsers are: unclosed tags and stray ends are taken as they come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from canary.channels.forms.page import Button, FormField, PageFacts
from canary.channels.forms.steps import plain

_UNSEEN = {"script", "style", "template", "title", "noscript"}  # not head, which often is not closed
_VOID = {"input", "br", "img", "hr", "meta", "link", "source", "wbr", "area", "base", "col", "embed", "track"}
_ERROR_CLASSES = {
    "error", "errors", "errorlist", "alert-danger", "invalid-feedback", "field-validation-error",
    "validation-summary-errors",
}  # fmt: skip
_BUTTONS = {"submit", "button", "image", "reset"}


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


@dataclass(slots=True)
class HtmlForm:
    """A form as its page has it."""

    id: str
    action: str
    method: str
    multipart: bool
    fields: list[HtmlField] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names that it sends, each once, without hidden ones and buttons."""
        shown = (item.name for item in self.fields if item.kind not in {"hidden", *_BUTTONS} and item.name)
        return list(dict.fromkeys(shown))

    def carried(self) -> list[tuple[str, str]]:
        """What it sends as it stands: hidden fields, preset values, and the first button that submits."""
        sent = [item for item in self.fields if item.name and item.kind not in {*_BUTTONS, "file"}]
        button = [item for item in self.fields if item.kind == "submit" and item.name][:1]
        return [(item.name, value) for item in [*sent, *button] for value in item.values]


@dataclass(slots=True)
class HtmlPage:
    """A page that was read."""

    forms: list[HtmlForm]
    facts: PageFacts
    text: str


def read_html(html: str) -> HtmlPage:
    """Read a page. Never raises for what is in it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.finish()
    return HtmlPage(reader.forms, reader.facts(), plain(" ".join(reader.text)))


@dataclass(frozen=True, slots=True)
class _Element:
    """An element whose end has not come yet, and what is so within it."""

    tag: str
    unseen: bool = False
    begins_error: bool = False
    disabled: bool = False


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[HtmlForm] = []
        self._loose: list[HtmlField] = []  # outside any form
        self._named: list[tuple[str, HtmlField]] = []  # with the id of the form that they belong to, wherever they are
        self._labels: dict[str, str] = {}  # by the id they are for
        self.text: list[str] = []
        self._main: list[str] = []
        self._errors: list[str] = []
        self._sources: list[str] = []
        self._form: HtmlForm | None = None
        self._textarea: HtmlField | None = None
        self._select: HtmlField | None = None
        self._button: HtmlField | None = None
        self._label: tuple[str, list[HtmlField], list[str]] | None = None  # for, controls inside, words
        self._option: list[str] | None = None
        self._error: list[str] | None = None
        self._open: list[_Element] = []

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
        """Give each control to the form that it names (HTML, section 4.10.17.3), and the label that is for it."""
        forms = {form.id: form for form in reversed(self.forms)}
        for name, item in self._named:
            (forms[name].fields if name in forms else self._loose).append(item)
        for form in self.forms:
            for item in form.fields:
                item.label = item.label or self._labels.get(item.id, "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        classes = set(a.get("class", "").split())
        if "src" in a or "data-sitekey" in a or "captcha" in a.get("class", ""):
            self._sources.append(f"{a.get('src', '')} {a.get('class', '')}")
        if tag not in _VOID:
            self._begin(tag, a, classes)
        self._form_part(tag, a)

    def _begin(self, tag: str, a: dict[str, str], classes: set[str]) -> None:
        unseen = tag in _UNSEEN or "hidden" in a or "display:none" in a.get("style", "").replace(" ", "")
        unseen = unseen or self._around.unseen
        alert = a.get("role") == "alert" or bool(classes & _ERROR_CLASSES)
        begins_error = alert and not unseen and self._error is None
        disabled = self._around.disabled or (tag == "fieldset" and "disabled" in a)
        if tag == "legend" and self._around.tag == "fieldset":  # what is in it is not disabled with the rest
            disabled = len(self._open) > 1 and self._open[-2].disabled
        self._open.append(_Element(tag, unseen, begins_error, disabled))
        if begins_error:
            self._error = []

    @property
    def _around(self) -> _Element:
        """The element that what comes next is in."""
        return self._open[-1] if self._open else _Element("")

    def _form_part(self, tag: str, a: dict[str, str]) -> None:
        match tag:
            case "form":
                method = a.get("method", "get").lower()
                self._form = HtmlForm(a.get("id", ""), a.get("action", ""), method, "multipart" in a.get("enctype", ""))
                self.forms.append(self._form)
            case "label":
                self._label = (a.get("for", ""), [], [])
            case "input":
                self._input(a)
            case "textarea":
                self._textarea = self._add(a, "textarea", [""])
            case "select":
                self._select = self._add(a, "select", [])
                self._select.multiple = "multiple" in a
            case "option" if self._select is not None:
                self._end_option()
                self._option = []
                self._select.options.append((a.get("value", "\0"), ""))
                if "selected" in a:
                    chosen = self._select.values if self._select.multiple else []
                    self._select.values = [*chosen, a.get("value", "\0")]
            case "button" if a.get("type", "submit") == "submit":
                self._button = self._add(a, "submit", [a.get("value", "")])

    def _input(self, a: dict[str, str]) -> None:
        kind = a.get("type", "text").lower() or "text"
        if kind in ("checkbox", "radio"):
            value = a.get("value", "on")
            self._add(a, kind, [value] if "checked" in a else []).options.append((value, ""))
        else:
            self._add(a, kind, [a.get("value", "")])

    def _add(self, a: dict[str, str], kind: str, values: list[str]) -> HtmlField:
        label = plain(a.get("aria-label", "") or a.get("placeholder", ""))
        item = HtmlField(a.get("name", ""), kind, values, label, id=a.get("id", ""))
        if "disabled" in a or self._around.disabled:
            item.name = ""  # shown, never sent
        if "form" in a:
            self._named.append((a["form"], item))
        else:
            (self._form.fields if self._form else self._loose).append(item)
        if self._label:
            self._label[1].append(item)
        return item

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in {element.tag for element in self._open}:
            while self._open:
                ended = self._open.pop()
                if ended.begins_error and self._error is not None:
                    self._errors.append(plain(" ".join(self._error)))
                    self._error = None
                if ended.tag == tag:
                    break
        match tag:
            case "form":
                self._form = None
            case "textarea":
                self._textarea = None
            case "select":
                self._end_option()
                self._end_select()
            case "option":
                self._end_option()
            case "button":
                self._button = None
            case "label":
                self._end_label()

    def _end_option(self) -> None:
        if self._select is None or self._option is None:
            return
        text = plain("".join(self._option))
        value, _ = self._select.options[-1]
        known = text if value == "\0" else value  # an option without a value sends its text
        self._select.options[-1] = (known, text)
        self._select.values = [known if chosen == "\0" else chosen for chosen in self._select.values]
        self._option = None

    def _end_select(self) -> None:
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

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._textarea.values[0] += data.lstrip("\n")
            return
        if self._option is not None:
            self._option.append(data)
            return
        if self._around.unseen:
            return
        self.text.append(data)
        if any(element.tag == "main" for element in self._open):
            self._main.append(data)
        if self._label is not None:
            self._label[2].append(data)
        if self._button is not None:
            self._button.label = plain(f"{self._button.label} {data}")
        if self._error is not None:
            self._error.append(data)
