"""What the quarantine of a mail gateway is like, as data. Nothing here asks anybody.

It is YAML, as the description of a ticket system is, with the same words for questions, lists, pages and logins
(:mod:`canary.queues.tickets.interface`) and for where something stands in an answer. In braces may stand
``{recipient}`` and ``{folder}`` of the watch; ``{messageid}`` of a report, without its angle brackets; ``{held}``, what
a message is called there; from when on what is held back is wanted, ``{plain}`` (ISO 8601 in UTC, without a zone) or
``{time}`` (the same with a blank in it); and ``{until}``, until when, as ``{plain}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from canary.queues.rest.answers import UnlikeDescriptionError, at, moment, word
from canary.queues.tickets.interface import (
    AnswerPath,
    Call,
    DescribedApi,
    Kinds,
    Listing,
    read_description,
)
from canary.settings import Duration, ListOf, Settings

_SYSTEMS = Path(__file__).parent / "systems"
_LONGEST_ID = 400
_LONGEST_WHY = 120


class HeldFields(Settings):
    """Where a message in a list says what it is; ``at`` is when it was held back, ``why`` the rule by which.

    Where words of ``held`` are given, only a message that has one is held back, or was; with one of ``released`` it is
    not any more.
    """

    id: AnswerPath
    at: AnswerPath
    message_id: AnswerPath | None = None
    subject: AnswerPath | None = None
    sender: AnswerPath | None = None
    why: AnswerPath | None = None
    held: Mapping[AnswerPath, Kinds] = Field(default_factory=dict)
    released: Mapping[AnswerPath, Kinds] = Field(default_factory=dict)


class HeldListing(Listing):
    """What is held back. An answer without a list is garbage, unless it has one of the words of ``empty``.

    That there is no such address is no empty list, either.
    """

    absent: ListOf[int] = ()
    empty: Mapping[AnswerPath, Kinds] = Field(default_factory=dict)

    def is_empty(self, answer: Any) -> bool:
        """Whether an answer says that nothing is held back, and leaves the list out."""
        return at(answer, self.items) is None and _has(answer, self.empty)


class GatewayDescription(DescribedApi):
    """The quarantine of a gateway.

    ``held`` lists what is held back; if it names a ``{messageid}``, it is asked once for each report that is on its
    way, else once for all. ``whole`` is a message as it is stored: of one of ours; or, where the list tells no
    Message-ID, of each, which is the only way to know. What was held back more than ``back`` ago is behind us; what was
    within the ``lag`` may not be shown yet.
    """

    held: HeldListing
    message: HeldFields
    whole: Call | None = None
    back: Duration = 172_800.0
    lag: Duration = 0.0

    @model_validator(mode="after")
    def _can_tell_ours(self) -> Self:
        if not self.asks_for_each and self.message.message_id is None and self.whole is None:
            raise ValueError("nothing tells which message is ours: want {messageid}, message.message_id, or whole")
        return self

    @property
    def asks_for_each(self) -> bool:
        """Whether it is asked for each report by its Message-ID, and so for no stranger's message."""
        return "messageid" in self.names

    @property
    def names(self) -> frozenset[str]:
        """The names in braces by which it is asked what is held back."""
        return self.held.names


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message as a list shows it; ``why`` it is held back, ``released`` whether it is not any more."""

    id: str
    at: datetime
    header: bytes
    why: str
    released: bool


def held_messages(items: list[Any], fields: HeldFields) -> Iterator[HeldMessage]:
    """What is told in a list of what is, or was, held back. Raises UnlikeDescriptionError for what is no message."""
    for item in items:
        is_held, is_released = (_has(item, wanted) for wanted in (fields.held, fields.released))
        if fields.held and not is_held and not is_released:
            if not isinstance(item, dict):
                raise UnlikeDescriptionError(f"got {type(item).__name__} in the list, want a message")
            continue
        ident = word(item, fields.id, _LONGEST_ID)
        if not ident:
            raise UnlikeDescriptionError(f"got nothing at {fields.id}, want what a message is called by")
        why = " ".join(_word(item, fields.why)[:_LONGEST_WHY].split())
        yield HeldMessage(ident, moment(item, fields.at), _header(item, fields), why, is_released)


def _header(item: Any, fields: HeldFields) -> bytes:
    """What is told of a message's header, on lines of its own."""
    told = {
        "Subject": _word(item, fields.subject),
        "Return-Path": _word(item, fields.sender),
        "Message-ID": _word(item, fields.message_id).strip("<> "),
    }
    lines = (f"{name}: {' '.join(value.split())}" for name, value in told.items() if value)
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace")


def _word(item: Any, path: str | None) -> str:
    return word(item, path) if path else ""


def _has(item: Any, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    return any(word(item, path).casefold() in map(str.casefold, words) for path, words in wanted.items())


def gateway_presets() -> list[str]:
    """The gateways that are described in this package, by name."""
    return sorted(path.stem for path in _SYSTEMS.glob("*.yaml"))


def gateway_preset(name: str) -> GatewayDescription:
    """A gateway that is described in this package. Raises ValueError for a name that none has."""
    if name not in gateway_presets():
        known = ", ".join(gateway_presets())
        raise ValueError(f"no mail gateway is called {name[:60]!r} here; wanted one of {known}")
    return described_gateway(_SYSTEMS / f"{name}.yaml")


def described_gateway(path: Path) -> GatewayDescription:
    """The description in a file. Raises ValueError that lists what is wrong with it."""
    return read_description(path, GatewayDescription)
