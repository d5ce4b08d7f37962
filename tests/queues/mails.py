"""Messages for the watchers' tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid


def mail(subject: str = "Misissued certificate?", body: str = "See below.\n", **headers: str) -> EmailMessage:
    """An ordinary message; an underscore in a header's name is a hyphen."""
    message = EmailMessage()
    given: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    message["Message-ID"] = given.get("Message-ID") or make_msgid(domain="mail.example")
    message["Date"] = format_datetime(datetime.now(UTC))
    message["From"] = given.get("From", "Alex <alex@example.org>")
    message["To"] = given.get("To", "cpr@ca.test")
    message["Subject"] = subject
    for name, value in given.items():
        if name not in message:
            message[name] = value
    message.set_content(body)
    return message


def raw(message: EmailMessage) -> bytes:
    """The message as it lies in a mailbox."""
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
