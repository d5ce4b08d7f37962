"""A report, and channels for the forms of the form site."""

from __future__ import annotations

from typing import Any

from canary.channels import Sender
from canary.channels.forms.settings import WebFormSettings
from canary.model import Attachment, Person, Report
from canary.settings import Server, Tls

MARK = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"
PERSON = Person("Erika Anna Beispiel", "erika@reporter.example", "+49 30 123456", "Example Research")
SENDER = Sender("own", PERSON, Server(host="127.0.0.1", port=2525, tls=Tls.NONE), "erika+{mark}@reporter.example")
TEXT = f"This is a scheduled test.\n\nThe key of the certificate is compromised.\n{MARK}\nZażółć 漢字 {{name}} <b>&amp;"
FILES = (
    Attachment("key.pem", "application/x-pem-file", b"-----BEGIN"),
    Attachment("a.zip", "application/zip", b"PK\0\xff"),
)

_PERSON: list[Any] = [
    {"fill": {"label": "Your name", "with": "{name}"}},
    {"fill": {"label": "Email address", "with": "{email}"}},
]
_SERIAL: list[Any] = [{"fill": {"label": "Serial number", "with": "{serial}"}}]
_MESSAGE: list[Any] = [
    {"fill": {"label": "Subject", "with": "{subject}"}},
    {"fill": {"label": "Description of the problem", "with": "{text}"}},
]
STEPS: dict[str, list[Any]] = {
    "report": [
        *_PERSON,
        {"choose": {"label": "Topic", "option": "Certificate problem report"}},
        {"choose": {"label": "Type of certificate", "option": "TLS"}},
        *_SERIAL,
        *_MESSAGE,
        {"check": "I agree…"},
        {"click": "Send report"},
    ],
    "app": [
        {"choose": {"label": "How can we help?", "option": "Certificate problem report"}},
        *_SERIAL,
        *_PERSON,
        *_MESSAGE,
        {"click": {"role": "button", "name": "Send report"}},
    ],
    "wizard": [
        {"choose": {"label": "What is the matter?", "option": "A private key is compromised"}},
        {"next_page": "Continue"},
        {"wait_for": "step 2 of 2"},
        *_PERSON,
        *_MESSAGE,
        {"click": "Send report"},
    ],
    "state": [*_PERSON, *_SERIAL, *_MESSAGE, {"click": "Send report"}],
    "upload": [*_PERSON, *_MESSAGE, {"upload": {"label": "Evidence", "file": "attachments"}}, {"click": "Send report"}],
}
"""Steps by the form's path on the site."""


def report(**changes: Any) -> Report:
    """A composed report, with ``changes``."""
    plain: dict[str, Any] = {"probe": "p", "variant": "V01", "mark": MARK, "person": PERSON}
    return Report(**{**plain, "subject": f"Report {MARK}", "text": TEXT, **changes})


def web_form(site_url: str, form: str, **changes: Any) -> WebFormSettings:
    """Settings for the form at ``/form``, with ``changes``."""
    return WebFormSettings.model_validate(
        {
            "arrives_in": "cpr",
            "approved_by": "the tests, always",
            "url": f"{site_url}/{form}",
            "steps": STEPS[form],
            "serial": "0123456789abcdef",
            "confirm": {"text": "Thank you for your report", "reference": r"(CPR-\d+)", "within": "20s"},
            "patience": "6s",
            **changes,
        }
    )
