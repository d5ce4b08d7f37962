"""The configuration of a channel for a form that was seen, as an operator is to look it over."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from canary.channels.forms.home import Address, Home
from canary.channels.forms.page import FormField, PageFacts, short

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
_KINDS = {"email": "email", "tel": "phone", "textarea": "text"}
_REPORT = re.compile(r"problem|report|mis-?issu|compromise|revo|abuse|malicious|zertifikat|certificate|cert", re.I)
_NEXT = re.compile(r"^(next|continue|weiter|dalej|tovább|suivant|proceed|start|siguiente|avanti)\b|下一步|次へ", re.I)
_SUBMIT = re.compile(r"submit|send|report|senden|absenden|wyślij|küldés|envoyer|提交", re.I)


@dataclass(frozen=True, slots=True)
class FormPage:
    """One page of a form: its fields, as a step names each, what was chosen in them, and the button that ends it."""

    fields: tuple[FormField, ...]
    chosen: dict[str, str]
    button: str
    facts: PageFacts

    @classmethod
    def of(cls, facts: PageFacts, chosen: dict[str, str], known: Sequence[FormField] = ()) -> FormPage:
        """What is new on a page, besides the fields that are ``known`` from earlier ones."""
        fields = tuple(item for item in fields_of(facts) if item not in known)
        return cls(fields, chosen, _button(facts, fields), facts)

    @property
    def leads_on(self) -> bool:
        """Whether its button leads to a further page: nobody has asked yet what the report is about."""
        return bool(_NEXT.search(self.button)) and not any(guess(item) == "text" for item in self.fields)


def fields_of(facts: PageFacts) -> list[FormField]:
    """The fields of the form that is most likely the one for reports: with a text area, then with most fields.

    Of two with one label, each is called what it is sent under.
    """
    by_form: dict[int, list[FormField]] = {}
    for item in facts.fields:
        by_form.setdefault(item.form, []).append(item)
    fields = max(by_form.values(), key=lambda fields: (_weight(fields), len(fields)), default=[])
    labels = [item.label for item in fields]
    return [item.called(item.name) if labels.count(item.label) > 1 and item.name else item for item in fields]


def _weight(fields: list[FormField]) -> int:
    return sum(item.kind == "textarea" for item in fields)


def best(item: FormField) -> str:
    """The option that sounds most like a report of a problem; the last such one, for *another problem* is harmless."""
    plain = item.options[0 if item.kind == "radio" else -1]
    return next((option for option in item.options[::-1] if _REPORT.search(option)), plain)


def guess(item: FormField) -> str | None:
    """Which placeholder goes into a field, if that is known."""
    if item.kind in _KINDS:
        return _KINDS[item.kind]
    return next((name for name, pattern in _GUESSES if re.search(pattern, item.label, re.IGNORECASE)), None)


def _button(facts: PageFacts, fields: Sequence[FormField]) -> str:
    """The button that sends the form: by what it says, else its last one."""
    form = fields[0].form if fields else -1
    labels = [short(button.label, 200) for button in facts.buttons if button.form == form and button.label]
    labels = labels or [short(button.label, 200) for button in facts.buttons if button.label]
    return next((label for label in labels[::-1] if _SUBMIT.search(label)), labels[-1] if labels else "Send")


@dataclass(frozen=True, slots=True)
class Block:
    """All that was seen. ``places`` are the addresses of its pages, ``notes`` what else there is to say."""

    url: str
    pages: Sequence[FormPage]
    places: Sequence[str]
    notes: Sequence[str]

    def text(self) -> str:
        """The configuration as lines; every string in it is a JSON string, which YAML reads the same."""
        fields = [item for page in self.pages for item in page.fields]
        lines = ["channels:", "  web-form:"]
        lines += [f"    # {short(note, 1000)}" for note in (*self._first_notes(), *self.notes, *self._left_empty())]
        lines += [
            "    kind: web_form",
            f"    url: {quoted(self.url)}",
            '    approved_by: "NAME, DATE"  # who approved that this form is probed',
            "    arrives_in: cpr  # the queue in which its reports must be seen",
        ]
        if any(guess(item) == "serial" for item in fields):
            lines.append('    serial: "00000000"  # put in the serial of a revoked or expired test certificate')
        home = Home(self.url, ())
        moved = {there.place for end in self.places if (there := Address.of(end)) and not home.has(end)}
        if moved:
            lines.append(f"    posts_to: [{', '.join(map(quoted, sorted(moved)))}]")
        lines += ["    steps:", *self._steps()]
        lines += ["    confirm:", '      text: "Thank you"  # put in what the page says when it took a report']
        return "\n".join(lines) + "\n"

    def _first_notes(self) -> list[str]:
        notes = ["Found by cpr-canary form inspect. Look over every line that has a comment."]
        if any(page.facts.login for page in self.pages):
            notes.append("LOGIN: the page asks for a password. Third parties must be able to report (BR 4.9.3).")
        captcha = next((page.facts.captcha for page in self.pages if page.facts.captcha), None)
        if captcha:
            notes.append(f"CAPTCHA: the page has {captcha}; agree on a way around it for the canary.")
        if any("thank you" in page.facts.text.lower() for page in self.pages):
            notes.append('CONFIRMATION: "Thank you" stands on the form already; confirm.text must be other words.')
        return notes

    def _left_empty(self) -> list[str]:
        found = {item.label: item.why for page in self.pages for item in page.facts.left_empty}
        return [f"LEFT EMPTY: {quoted(short(label, 200))}: {why}" for label, why in list(found.items())[:20]]

    def _steps(self) -> list[str]:
        lines = []
        for page in self.pages[:-1]:
            lines += [line for item in page.fields for line in _step(item, page.chosen)]
            lines.append(_line(f"next_page: {quoted(page.button)}"))
        last = self.pages[-1]
        lines += [line for item in last.fields for line in _step(item, last.chosen)]
        button = quoted(last.button)
        if last.leads_on:
            lines.append(_line(f"next_page: {button}", "then the steps of the next page; put in its labels"))
            button = '"Send"'
        if not any(guess(item) == "text" for page in self.pages for item in page.fields):
            lines.append(_line('fill: {label: "Description", with: "{text}"}', "put in the label of the main text"))
        return [*lines, _line(f"click: {button}", "the click that submits")]


def _step(item: FormField, chosen: dict[str, str]) -> list[str]:
    label, must = quoted(short(item.label, 200)), "required" if item.required else ""
    if not item.label:
        return [f"      # a field without any name is left out: {item.kind}"]
    if item.kind == "password":
        return [f"      # {label} asks for a password, which is never typed"]
    if item.label in chosen:
        lines = [f"      # options: {', '.join(quoted(short(option, 100)) for option in item.options[:40])}"]
        option = quoted(short(chosen[item.label], 200))
        return [*lines, _line(f"choose: {{label: {label}, option: {option}}}", must)]
    if item.kind == "checkbox":
        return [_line(f"check: {label}", must)] if item.required else [f"      # not required: check: {label}"]
    if item.kind == "file":
        files = "attachments" if item.multiple else "first_attachment"
        return [_line(f"upload: {{label: {label}, file: {files}}}", must)]
    found = guess(item)
    if found is None and not item.required:
        return [f"      # not required, and it is not clear what goes here: {label}"]
    comment = ", ".join(part for part in (must, "" if found else "put in what goes here") if part)
    return [_line(f"fill: {{label: {label}, with: {quoted('{' + found + '}' if found else 'PUT IN')}}}", comment)]


def _line(step: str, comment: str = "") -> str:
    return f"      - {step}" + (f"  # {comment}" if comment else "")


def quoted(text: str) -> str:
    """A JSON string without characters that YAML would not have in one."""
    return json.dumps("".join(c for c in text if c.isprintable()), ensure_ascii=False)
