"""Reads bounces: delivery status notifications (RFC 3464), and ill-formed ones. Pure, and never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

from canary.queues.replies.wording import BOUNCE, BOUNCE_SUBJECT, DELAY, MAIL_SYSTEM

MOST_RECIPIENTS = 50
LONGEST_TEXT = 65536
"""Characters of a part that are looked at."""
_LONGEST_DETAIL = 300

ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_BY_CLASS = {"5": "failed", "4": "delayed", "2": "delivered"}
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d[ -]")
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"'|]{1,64}@[^\s<>()\[\]:;,\"'|]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

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


def parse(raw: bytes) -> tuple[Bounce, ...]:
    """What a message says of the recipients of another one; empty if it is no bounce."""
    try:
        message = message_from_bytes(raw)
        return tuple(_unique(_well_formed(message))) or tuple(_ill_formed(message))
    except Exception:  # the parser can be broken by a hostile message in any way; such a message is no bounce
        return ()


def plain_text(message: Message) -> str:
    """The first text of a message, decoded, cut to :data:`LONGEST_TEXT`; "" if there is none."""
    for part in message.walk():
        if part.get_content_maintype() == "text" and not part.get_filename():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                try:
                    return payload.decode(part.get_content_charset() or "utf-8", "replace")[:LONGEST_TEXT]
                except LookupError:
                    return payload.decode("latin-1")[:LONGEST_TEXT]
    return ""


def header(message: Message, name: str) -> str:
    """A header field decoded (RFC 2047, or plain UTF-8 as RFC 6532 allows), in one line; "" if it is not there."""
    raw = next((value for field, value in message.raw_items() if field.lower() == name.lower()), None)
    if raw is None:
        return ""
    value = str(raw).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        return one_line(str(make_header(decode_header(value))))
    except Exception:  # an encoded word that does not decode: take it as it stands
        return one_line(value)


def one_line(text: str, longest: int = _LONGEST_DETAIL) -> str:
    """``text`` without control characters and line breaks, shortened."""
    return " ".join(_CONTROL.sub(" ", text[: 4 * longest]).split())[:longest]


def _well_formed(message: Message) -> Iterator[Bounce]:
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if isinstance(block, Message) and ("Final-Recipient" in block or "Original-Recipient" in block):
                yield _from_block(block, str(block.get("Final-Recipient") or block.get("Original-Recipient")))


def _from_block(block: Message, recipient: str) -> Bounce:
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


def _ill_formed(message: Message) -> Iterator[Bounce]:
    """A bounce in free text: qmail, Exim, older Exchange, gateways."""
    subject, failed = header(message, "Subject"), header(message, "X-Failed-Recipients")
    text = _COPY.split(plain_text(message), maxsplit=1)[0]
    if not failed and not _is_from_mail_system(message, subject, text):
        return
    status, reply = _STATUS.search(text), _REPLY_CODE.search(text)
    number = status[1] if status else reply[1] if reply else "5"
    delayed = bool(DELAY.search(subject) or (number != "5" and DELAY.search(text)))
    named = failed.split(",") if failed else _ADDRESS.findall(text)[:1] or [""]
    diagnostic = _diagnostic(text)
    for recipient in dict.fromkeys(one_line(name) for name in named[:MOST_RECIPIENTS]):
        yield Bounce(recipient, "delayed" if delayed else "failed", status[0] if status else "", diagnostic)


def _is_from_mail_system(message: Message, subject: str, text: str) -> bool:
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
