"""What a form's configuration is made of: steps, placeholders, and what confirms success."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from string import Formatter
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import rfc8785
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from canary.budgets import FORM_REFERENCE
from canary.channels import Sender
from canary.model import Attachment, Report
from canary.settings import Duration, Settings

PLACEHOLDERS = (
    "subject", "text", "name", "first_name", "last_name", "email", "phone", "organisation", "serial", "identifier",
    "mark", "marked_email",
)  # fmt: skip
"""What may stand in braces in a template."""

_WINDOW, _LONGEST_WORD = 2000, 240
"""Characters in which a reference number is looked for at once, and of a word in them: an operator's pattern may take
the square of what it is tried on, and nothing else goes on meanwhile."""
_CARRIERS = {"subject", "text", "mark"}  # the placeholders that put the mark into the form


def values(report: Report, serial: str | None, sender: Sender) -> dict[str, str]:
    """What each placeholder stands for in ``report``; ``serial`` is the channel's own, for a report without one.

    ``marked_email`` is an address of the sender that this report alone has: what comes to it is about this one.
    ``identifier`` is the certificate as the report names it: by its serial number where it is about anything else.
    """
    person = report.person
    first, _, last = person.name.rpartition(" ")
    return {
        "subject": report.subject,
        "text": report.text,
        "name": person.name,
        "first_name": first or last,
        "last_name": last,
        "email": person.address,
        "phone": person.phone,
        "organisation": person.organisation,
        "serial": report.serial or serial or "",
        "identifier": report.identifier.value if report.identifier else report.serial or serial or "",
        "mark": report.mark,
        "marked_email": sender.envelope.replace("{mark}", report.mark),
    }


def placeholders(template: str) -> set[str]:
    """The placeholders in ``template``. Raises ValueError for one that does not exist, or a stray brace."""
    wanted = f"wanted one of {', '.join('{' + name + '}' for name in PLACEHOLDERS)}, and {{{{ or }}}} for a brace"
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r}: {error}; {wanted}") from error
    found = set()
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if name not in PLACEHOLDERS or spec or conversion:
            raise ValueError(f"{template!r}: no placeholder {{{name}}}; {wanted}")
        found.add(name)
    return found


def _template(value: str) -> str:
    placeholders(value)
    return value


Template = Annotated[str, AfterValidator(_template)]
"""Text with placeholders in braces."""


Files = Literal["attachments", "first_attachment"]
"""Which files of a report are handed over: all of them, or the first alone where a form takes but one."""


class Fill(Settings):
    """Type a text into a field."""

    label: str
    with_: Template = Field(alias="with")
    by_key: bool = Field(False, description="press each key, for a field that wants it; a long text takes its time")


class Choose(Settings):
    """Choose an option of a drop-down list, or one of a group of radio buttons (``label`` is then their legend)."""

    label: str
    option: str


class Upload(Settings):
    """Hand over the report's attachments; nothing is done for a report without any."""

    label: str
    file: Files = "attachments"


class Click(Settings):
    """Click something by what it is and what it is called."""

    role: Literal["button", "link", "tab", "radio", "checkbox", "menuitem", "option"] = "button"
    name: str


def as_click(value: Any) -> Any:
    """A click on a button, where only that is said what it is called."""
    return {"name": value} if isinstance(value, str) else value


