"""What a message in a sender's mailbox shows before anybody asks what it is: its structure, and its own words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from canary.mail.reading import ParsedMail, Part
from canary.queues.replies.words import shapes
from canary.queues.replies.words.phrases import folded
from canary.references import resolved

LONGEST_TEXT = 65536
"""Characters of a text that are looked at."""
LONGEST_WORDS = 6000
"""Characters of it in which a message says what it is; what it quotes comes after."""
LONGEST_DETAIL = 300

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MARKUP = re.compile(r"(?i)<(?:style|script|title)\b[^<>]*>[^<]*|<[^<>]*>")
_BREAKS = re.compile(r"(?i)</?(?:br|p|div|tr|li|h\d)\b")
_ENCLOSED = ("message/rfc822", "message/global", "message/partial", "message/external-body", "text/rfc822-headers",
             "message/rfc822-headers", "message/global-headers", "text/rfc822-header")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message shows.

    ``subject`` is one line as it was written; ``title`` and ``words`` are the subject and the beginning of the own text
    as phrases are looked for in them. ``daemon`` and ``system`` are senders that mail systems have (the second, people
    too), ``null_path`` the empty path of what wants no answer, ``automatic`` that it says so itself (RFC 3834 section
    5), ``robot`` a sender that takes no answers, ``bulk`` Precedence: bulk, ``encloses`` that it brings back a message.
    """

    head: Part
    subject: str
    text: str
    title: str
    words: str
    daemon: bool
    system: bool
    null_path: bool
    automatic: bool
    robot: bool
    bulk: bool
    ticket: bool
    listed: bool
    encloses: bool
    is_reply: bool

    @property
    def is_delivery_report(self) -> bool:
        """Whether it says that it tells of delivery (RFC 6522), whatever it holds."""
        return self.head.type == "multipart/report" and "delivery-status" in self.head.field("Content-Type").lower()

    @property
    def is_by_machine(self) -> bool:
        """Whether its header says that no human wrote it."""
        return self.daemon or self.null_path or self.automatic


def read_letter(mail: ParsedMail) -> Letter:
    """What of a message tells whether a machine or a person wrote it, and its own words."""
    head, whole = mail.head, _own_text(mail)
    subject, copy = header(head, "Subject"), shapes.COPY.search(whole)
    text = shapes.QUOTED.sub("", whole[: copy.start()] if copy else whole)
    sender = header(head, "From") or header(head, "Sender")
    precedence = header(head, "Precedence").lower()
    return Letter(
        head=head,
        subject=subject,
        text=text,
        title=folded(subject),
        words=folded(text[:LONGEST_WORDS]),
        daemon=bool(shapes.DAEMON.search(sender)),
        system=bool(shapes.SYSTEM.search(sender)),
        null_path=header(head, "Return-Path").replace(" ", "") == "<>",
        automatic=_says_automatic(head, precedence),
        robot=bool(shapes.NO_REPLY.search(sender)),
        bulk=precedence in ("bulk", "list"),
        ticket=any(head.has(name) for name in shapes.TICKET_HEADERS),
        listed=any(head.has(name) for name in shapes.LIST_HEADERS),
        encloses=copy is not None or any(part.type in _ENCLOSED for part in mail.parts[1:]),
        is_reply=bool(shapes.REPLY.match(subject)),
    )


def header(part: Part, name: str) -> str:
    """A field decoded, cut to one line; "" if it is not there."""
    return one_line(part.field(name))


def one_line(text: str, longest: int = LONGEST_DETAIL) -> str:
    """``text`` without control characters and line breaks, shortened."""
    return " ".join(_CONTROL.sub(" ", text[: 4 * longest]).split())[:longest]


def own_parts(mail: ParsedMail) -> Iterator[Part]:
    """The parts that are not inside of an enclosed message: what a person forwards is not said by the letter itself."""
    until = 0
    for part in mail.parts:
        begin, end = part.span
        if begin < until:
            continue
        yield part
        if part.type in ("message/rfc822", "message/global") and part is not mail.head:
            until = end


def _own_text(mail: ParsedMail) -> str:
    """The texts of the letter itself: plain ones, else what can be read of the HTML."""
    texts = [part for part in own_parts(mail) if part.type in ("text/plain", "text/html") and not part.name]
    plain = "\n".join(part.text(4 * LONGEST_TEXT)[:LONGEST_TEXT] for part in texts[:5] if part.type == "text/plain")
    if plain.strip():
        return _readable(plain) if "<html" in plain[:500].lower() else plain[:LONGEST_TEXT]
    return "\n".join(_readable(part.text(4 * LONGEST_TEXT)[:LONGEST_TEXT]) for part in texts[:5])[:LONGEST_TEXT]


def _readable(html: str) -> str:
    return resolved(_MARKUP.sub(lambda tag: "\n" if _BREAKS.match(tag[0]) else " ", html))


def _says_automatic(head: Part, precedence: str) -> bool:
    """Whether it says that no human wrote it. X-Auto-Response-Suppress asks for silence; it tells nothing of that."""
    return (
        header(head, "Auto-Submitted").lower().startswith("auto-")
        or any(header(head, name).lower() not in ("", "no", "false") for name in shapes.AUTO_HEADERS)
        or precedence in ("auto_reply", "auto-reply", "junk")
    )
