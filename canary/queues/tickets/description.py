"""What a ticket system is like, as data: which addresses tell what, and by which names. Nothing here asks anybody.

A description is YAML. Texts may have names in braces, in whose place something is put when it is asked: ``{queue}``,
``{queueid}``, ``{ticket}``, ``{entry}``, ``{part}``, ``{mark}``, ``{found}``, ``{ids}``, and the time from which on
something is wanted: ``{since}`` (ISO 8601, UTC), ``{time}`` (the same with a blank in it and no zone), ``{epoch}``
(seconds since 1970), ``{age}`` and ``{minutes}`` (how long ago). In the path of a question ``{+ticket}`` keeps its
slashes. Where something stands in an answer is a path of names and numbers with dots between (``Queue.Name``,
``journals.0.id``); ``url>/repos/`` is what stands in the text at ``url`` after that, ``body< `` what stands before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from canary.queues.tickets.interface import AnswerPath, Call, DescribedApi, Kinds, Listing, read_description
from canary.queues.tickets.pushed import Webhook
from canary.settings import Duration, ListOf, Settings

_SYSTEMS = Path(__file__).parent / "systems"


class Changes(Listing):
    """The tickets of a queue that changed since then, the oldest change first unless they are ``newest_first``.

    If it is of all queues at once (``everywhere``), it is asked once for all of them, and ``shows`` is any list of
    tickets of one queue. What changed within the ``lag`` is not shown yet.
    """

    everywhere: bool = False
    newest_first: bool = False
    lag: Duration = 0.0
    shows: Listing | None = None


class QueueListing(Listing):
    """All queues that the account may see.

    ``none`` is a name for what is in no queue, where there is such a thing, and ``none_is`` what is then asked for as
    ``{queueid}``.
    """

    id: AnswerPath
    name: AnswerPath
    none: str | None = None
    none_is: str = ""


class TicketFields(Settings):
    """Where a ticket says what it is; ``queue`` is the name or the id of one, not given where the list is of one alone.

    ``number`` is what people call it by, where that is not its id. With one of the words at a place of ``gone`` it is
    in no list any more. One ``leaves`` its queue with whoever takes it: it says none, and its history where it was.
    """

    id: AnswerPath
    number: AnswerPath | None = None
    subject: AnswerPath
    queue: AnswerPath | None = None
    leaves: bool = False
    status: AnswerPath | None = None
    created: AnswerPath
    updated: AnswerPath
    gone: Mapping[AnswerPath, Kinds] = Field(default_factory=dict)


class OneTicket(Call):
    """A ticket by its number; ``at`` is where in the answer it stands."""

    at: AnswerPath | None = None


class ActRule(Settings):
    """What an entry of the history is if it has one of these words at each of these places; upper or lower case.

    ``having`` names further places. Who has ``taken`` a ticket has picked it up, out of the queue ``old``. ``old_at``
    and ``new_at`` are where such an entry has what it was before and is then, if not where others have it.
    """

    kind: Kinds | None = None
    what: Kinds | None = None
    old: Kinds | None = None
    new: Kinds | None = None
    having: Mapping[AnswerPath, Kinds] = Field(default_factory=dict)
    old_at: AnswerPath | None = None
    new_at: AnswerPath | None = None
    means: Literal["created", "moved", "merged", "taken", "picked_up", "answered", "closed", "nothing"] = Field(
        alias="is"
    )


class History(Listing):
    """What was done with a ticket, and what each entry of that is: the first rule that fits says so.

    Where an entry has several things in it, they stand at ``each``; what one of them does not say, the entry around it
    does. ``ticket`` is the one that an entry was first of, where tickets are merged. A machine did it where there is
    one of these words at a place of ``robot``. With ``first``, only the first entry that is anything counts.
    """

    id: AnswerPath
    ticket: AnswerPath | None = None
    each: AnswerPath | None = None
    first: bool = False
    at: AnswerPath
    by: AnswerPath | None = None
    robot: Mapping[AnswerPath, Kinds] = Field(default_factory=dict)
    kind: AnswerPath | None = None
    what: AnswerPath | None = None
    old: AnswerPath | None = None
    new: AnswerPath | None = None
    acts: ListOf[ActRule]


class Parts(Listing):
    """The parts of the first message; what is in them only where that stands in the list as text, at ``text``.

    ``first`` says that the list goes on with later messages. ``type`` is the media type where none is told. The headers
    stand at ``headers``, or of those the Message-ID alone at ``message_id``.
    """

    id: AnswerPath | None = None
    first: bool = False
    headers: AnswerPath | None = None
    message_id: AnswerPath | None = None
    media_type: AnswerPath | None = None
    type: str = ""
    name: AnswerPath | None = None
    text: AnswerPath | None = None


class PartContent(Call):
    """What is in one part of a message; ``raw`` is an answer that is the part itself.

    Where all parts are told at once, they stand at ``items``, and each is called by its ``id``.
    """

    items: AnswerPath | None = None
    id: AnswerPath | None = None
    content: AnswerPath | None = None
    encoding: Literal["text", "base64", "raw"] = "text"


class FirstMessage(Settings):
    """How the first message of a ticket is read, or some parts of it: what is in them is asked for, or told at once."""

    parts: Parts
    content: PartContent | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if (self.content is None) == (self.parts.text is None):
            raise ValueError("want either content, or text in the parts")
        return self


class FindStep(Listing):
    """A step on the way from a mark to a ticket; what it ``gives`` is ``{found}`` in the next, or the ticket's id."""

    gives: AnswerPath