class Step(Settings):
    """One thing to do on the page: exactly one of the keys, besides ``optional``."""

    fill: Fill | None = None
    choose: Choose | None = None
    check: str | None = Field(None, description="the label of a checkbox or radio button")
    upload: Upload | None = None
    click: Annotated[Click | None, BeforeValidator(as_click)] = None
    wait_for: str | None = Field(None, description="text that must appear before going on")
    next_page: Annotated[Click | None, BeforeValidator(as_click)] = Field(
        None, description="click that leads to a further page and submits nothing yet"
    )
    pause: Duration | None = Field(None, description="time to let go by, for a form that refuses who is too quick")
    optional: bool = Field(
        False, description="left out on a visit where what it needs is not there, as a notice may be"
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if len(self._keys) != 1 or self.action is None:
            keys = ", ".join(self._keys) or "none"
            wanted = ", ".join(name for name in type(self).model_fields if name != "optional")
            raise ValueError(f"a step is exactly one of {wanted}; got {keys}")
        return self

    @property
    def _keys(self) -> list[str]:
        return sorted(self.model_fields_set - {"optional"})

    @property
    def action(self) -> Fill | Choose | Upload | Click | str | float | None:
        """What the one key holds."""
        found: Fill | Choose | Upload | Click | str | float | None = getattr(self, next(iter(self._keys), ""), None)
        return found

    @property
    def label(self) -> str | None:
        """The label of the field it needs, or None for a step that needs none."""
        if isinstance(self.action, Fill | Choose | Upload):
            return self.action.label
        return self.check

    @property
    def title(self) -> str:
        """The step in a few words, for timings and messages."""
        (name,) = self._keys
        what = self.label or self.wait_for or (self.action.name if isinstance(self.action, Click) else "")
        return f"{name} {what or f'{self.pause:g} s'}"


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if groups != 1:
        raise ValueError(f"{pattern!r} has {groups} groups, wanted one, around the reference number")
    return pattern


class Confirm(Settings):
    """What the page says when it took the report."""

    text: Annotated[str, Field(min_length=3)]
    reference: Annotated[str, AfterValidator(_one_group)] | None = None
    within: Duration = Field(30.0, description="how long after the last click the text may take to appear")

    def seen_in(self, text: str) -> bool:
        """Whether ``text``, which is a page's own, has the confirmation in it; case and white space do not matter."""
        return plain(self.text).casefold() in plain(text).casefold()

    def reference_in(self, text: str) -> str | None:
        """The reference number in a page's text, at most 100 characters of it."""
        if self.reference is None:
            return None
        pattern = re.compile(self.reference)
        words = " ".join(map(_cut, text.split()))[: FORM_REFERENCE.decoded]
        for start in range(0, len(words), _WINDOW // 2):
            match = pattern.search(words, start, start + _WINDOW)
            if match and match[1]:
                return match[1][:100]
        return None


def _cut(word: str) -> str:
    """A word as it is, or beginning and end of one that is too long for any reference number."""
    return word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD // 2] + word[-_LONGEST_WORD // 2 :]


def plain(text: str) -> str:
    """``text`` with every run of white space as one space."""
    return " ".join(text.split())


def web_address(value: str) -> str:
    """Check that ``value`` is an http or https URL with a host. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{value!r} is no web address; wanted https://HOST/PATH")
    if parts.username or parts.password:
        raise ValueError("a web address with a user name or password in it; wanted one without")
    return value


WebAddress = Annotated[str, AfterValidator(web_address)]


def require_sense(templates: Iterable[str], serial: str | None) -> None:
    """Raise ValueError if what is put into a form carries no mark, or a serial is wanted and the channel has none."""
    used: set[str] = set().union(*(placeholders(template) for template in templates))
    if not used & _CARRIERS:
        raise ValueError(
            "nothing puts {text}, {subject} or {mark} into the form: the report could not be recognised when it arrives"
        )
    if (name := next(iter(sorted(used & {"serial", "identifier"})), None)) and serial is None:
        raise ValueError(
            f"{{{name}}} is used and the channel has no serial; wanted the one of a revoked or expired test certificate"
        )


def files_of(step: Step, report: Report) -> tuple[Attachment, ...]:
    """The files that a step uploads."""
    return attached(report, step.upload.file) if step.upload else ()


def attached(report: Report, which: Files) -> tuple[Attachment, ...]:
    """The files of a report that are handed over."""
    return report.attachments[:1] if which == "first_attachment" else report.attachments


def filled(template: str, known: Mapping[str, str]) -> str:
    """``template`` with its placeholders replaced."""
    return template.format_map(known)


def payload(report: Report, fields: Mapping[str, str], files: Iterable[Attachment]) -> bytes:
    """What goes into a form, as RFC 8785 canonical JSON: the text of each field, names and hashes of the files."""
    attachments = [{"name": file.name, "sha256": sha256(file.content).hexdigest()} for file in files]
    return rfc8785.dumps(
        {"subject": report.subject, "text": report.text, "fields": dict(fields), "attachments": attachments}
    )
