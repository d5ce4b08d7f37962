"""Reads what mail systems say of a message: RFC 3464 and 6533, and in words of their own. Pure, and never raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from canary.mail.reading import ParsedMail, Part
from canary.queues.replies.letter import Letter, header, one_line, own_parts, read_letter
from canary.queues.replies.words import absence, answers, failure, people
from canary.queues.replies.words.phrases import folded

MOST_RECIPIENTS = 50
LONGEST_STATUS = 262144
"""Bytes of a delivery status that are looked at."""

ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_BY_CLASS = {"5": "failed", "4": "delayed", "2": "delivered"}
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.,:/])([45])\d\d[ :-](?=\D)")
_AT_ONCE = 300
"""Characters in which a notice that nothing else marks as one says what it is about."""
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"'|]{1,64}@[^\s<>()\[\]:;,\"'|]{1,255}")
_BLANK_LINE = re.compile(rb"\r?\n(?:[ \t]*\r?\n)++")


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
    return well_formed(mail) or in_words(read_letter(mail))


def well_formed(mail: ParsedMail) -> tuple[Bounce, ...]:
    """What the delivery status of a message says; empty if it has none."""
    return tuple(_unique(_reported(own_parts(mail))))


def passed_on(mail: ParsedMail) -> tuple[Bounce, ...]:
    """What the delivery status of an enclosed message says, which a gateway passed on without a word of its own."""
    return tuple(_unique(_reported(mail.parts)))


def _reported(parts: Iterable[Part]) -> Iterator[Bounce]:
    for part in parts:
        if part.type in STATUS_TYPES:
            for block in _blocks(part.content(LONGEST_STATUS)):
                recipient = header(block, "Final-Recipient") or header(block, "Original-Recipient")
                if recipient or block.has("Action"):
                    yield _from_block(block, recipient)


def _blocks(content: bytes) -> Iterator[Part]:
    """The groups of fields of a delivery status: of the message, and of each recipient (RFC 3464 section 2.1)."""
    for text in _BLANK_LINE.split(content):
        yield Part(text, 0, len(text))


def _from_block(block: Part, recipient: str) -> Bounce:
    diagnostic = _after_type(header(block, "Diagnostic-Code"))
    status = _STATUS.search(header(block, "Status")) or _STATUS.search(diagnostic)
    action = header(block, "Action").lower().split(" ")[0].strip(";,.")
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


def in_words(letter: Letter) -> tuple[Bounce, ...]:
    """A bounce in free text: qmail, Exim, older Exchange, gateways."""
    failed = header(letter.head, "X-Failed-Recipients")
    if not failed and not _tells_of_delivery(letter):
        return ()
    status = _STATUS.search(letter.text)
    named = failed.split(",") if failed else _ADDRESS.findall(letter.text)[:1] or [""]
    action, diagnostic = _action(letter), _diagnostic(letter.text)
    names = dict.fromkeys(one_line(name) for name in named[:MOST_RECIPIENTS])
    return tuple(Bounce(name, action, status[0] if status else "", diagnostic) for name in names)


def _tells_of_delivery(letter: Letter) -> bool:
    """Whether it comes from where mail systems write, and speaks like one: each alone, people and robots do too."""
    titled = not letter.is_reply and bool(
        failure.FAILED_SUBJECT.search(letter.title) or failure.DELAYED.search(letter.title)
    )
    spoken = bool(failure.FAILED.search(letter.words) or failure.DELAYED.search(letter.words))
    if letter.daemon or letter.is_delivery_report:
        return (spoken or titled) and not _tells_of_success(letter)
    if _is_of_a_person(letter, titled):
        return False
    if letter.system:
        return (spoken or titled) and not _tells_of_success(letter)
    if letter.null_path:
        return titled or (spoken and (letter.encloses or _has_code(letter) or _names_a_recipient(letter)))
    if letter.automatic or letter.robot:
        return spoken and (titled or letter.encloses)
    at_once = (
        failure.FAILED.search(letter.words[:_AT_ONCE]) and _ADDRESS.search(letter.text) and "?" not in letter.words
    )
    if at_once and failure.FAILED.search(letter.title):
        return True
    return titled and (letter.encloses or (spoken and _has_code(letter)))


def _tells_of_success(letter: Letter) -> bool:
    title = letter.title
    return (
        bool(failure.DELIVERED.search(title)) and not failure.FAILED.search(title) and not failure.DELAYED.search(title)
    )


def _is_of_a_person(letter: Letter, titled: bool) -> bool:
    """Whether a person speaks, whatever the address: postmasters are people, and notes of absence speak of mail."""
    if absence.AUTOMATIC_REPLY.search(letter.title) and not titled:
        return True
    if letter.null_path or letter.automatic or letter.encloses or titled:
        return False
    return bool(people.FOUND.search(letter.words) or (letter.is_reply and people.PERSON.search(letter.words)))


def _names_a_recipient(letter: Letter) -> bool:
    """Whether it speaks of somebody's address, and neither of its own absence nor of what it received."""
    said = answers.RECEIVED.search(letter.words) or absence.AWAY.search(letter.words)
    return bool(_ADDRESS.search(letter.text)) and not said


def _has_code(letter: Letter) -> bool:
    return bool(_STATUS.search(letter.text) or _REPLY_CODE.search(letter.text))


def _action(letter: Letter) -> str:
    """Delayed, as long as it says so and not that it was given up."""
    title, words = letter.title, letter.words
    if failure.DELAYED.search(title):
        return "delayed"
    signs = len(failure.DELAYED.found(words))
    if signs < (2 if failure.FAILED.search(title) else 1):
        return "failed"
    status, reply = _STATUS.search(letter.text), _REPLY_CODE.search(letter.text)
    number = status[1] if status else reply[1] if reply else ""
    if failure.GAVE_UP.search(words) or number == "5":
        return "failed"
    return "delayed"


def _diagnostic(text: str) -> str:
    """The line that tells why: one with a code, else one that speaks of failure."""
    lines = [line for line in text.splitlines()[:500] if line.strip()]
    for pattern in (_STATUS, _REPLY_CODE):
        line = next((line for line in lines if pattern.search(line)), None)
        if line is not None:
            return one_line(line)
    return next((one_line(line) for line in lines[:50] if failure.FAILED.search(folded(line[:500]))), "")
