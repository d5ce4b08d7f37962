"""What a message in a sender's mailbox is: structure first, then words. Pure, and never raises.

Structure is what RFC 3464, 3834, 6522, 6533 and 8098 define; words decide where there is none, and beside other signs
only. What stays in doubt is unsure, which shows no stage and changes no outcome.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from canary.mail.reading import ParsedMail, Part, read_mail
from canary.model import Seen
from canary.queues.replies.bounces import Bounce, in_words, passed_on, well_formed
from canary.queues.replies.digests import is_digest
from canary.queues.replies.letter import Letter, header, one_line, own_parts, read_letter
from canary.queues.replies.words import absence, answers, failure, people

_LONGEST_NOTE = 600
"""Characters of a note of absence whose header says nothing: a person who is away writes no more."""
_PREFIX = 12
_BEGINNING = 200
_LEFT_OVER = 80
"""Characters besides thanks and promises in what is no more than an acknowledgement."""
_DETAIL = 1000

_TICKET_SUBJECT = re.compile(
    r"(?i)\[[^\]]{0,40}#? ?\d{1,12}\]|\((?:case|ticket)[^)]{0,40}\d\)|autoreply\b|#\d{3,}"
    r"|\b(?:ticket|case|request|incident|sr|inc|req)\b[^\w]{0,6}(?:received|created|opened|id|no\.?)?\W{0,6}\d{3,}"
)
_SENTENCE = re.compile(r"[^.!?\n。！？]{1,2000}[.!?\n。！？]?")
_OF_ABUSE = re.compile(
    r"(?i)complaint about (?:the |your )?(?:message|mail|e-?mail)|\b(?:abuse|feedback|spam|fbl) (?:report|complaint)\b"
    r"|email feedback"
)
_UNREAD = re.compile(
    r"without (?:being|having been) read|not read:|unread|ungelesen|sans (?:avoir ete|etre) lu|sin leer|non lett"
    r"|nieprzeczyt|ongelezen"
)
_NUMBER = re.compile(r"\d{3,}")
_NUMBER_LINE = 60
"""Characters of a line that gives a number, and says nothing else."""


class ReplyKind(StrEnum):
    """What came back to a sender."""

    BOUNCE = "bounce"
    DELAY = "delay"
    DELIVERED = "delivered"
    REFUSED = "refused"  # by a moderator, a filter, a gateway
    OUT_OF_OFFICE = "out of office"
    GONE = "no longer here"
    ACKNOWLEDGEMENT = "acknowledgement"
    CHALLENGE = "challenge"  # held until the sender does something
    ANSWER = "answer"
    UNSURE = "unsure"

    @property
    def seen(self) -> Seen:
        """What is recorded of it: a challenge delays a report, and who is gone reads as little as who is away."""
        return _SEEN[self]


_SEEN = {
    ReplyKind.BOUNCE: Seen.BOUNCE,
    ReplyKind.REFUSED: Seen.BOUNCE,
    ReplyKind.DELAY: Seen.DELAY_NOTICE,
    ReplyKind.CHALLENGE: Seen.DELAY_NOTICE,
    ReplyKind.DELIVERED: Seen.DELIVERY_NOTICE,
    ReplyKind.OUT_OF_OFFICE: Seen.OUT_OF_OFFICE,
    ReplyKind.GONE: Seen.OUT_OF_OFFICE,
    ReplyKind.ACKNOWLEDGEMENT: Seen.ACKNOWLEDGEMENT,
    ReplyKind.ANSWER: Seen.ANSWER,
    ReplyKind.UNSURE: Seen.UNSURE,
}
_NAMED = (ReplyKind.REFUSED, ReplyKind.GONE, ReplyKind.CHALLENGE, ReplyKind.UNSURE)
"""Kinds that share a word of the record with another: the sentence says which it is."""

_BY_ACTION = {
    "failed": ReplyKind.BOUNCE,
    "delayed": ReplyKind.DELAY,
    "delivered": ReplyKind.DELIVERED,
    "relayed": ReplyKind.DELIVERED,
    "expanded": ReplyKind.DELIVERED,
}
"""In order of weight: a notification that tells of a failed recipient and of others is a bounce."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message is, and a sentence of one line about it: what it says, or why it is unsure."""

    kind: ReplyKind
    detail: str


def classify(raw: bytes) -> tuple[Seen, str]:
    """What is recorded of a message in a sender's mailbox, and a sentence about it. Never raises."""
    try:
        reply = read_reply(read_mail(raw))
    except Exception:  # whatever it is, it must not keep the watcher from all others
        reply = Reply(ReplyKind.UNSURE, "a message that cannot be read")
    named = f"{reply.kind}: {reply.detail}" if reply.kind in _NAMED else reply.detail
    return reply.kind.seen, one_line(named, _DETAIL)


