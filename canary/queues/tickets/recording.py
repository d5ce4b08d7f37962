"""A recording of what a ticket system answers, without what it says: for whoever makes or mends its description.

Names of fields stay, and words that the description has the meaning of: statuses, and what an entry of a history is.
Every other text keeps its shape alone: a letter becomes ``x`` or ``X``, a digit ``0``, what else is not ASCII ``?``; of
a number as many digits stay. A question is told as the description has it, with its names in braces. Pure.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canary.budgets import TICKET_RECORDED
from canary.queues.rest.answers import UnlikeDescriptionError, parsed, way
from canary.queues.tickets.description import Description, History
from canary.queues.tickets.interface import Call

_FIELD = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$.-]{0,59}")
"""What a name of a field is like; of any other one the shape stays."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9 _/+.-]{0,39}")
"""What the name of a status or a kind is like."""
_NUMERAL = re.compile(r"-?\d{1,400}(\.\d+)?")
_NONE: frozenset[str] = frozenset()
_ITEM = ("",)
_NUMBER, _DEPTH, _LENGTH = (getattr(TICKET_RECORDED, measure) for measure in ("number", "depth", "decoded"))

Steps = tuple[str, ...]
"""A path without its numbers: every item of a list has the same."""
Meant = Mapping[Steps, frozenset[str] | None]
"""Where words of the system itself stand, and which, if not any."""


class Recording:
    """Keeps what is answered to one look, of one system; ``meant`` says where in an answer its own words stand."""

    def __init__(self, title: str, meant: Callable[[Call], Meant]) -> None:
        self._title, self._meant, self.answers = title, meant, list[dict[str, Any]]()

    def told(self, ended: str) -> str:
        """The recording as JSON, of a look that ended so: ``well``, or by a reason of what is asked over HTTP."""
        told = {"system": self._title, "ended": ended, "answers": self.answers}
        return json.dumps(told, indent=1)

    def heard(self, call: Call, status: int, headers: Mapping[str, str], content: bytes) -> None:
        """Keep the shape of an answer; what is beyond the budget of a recording is left out."""
        if len(self.answers) >= _NUMBER:
            return
        try:
            answer: Any = parsed(content)
        except UnlikeDescriptionError:
            answer = content.decode(errors="replace")
        words = self._meant(call)
        told = {"status": status, "headers": shape(dict(headers), {}), "answer": shape(answer, words)}
        self.answers.append({"asked": f"{call.method} {call.path}", **told})


def meant(description: Description, call: Call) -> Meant:
    """Where in the answer to a question words of the system itself stand; and which, if not any."""
    places: dict[Steps, frozenset[str] | None] = {}
    for one in (description, *map(description.of, description.corners)):
        for listing in (one.changed, one.changed.shows):
            if listing is not None and call is listing:
                places |= words_at((*steps_of(listing.items), *_ITEM), one.ticket.status, None)
        if call is one.one:
            places |= words_at(steps_of(one.one.at), one.ticket.status, None)
        for history in (history for history in one.history if call is history):
            places |= _of_history(history)
        for parts in (message.parts for message in one.message if call is message.parts):
            places |= words_at((*steps_of(parts.items), *_ITEM[parts.single :]), parts.media_type, None)
    return places


def _of_history(history: History) -> Meant:
    above = (*steps_of(history.items), *_ITEM[history.single :])
    inside = (*above, *steps_of(history.each), *_ITEM) if history.each else above
    places: dict[Steps, frozenset[str] | None] = {}
    for name in ("kind", "what", "old", "new"):
        said = (getattr(rule, name) for rule in history.acts)
        words = None if name == "kind" else frozenset(word.casefold() for some in said for word in some or ())
        for where in (above, inside):
            places |= words_at(where, getattr(history, name), words)
    return places


def words_at(above: Steps, path: str | None, words: frozenset[str] | None) -> Meant:
    """Words at a path; none where a text is cut, of which they are a part."""
    return {(*above, *steps_of(path)): words} if path is not None and not way(path)[1] else {}


def shape(answer: Any, words: Meant) -> Any:
    """What an answer is like. ``words`` says where words stay, by the path; None stands for any word.

    A name that is said as a text, too, may be one of a person, by which something is listed: its shape stays.
    """
    said = set(_said(answer, 0))

    def of(value: Any, above: Steps) -> Any:
        if len(above) >= _DEPTH:
            return None
        match value:
            case str():
                return value if _stays(value, words.get(above, _NONE)) else _text(value)
            case list():
                more = [f"[{len(value)}]"] if len(value) > _NUMBER else []
                return [*(of(below, (*above, "")) for below in value[:_NUMBER]), *more]
            case dict():
                return {_name(name, said): of(below, (*above, name)) for name, below in value.items()}
            case int() | float() if not isinstance(value, bool):
                return _digits(value)
        return value

    return of(answer, ())


def _said(value: Any, depth: int) -> Iterator[str]:
    """Every text in an answer, in small letters."""
    if isinstance(value, str):
        yield value.casefold()
    elif isinstance(value, list | dict) and depth < _DEPTH:
        for below in value.values() if isinstance(value, dict) else value:
            yield from _said(below, depth + 1)


def _name(name: str, said: set[str]) -> str:
    return name if _FIELD.fullmatch(name) and name.casefold() not in said else _text(name)


def _stays(text: str, words: frozenset[str] | None) -> bool:
    if words is None:
        return _WORD.fullmatch(text) is not None
    return text.casefold() in words


def _text(text: str) -> str:
    """The shape of a text, and its length in brackets if it is cut."""
    cut = f"[{len(text)}]" if len(text) > _LENGTH else ""
    return "".join(map(_letter, text[:_LENGTH])) + cut


def _letter(letter: str) -> str:
    match unicodedata.category(letter)[0]:
        case "L" | "M":
            return "X" if letter.isupper() else "x"
        case "N":
            return "0"
    return letter if letter.isascii() else "?"


def _digits(number: float) -> float:
    """A number with other digits, as many; 0 stays, and stands for what is no plain number."""
    told = re.sub(r"[1-9]", "1", repr(number))
    if not _NUMERAL.fullmatch(told):
        return 0
    return float(told) if isinstance(number, float) else int(told)


def steps_of(path: str | None) -> Steps:
    """The steps of a path; an item of a list is "", whichever it is."""
    return tuple("" if step.isdigit() else step for step in way(path)[0]) if path is not None else ()
