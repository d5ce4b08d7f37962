"""A report before it is sent, and who writes it: frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field

MARK_LENGTH = 40
"""Characters in the text form of a mark; :mod:`canary.mark` makes and reads them."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a report: made afresh for it, or as it was found."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Who a sender says to be, for a message's From and for the fields of a form."""

    name: str
    address: str
    phone: str = ""
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A certificate as a reporter names it: ``form`` says how in words, ``value`` is what is given."""

    form: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """A composed synthetic CPR, before a channel gives it its outer form.

    ``mark`` is the text form of the mark, which ``subject`` and ``text`` already contain. ``html`` is the whole HTML
    body for variants that have one (``html_only`` if there is no plain text part beside it), ``charset`` the character
    set of the body, ``references`` a Message-ID that the report answers, ``serial`` a certificate serial for forms that
    demand one (only ever one that the operator configured). ``identifier`` is set where the report is about how it
    names its certificate.
    """

    probe: str
    variant: str
    mark: str
    person: Person
    subject: str
    text: str
    language: str = "en"
    html: str | None = None
    html_only: bool = False
    charset: str = "utf-8"
    attachments: tuple[Attachment, ...] = ()
    references: str | None = None
    serial: str | None = None
    identifier: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Exactly what a channel is going to send: recorded before it is sent.

    ``payload`` is the RFC 5322 message of an email, or the canonical JSON of a form's fields.
    """

    report: Report
    payload: bytes = field(repr=False)
    message_id: str | None = None