def read_reply(mail: ParsedMail) -> Reply:
    """What a message is, by the first rule that knows it."""
    bounces = well_formed(mail)
    if bounces:
        return _weightiest(bounces)
    letter = read_letter(mail)
    if is_digest(mail):
        return Reply(ReplyKind.UNSURE, f"a digest of a quarantine lists it: {letter.subject}")
    reported = _report(mail, letter)
    if reported is not None:
        return reported
    bounces = in_words(letter) if letter.words else passed_on(mail) or in_words(letter)
    if bounces:
        return _weightiest(bounces)
    return next(filter(None, (rule(letter) for rule in _RULES)), Reply(ReplyKind.ANSWER, letter.subject))


def _weightiest(bounces: tuple[Bounce, ...]) -> Reply:
    """What became of every recipient, what weighs most first, as which the whole counts."""
    order = list(_BY_ACTION)
    sorted_by_weight = sorted(bounces, key=lambda bounce: order.index(bounce.action))
    words = (" ".join(filter(None, (b.recipient, b.action, b.status, b.diagnostic))) for b in sorted_by_weight)
    return Reply(_BY_ACTION[sorted_by_weight[0].action], one_line("; ".join(words), _DETAIL))


def _report(mail: ParsedMail, letter: Letter) -> Reply | None:
    """What a report that is none of delivery says: of disposition (RFC 8098), or of abuse (RFC 5965)."""
    for part in own_parts(mail):
        if part.type in ("message/disposition-notification", "message/global-disposition-notification"):
            return _disposed(part, letter)
        if part.type == "message/feedback-report":
            return Reply(ReplyKind.UNSURE, f"a report of abuse: {letter.subject}")
    if _OF_ABUSE.search(letter.subject) and not letter.is_reply:
        return Reply(ReplyKind.UNSURE, f"a report of abuse: {letter.subject}")
    if letter.head.type == "multipart/report" and "disposition" in letter.head.field("Content-Type").lower():
        return Reply(ReplyKind.ACKNOWLEDGEMENT, letter.subject)
    return None


def _disposed(part: Part, letter: Letter) -> Reply:
    """What became of a message in the mailbox: Sieve's reject says so too, as deleted by a machine (RFC 5429)."""
    fields = Part(content := part.content(), 0, len(content))
    mode, _, kinds = header(fields, "Disposition").lower().partition(";")
    if any(kind in kinds for kind in ("displayed", "dispatched", "processed")):
        return Reply(ReplyKind.ACKNOWLEDGEMENT, letter.subject)
    said = f"{letter.title} {letter.words}"
    refused = answers.REFUSED.search(said) or failure.FAILED.search(said)
    if "deni" in kinds or "fail" in kinds or "deleted" not in kinds:
        kind = ReplyKind.REFUSED if refused else ReplyKind.UNSURE
    elif _UNREAD.search(said) or mode.startswith("manual"):
        kind = ReplyKind.DELIVERED
    else:
        kind = ReplyKind.REFUSED
    return Reply(kind, one_line(letter.text) or letter.subject)


def _refused(letter: Letter) -> Reply | None:
    """A refusal that is no notification: of a list's moderator, of a gateway that dislikes an attachment."""
    if absence.AUTOMATIC_REPLY.search(letter.title):
        return None
    titled = not letter.is_reply and bool(answers.REFUSED.search(letter.title))
    spoken = answers.REFUSED.search(letter.words[:500])
    machine = (
        letter.is_by_machine
        or letter.robot
        or letter.system
        or letter.bulk
        or _OF_A_LIST.search(header(letter.head, "From"))
    )
    if titled and (spoken or machine) and (machine or not people.FOUND.search(letter.words)):
        return Reply(ReplyKind.REFUSED, _line(letter, answers.REFUSED.search))
    if spoken and machine and not letter.ticket and not letter.is_reply and not answers.RECEIVED.search(letter.words):
        return Reply(ReplyKind.REFUSED, _line(letter, answers.REFUSED.search))
    return None


_OF_A_LIST = re.compile(
    r"(?i)-(?:owner|bounces|request|admin|moderator)@|(?:owner|majordomo|listserv|mailman|sympa|moderator)[\w-]*@"
)


def _challenged(letter: Letter) -> Reply | None:
    asked = answers.CHALLENGED.found(letter.words)
    titled = not letter.is_reply and bool(answers.CHALLENGED.search(letter.title))
    if letter.ticket or people.FOUND.search(letter.words):
        return None
    if (titled and asked) or (
        len(asked) > 1 and (letter.is_by_machine or letter.robot or answers.MACHINE.search(letter.words))
    ):
        return Reply(ReplyKind.CHALLENGE, letter.subject)
    return None


