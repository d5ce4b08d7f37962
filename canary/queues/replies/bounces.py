"""Reads bounces: delivery status notifications (RFC 3464), and ill-formed ones. Pure, and never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from canary.mail.reading import ParsedMail, Part
from canary.queues.replies.wording import BOUNCE, BOUNCE_SUBJECT, DELAY, MAIL_SYSTEM

MOST_RECIPIENTS = 50
LONGEST_TEXT = 65536
"""Characters of a text that are looked at."""
LONGEST_STATUS = 262144
"""Bytes of a delivery status that are looked at."""
_LONGEST_DETAIL = 300

ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_BY_CLASS = {"5": "failed", "4": "delayed", "2": "delivered"}
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d[ -]")
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"'|]{1,64}@[^\s<>()\[\]:;,\"'|]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_BLANK_LINE = re.compile(rb"\r?\n(?:[ \t]*\r?\n)++")
_COPY = re.compile(
    r"(?im)^[ \t>]*(?:-{2,} ?(?:below this line|this is a copy|original message|message header|the header)"
    r"|original message headers)"
)
"""Where the copy of the returned message begins."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What became of one recipient.

    ``action`` is one of :data:`ACTIONS`, ``status`` an enhanced status code (RFC 3463) or "", ``diagnostic`` what the
    refusing server said, in one line of at most 300 characters. ``recipient`` is "" where the bounce does not say.
    """

    recipient: str
    action: str
    status: str
    diagnostic: str


def parse(mail: ParsedMail) -> tuple[Bounce, ...]:
    """What a message says of the recipients of another one; empty if it is no bounce."""
    return tuple(_unique(_well_formed(mail))) or tuple(_ill_formed(mail))


def opening(mail: ParsedMail, longest: int = LONGEST_TEXT) -> str:
    """The first text of a message, decoded and cut; "" if there is none."""
    first = next((part for part in mail.texts if not part.name), None)
    return first.text(4 * longest)[:longest] if first else ""


def header(part: Part, name: str) -> str:
    """A field decoded, cut to one line; "" if it is not there."""
    return one_line(part.field(name))


def one_line(text: str, longest: int = _LONGEST_DETAIL) -> str:
    """``text`` without control characters and line breaks, shortened."""
    return " ".join(_CONTROL.sub(" ", text[: 4 * longest]).split())[:longest]


def _well_formed(mail: ParsedMail) -> Iterator[Bounce]:
    for part in mail.parts:
        if part.type == "message/delivery-status":
            for block in _blocks(part.content(LONGEST_STATUS)):
                recipient = header(block, "Final-Recipient") or header(block, "Original-Recipient")
                if recipient:
                    yield _from_block(block, recipient)


def _blocks(content: bytes) -> Iterator[Part]:
    """The groups of fields of a delivery status: of the message, and of each recipient (RFC 3464 section 2.1)."""
    for text in _BLANK_LINE.split(content):
        yield Part(text, 0, len(text))


def _from_block(block: Part, recipient: str) -> Bounce:
    diagnostic = _after_type(header(block, "Diagnostic-Code"))
    status = _STATUS.search(header(block, "Status")) or _STATUS.search(diagnostic)
    action = header(block, "Action").lower().split(" ")[0]
    if action not in ACTIONS:
        action = _BY_CLASS[status[1]] if status else "failed"
    return Bounce(one_line(_after_type(recipient)).strip("<> "), action, status[0] if status else "", diagnostic)


def _after_type(value: str) -> str:
    """The value without its type: "rfc822; user@example.org" (RFC 3464 section 2.1.2)."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else value.strip()


def _unique(bounces: Iterator[Bounce]) -> Iterator[Bounce]:
    seen: set[Bounce] = set()
    for bounce in bounces:
        if bounce not in seen and len(seen) < MOST_RECIPIENTS:
            seen.add(bounce)
            yield bounce


def _ill_formed(mail: ParsedMail) -> Iterator[Bounce]:
    """A bounce in free text: qmail, Exim, older Exchange, gateways."""
    subject, failed = header(mail.head, "Subject"), header(mail.head, "X-Failed-Recipients")
    text = _COPY.split(opening(mail), maxsplit=1)[0]
    if not failed and not _is_from_mail_system(mail.head, subject, text):
        return
    status, reply = _STATUS.search(text), _REPLY_CODE.search(text)
    number = status[1] if status else reply[1] if reply else "5"
    delayed = bool(DELAY.search(subject) or (number != "5" and DELAY.search(text)))
    named = failed.split(",") if failed else _ADDRESS.findall(text)[:1] or [""]
    diagnostic = _diagnostic(text)
    for recipient in dict.fromkeys(one_line(name) for name in named[:MOST_RECIPIENTS]):
        yield Bounce(recipient, "delayed" if delayed else "failed", status[0] if status else "", diagnostic)


def _is_from_mail_system(message: Part, subject: str, text: str) -> bool:
    """Whether it comes from a mail system and speaks like one: any automatic message may have a null path."""
    from_system = bool(MAIL_SYSTEM.search(header(message, "From")))
    null_path = header(message, "Return-Path").replace(" ", "") == "<>"
    if BOUNCE_SUBJECT.search(subject):
        return from_system or null_path
    return from_system and bool(BOUNCE.search(text))


def _diagnostic(text: str) -> str:
    """The line that tells why: one with a code, else one that speaks of failure."""
    lines = [line for line in text.splitlines() if line.strip()]
    for pattern in (_STATUS, _REPLY_CODE, BOUNCE):
        line = next((line for line in lines if pattern.search(line)), None)
        if line is not None:
            return one_line(line)
    return ""