class Corner(Settings):
    """Where a system puts mails aside that are in none of its queues: what is otherwise there than in those.

    What is there may be gone at any time.
    """

    ticket: TicketFields | None = None
    changed: Changes
    one: OneTicket | None = None
    history: ListOf[History] | None = None
    message: ListOf[FirstMessage] | None = None


class Description(DescribedApi):
    """A ticket system.

    ``overlap`` are the seconds by which each list begins before the last one ended: for clocks that differ, and for an
    index that is behind. What is ``vanishing`` may be gone at any time. ``corners`` are watched like queues, by these
    names. Where no list of all ``queues`` can be had, each is taken to be there. Where no history tells of ``moves``, a
    report that is not seen as it was made may have come to where it is at any time since. ``close`` are the calls that
    close a ticket of ours with a ``{note}``, in their order, and ``closed`` the statuses of what needs none.
    """

    overlap: Duration = 120.0
    message_id: bool = Field(True, description="whether the headers show the Message-ID that was sent")
    whole: bool = Field(True, description="whether all of a message can be read, with its files")
    queues: QueueListing | None = None
    ticket: TicketFields
    changed: Changes
    one: OneTicket
    vanishing: bool = False
    history: ListOf[History] = ()
    moves: bool = True
    machines: ListOf[str] = ()
    message: ListOf[FirstMessage]
    find: ListOf[FindStep] = ()
    corners: Mapping[str, Corner] = Field(default_factory=dict)
    close: ListOf[Call] = ()
    closed: ListOf[str] = ()
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _knows_what_is_closed(self) -> Self:
        if bool(self.close) != bool(self.closed):
            raise ValueError("close and closed go together, got only one of them")
        return self

    def of(self, queue: str) -> Description:
        """The description as it is in a queue or a corner."""
        corner = self.corners.get(queue)
        if corner is None:
            return self
        other = {name: getattr(corner, name) for name in corner.model_fields_set}
        return self.model_copy(update={"find": (), "close": (), "vanishing": True, **other})


def presets() -> list[str]:
    """The systems that are described in this package, by name."""
    return sorted(path.stem for path in _SYSTEMS.glob("*.yaml"))


def preset(name: str) -> Description:
    """A system that is described in this package. Raises ValueError for a name that none has."""
    if name not in presets():
        raise ValueError(f"no ticket system is called {name[:60]!r} here; wanted one of {', '.join(presets())}")
    return described(_SYSTEMS / f"{name}.yaml")


def described(path: Path) -> Description:
    """The description in a file. Raises ValueError that lists what is wrong with it."""
    return read_description(path, Description)
