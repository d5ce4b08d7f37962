"""Digests of a quarantine: mails that list the messages which it holds, by sender, subject and time. Pure.

Each product writes its own, in words that an administrator may change. What they have in common: they say that mail is
held, and have beside each message what one may have done with it, as a link or a line of its own. What a digest lists
is in the quarantine, whatever the digest itself is in: it is no report, no answer and no bounce.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from canary.budgets import BudgetError
from canary.content import Ticket
from canary.mail.reading import ParsedMail, Part, read_mail
from canary.mark import Keyring, Mark
from canary.model import Place, Role, Seen, TimeSource
from canary.queues import Found, Intake
from canary.queues.replies.letter import LONGEST_TEXT, header, one_line, own_parts, read_letter
from canary.queues.replies.words import held
from canary.queues.replies.words.phrases import folded
from canary.references import resolved

_BEGINNING = 1500
"""Characters of the words in which a digest says what it is."""
_LEAST_ACTS = 2
_LONGEST_ACT = 40
_MOST_PIECES = 5000
_TAG = re.compile(r"(?i)<(?:style|script|title)\b[^<>]*>[^<]*|<[^<>]*>")
_CELL = re.compile(r"(?i)</?(?:td|th)\b")
_ROW = re.compile(r"(?i)</?(?:br|p|div|tr|table|li|h\d)\b")
_BETWEEN = re.compile(r"https?://\S+|mailto:\S+|[\n\r\t|<>\[\]()•·*]| {2,}")
_AROUND = " :.,;-–—»›→&\u00a0"


def is_digest(mail: ParsedMail) -> bool:
    """Whether a mail says that others are held, and what may be done with them."""
    letter = read_letter(mail)
    if not (held.HELD.search(letter.title) or held.HELD.search(letter.words[:_BEGINNING])):
        return False
    acts = set[str]()
    for part in _texts(mail):
        for piece in _pieces(part):
            act = held.ACTS.search(piece)
            if act is not None and act.start() == 0:
                acts.add(piece)
                if len(acts) >= _LEAST_ACTS:
                    return True
    return False


def listed_as_held(raw: bytes, keys: Keyring) -> list[tuple[Mark, str]]:
    """The genuine marks that a digest lists, each with the line in which it stands; none of what is no digest.

    What has a genuine mark as its own id is the report itself, whatever a gateway has written into it. Never raises for
    what it is: what cannot be read is no digest.
    """
    with suppress(BudgetError):
        own_id = header(Part(raw, 0, len(raw)), "Message-ID")  # nearly every message is told by its header alone
        if not keys.names(own_id):
            return list(_listed(read_mail(raw), keys).values())
    return []


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that came to a place, and lists these marks of ours, each with its line."""

    place: Place
    arrived_at: datetime
    uncertainty: float
    listed: list[tuple[Mark, str]]

    def found(self, intake: Intake, where: Callable[[str], str], generation: int = 0) -> list[Found]:
        """What is held of ours: it came to the quarantine at some time since its mark was made.

        ``where`` makes of a probe's id what names it there; the same line of a later digest is the same report.
        """
        place = replace(self.place, role=Role.QUARANTINE, message_id=False, whole=False)
        return [
            Found(
                seen=Seen.REPORT, probe=mark.probe, place=place, arrived_at=self.arrived_at, source=TimeSource.NOTICED,
                uncertainty=max((self.arrived_at - mark.made_at).total_seconds(), self.uncertainty),
                content=Ticket(line), detail=f"listed as held by a digest of a quarantine: {line}",
                where=where(mark.probe), generation=generation,
            )
            for mark, line in self.listed
            if intake.known(mark.probe)
        ]  # fmt: skip


def _listed(mail: ParsedMail, keys: Keyring) -> dict[str, tuple[Mark, str]]:
    found: dict[str, tuple[Mark, str]] = {}
    if not is_digest(mail):
        return found
    for part in _texts(mail):
        text = _rows(part)
        for mark in keys.find(text):
            if mark.genuine:
                found.setdefault(mark.text, (mark, _line(text, mark.text)))
    return found


def _texts(mail: ParsedMail) -> Iterator[Part]:
    return (part for part in own_parts(mail) if part.type in ("text/plain", "text/html") and not part.name)


def _text(part: Part) -> str:
    return part.text(4 * LONGEST_TEXT)[: 4 * LONGEST_TEXT]


def _pieces(part: Part) -> Iterator[str]:
    """What stands by itself: a link, a cell, a line; folded, and short enough for an act."""
    text = _text(part)
    if part.type == "text/html":
        text = resolved(_TAG.sub("\n", text))
    for piece in _BETWEEN.split(text)[:_MOST_PIECES]:
        if piece and len(stripped := piece.strip(_AROUND)) <= _LONGEST_ACT and stripped:
            yield folded(stripped)


def _rows(part: Part) -> str:
    """The text with a line for each row of a table."""
    if part.type != "text/html":
        return _text(part)
    return resolved(
        _TAG.sub(lambda tag: "\n" if _ROW.match(tag[0]) else " " if _CELL.match(tag[0]) else "", _text(part))
    )


def _line(text: str, mark: str) -> str:
    """The line that has a mark in it, or the mark alone where it is cut by the lines."""
    at = text.lower().find(mark)
    if at < 0:
        return mark
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = one_line(text[max(begin, at - 150) : end if end >= 0 else None])
    return line if mark in line.lower() else mark
