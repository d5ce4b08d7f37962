"""Send mail as a person would, by the standard library: the reference against which our own senders are measured."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import make_msgid

from servers.ca_site import CaSite, User


def note(sender: str, recipient: str, text: str = "The key of one of your certificates is public.") -> EmailMessage:
    """A plain message with a Message-ID of its own."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, "A problem with a certificate"
    message["Message-ID"] = make_msgid(domain="persona.test")
    message.set_content(text)
    return message


def submit(site: CaSite, sender: User, message: EmailMessage, envelope_sender: str | None = None) -> None:
    """Hand it to the sender's submission server (STARTTLS, AUTH); smtplib's exceptions if it is refused."""
    with smtplib.SMTP(*site.submission, timeout=30) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(site.ca_file)))
        client.login(sender.name, sender.password)
        client.send_message(message, envelope_sender or sender.sender_address, [message["To"]])


def hand_over(site: CaSite, message: EmailMessage, envelope_sender: str = "") -> None:
    """Hand it to the MX in plain text, as a stranger's server would; the empty envelope sender is that of a bounce."""
    with smtplib.SMTP(*site.mx, timeout=30) as client:
        client.sendmail(envelope_sender, [message["To"]], message.as_bytes())