def _absent(letter: Letter) -> Reply | None:
    """A note of absence, or that somebody is gone for good."""
    away, gone = absence.AWAY.search(letter.words), absence.GONE.search(letter.words)
    received = answers.RECEIVED.search(letter.words)
    prefixed = absence.AUTOMATIC_REPLY.search(letter.title)
    by_itself = prefixed is not None and prefixed.start() < _PREFIX
    titled = not letter.is_reply and bool(absence.AWAY.search(letter.title)) and not people.FOUND.search(letter.words)
    kind = ReplyKind.GONE if gone and not (away or titled) else ReplyKind.OUT_OF_OFFICE
    if _says_vacation(letter.head) or titled:
        return Reply(kind, letter.subject)
    if by_itself and not letter.ticket and (away or gone or not received):
        return Reply(kind, letter.subject)  # "Automatic reply: ..." is how Exchange begins the subject of such a note
    machine = letter.is_by_machine or letter.robot or (letter.bulk and not letter.listed)
    unread = received and answers.MACHINE.search(letter.words)
    if machine and not letter.ticket and (away or (gone and not unread)):
        return Reply(kind, letter.subject)
    return Reply(kind, letter.subject) if _is_short_note(letter) else None


def _is_short_note(letter: Letter) -> bool:
    """Whether it says at once that somebody is away, and nothing else: typed or sent by a rule, it is no answer."""
    at_once = letter.words[:_BEGINNING]
    said = absence.AWAY.search(at_once) or absence.GONE.search(at_once)
    more = people.FOUND.search(letter.words) or answers.MACHINE.search(letter.words) or "?" in letter.words
    return bool(said) and len(letter.words) <= _LONGEST_NOTE and not more and not letter.ticket and not letter.listed


def _says_vacation(head: Part) -> bool:
    """Sieve's vacation says so in a comment (RFC 5230 section 4.8 and what Dovecot writes)."""
    return any(
        "vacation" in header(head, name).lower() for name in ("Auto-Submitted", "X-Autoreply", "X-Autorespond-Action")
    )


def _delivered(letter: Letter) -> Reply | None:
    said = failure.DELIVERED.search(letter.title) or failure.DELIVERED.search(letter.words)
    return (
        Reply(ReplyKind.DELIVERED, letter.subject)
        if said and (letter.daemon or (letter.system and letter.null_path))
        else None
    )


def _automatic(letter: Letter) -> Reply | None:
    """What says in its header that no human wrote it: an acknowledgement if it answers, else unsure."""
    if not letter.is_by_machine:
        return None
    said = answers.RECEIVED.search(letter.words) or answers.MACHINE.search(f"{letter.title} {letter.words}")
    if letter.encloses and not said:
        return Reply(ReplyKind.UNSURE, f"automatic, brings a message back, and does not say why: {letter.subject}")
    if letter.ticket and people.FOUND.search(letter.words) and not said:
        return Reply(ReplyKind.UNSURE, f"its header says automatic, its words say a person: {letter.subject}")
    answers_us = (
        letter.null_path or letter.ticket or any(letter.head.has(name) for name in ("In-Reply-To", "References"))
    )
    if said or answers_us or "replied" in header(letter.head, "Auto-Submitted").lower():
        return Reply(ReplyKind.ACKNOWLEDGEMENT, letter.subject)
    return Reply(ReplyKind.UNSURE, f"automatic, and says nothing that is known: {letter.subject}")


def _acknowledged(letter: Letter) -> Reply | None:
    """What says it in words only: people begin with thanks as well, so whatever else is said counts."""
    received, found = answers.RECEIVED.search(letter.words), people.FOUND.search(letter.words)
    machine = answers.MACHINE.search(letter.words) or answers.MACHINE.search(letter.title)
    if machine and found:
        return Reply(ReplyKind.UNSURE, f"says that it is automatic, and what only a person can say: {letter.subject}")
    if machine or (letter.robot and received and not found):
        return Reply(ReplyKind.ACKNOWLEDGEMENT, letter.subject)
    if letter.robot and not found:
        return Reply(ReplyKind.UNSURE, f"from a sender that takes no answers: {letter.subject}")
    numbered = letter.ticket or _TICKET_SUBJECT.search(letter.subject) or (letter.bulk and not letter.listed)
    if not received or found or not (numbered or not letter.is_reply) or "?" in letter.words:
        return None
    if _left_over(letter) <= _LEFT_OVER:
        return Reply(ReplyKind.ACKNOWLEDGEMENT, letter.subject)
    return Reply(ReplyKind.UNSURE, f"an acknowledgement by its words, and more: {letter.subject}") if numbered else None


def _left_over(letter: Letter) -> int:
    """Characters of the sentences that are no thanks, no promise and no greeting."""
    known = (answers.RECEIVED, answers.MACHINE, people.PERSON)
    sentences = (sentence.strip() for sentence in _SENTENCE.findall(letter.words))
    rest = [
        one
        for one in sentences
        if not any(table.search(one) for table in known) and not (len(one) <= _NUMBER_LINE and _NUMBER.search(one))
    ]
    return sum(map(len, rest))


def _line(letter: Letter, is_told: Callable[[str], object]) -> str:
    """The beginning of what it says."""
    return one_line(letter.text) or letter.subject if is_told(letter.words) else letter.subject


_RULES = (_refused, _challenged, _absent, _delivered, _automatic, _acknowledged)
