"""What mail systems send back by themselves: bounces (RFC 3464), acknowledgements, absence notes (RFC 3834). Pure."""

from __future__ import annotations

import secrets
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import format_datetime, formataddr
from textwrap import indent

from canary.demo.directory import ALIAS, CA_DOMAIN, CA_NAME, Account

_LONGEST_HEADER = 1000  # characters of one that are parsed, which takes time by their square
_MAX_QUOTE = 4000  # characters of a report that an acknowledgement repeats
POLICY = policy.SMTP.clone(max_line_length=900)  # folding would cut a VERP address in two


def parsed(raw: bytes) -> Message:
    """``raw`` as a message whose headers are plain, possibly encoded, strings; never raises."""
    return message_from_bytes(raw, policy=policy.compat32)


def header(message: Message, name: str) -> str:
    """A header on one line and decoded, at most 300 characters; empty if it is missing or cannot be read."""
    try:
        value = policy.default.header_factory(name, str(message.get(name, ""))[:_LONGEST_HEADER])
    except Exception:  # hostile headers break the standard library's parser in many ways
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())[:300]


def may_answer(original: bytes, return_path: str) -> bool:
    """Whether an automatic answer is allowed (RFC 3834 section 2): never to another automatic message or to nobody."""
    message = parsed(original)
    automatic = header(message, "Auto-Submitted").lower() not in ("", "no")
    bulk = header(message, "Precedence").lower() in ("bulk", "junk", "list") or message.get("List-Id") is not None
    return bool(return_path) and not automatic and not bulk


def acknowledgement(original: bytes, to: str, case: str, *, at: datetime) -> bytes:
    """The desk's automatic answer to a report that came by mail, with its case number."""
    subject = header(parsed(original), "Subject")
    text = (
        f"Thank you for your report to {CA_NAME}.\n\n"
        f'Your message "{subject}" was registered under case number {case}.\n'
        "A member of our team will look at it within 24 hours. This is an automatic message.\n"
    )
    return _answer(original, formataddr((f"{CA_NAME} CPR desk", ALIAS)), to, f"[{case}] Auto: {subject}", text, at)


def form_acknowledgement(description: str, to: str, case: str, *, at: datetime) -> bytes:
    """The automatic answer to a report through the web form; it repeats what was written."""
    text = (
        f"Thank you for contacting {CA_NAME}.\n\nYour enquiry was registered under reference number {case}.\n"
        f"You wrote:\n\n{indent(description[:_MAX_QUOTE], '> ', lambda _: True)}\n"
    )
    return _answer(b"", f"{CA_NAME} <no-reply@{CA_DOMAIN}>", to, f"[{case}] We received your enquiry", text, at)


def out_of_office(original: bytes, to: str, person: Account, *, at: datetime) -> bytes:
    """The absence note of somebody on holiday."""
    subject = header(parsed(original), "Subject")
    text = (
        f"I am out of the office until further notice and do not read my mail.\n\n{person.name}\n{CA_NAME}\n\n"
        f'This is an automatic reply to "{subject}".\n'
    )
    sender = formataddr((person.name, person.address))
    return _answer(original, sender, to, f"Out of office: {subject}", text, at, kind=" (vacation)")


def _answer(original: bytes, sender: str, to: str, subject: str, text: str, at: datetime, kind: str = "") -> bytes:
    answered = header(parsed(original), "Message-ID")
    message = EmailMessage(policy=POLICY)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{secrets.token_hex(12)}@{CA_DOMAIN}>"
    message["Auto-Submitted"] = f"auto-replied{kind}"
    if answered:
        message["In-Reply-To"] = message["References"] = answered
    message.set_content(text)
    return message.as_bytes()


_DSN = """\
From: Mail Delivery System <mailer-daemon@{domain}>
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: {date}
Message-ID: <{ident}@{domain}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{ident}"

--{ident}
Content-Type: text/plain; charset=utf-8

This is the mail system at {domain}. Your message could not be delivered:

<{recipient}>: {reply}

--{ident}
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.{domain}
Arrival-Date: {date}

Original-Recipient: rfc822; {asked}
Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {reply}

--{ident}
Content-Type: text/rfc822-headers

"""


def bounce(original: bytes, to: str, *, at: datetime, domain: str, asked: str, recipient: str, reply: str) -> bytes:
    """A delivery status notification from the mail system of ``domain``: ``reply`` (as ``550 5.1.1 words``) is why.

    ``asked`` is the address that was written to, ``recipient`` the one behind it that failed.
    """
    values = {
        "to": to, "date": format_datetime(at), "ident": secrets.token_hex(12), "domain": domain,
        "asked": asked, "recipient": recipient, "reply": reply, "status": reply.split()[1],
    }  # fmt: skip
    top = original.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    lines = _DSN.format(**values).encode() + top + f"\n\n--{values['ident']}--\n".encode()
    return lines.replace(b"\n", b"\r\n")
