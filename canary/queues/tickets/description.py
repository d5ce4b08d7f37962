"""What a ticket system is like, as data: which addresses tell what, and by which names. Nothing here asks anybody.

A description is YAML. Texts may have names in braces, in whose place something is put when it is asked: ``{queue}``,
``{queueid}``, ``{ticket}``, ``{entry}``, ``{part}``, ``{mark}``, ``{found}``, ``{ids}``, and the time from which on
something is wanted: ``{since}`` (ISO 8601, UTC), ``{time}`` (the same with a blank in it and no zone), ``{epoch}``
(seconds since 1970), ``{age}`` and ``{minutes}`` (how long ago). In the path of a question ``{+ticket}`` keeps its
slashes. Where something stands in an answer is a path of names and numbers with dots between (``Queue.Name``,
``journals.0.id``); ``url>/repos/`` is what stands in the text at ``url`` after that, ``body< `` what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from canary.budgets import TICKET_DESCRIPTION, BudgetError
from canary.queues.tickets.pushed import Webhook
from canary.settings import Duration, ListOf, Settings

_SYSTEMS = Path(__file__).parent / "systems"
_NAME = re.compile(r"\{\+?([a-z]+)\}")
KNOWN = frozenset({
    "queue", "queueid", "ticket", "entry", "part", "mark", "found", "ids", "note",
    "since", "time", "epoch", "age", "minutes",
})  # fmt: skip
"""The names that may stand in braces."""

AnswerPath = Annotated[str, Field(pattern=r"^[^.<>]+(\.[^.<>]+)*([<>][^<>]+)*$", max_length=200)]
"""Where something stands in an answer: names and numbers with dots between, and how the text there is cut."""
Kinds = Annotated[ListOf[str], Field(min_length=1)]


class Paging(Settings):
    """How the next part of a long list is asked for.

    ``parameter`` is the number of a page or, ``by: offset``, of its first item; or ``by: token``, what the answer
    before says at ``token``. ``by: since`` there are no pages: after a full list what changed since its last item is
    asked for. A list is at its end with a page that is not full; or, where the system makes pages smaller than asked
    for, by how many there are in all (``total``), or when it says so: at ``end`` what ``ends`` is.
    """

    parameter: str = ""
    by: Literal["page", "offset", "token", "since"] = "page"
    first: int = 1
    size: str | None = None
    most: int = Field(ge=1, le=1000)
    token: AnswerPath | None = None
    total: AnswerPath | None = None
    end: AnswerPath | None = None
    ends: bool = True

    @model_validator(mode="after")
    def _has_token(self) -> Self:
        if (self.by == "token") != (self.token is not None):
            raise ValueError("token stands exactly where a list goes on by: token")
        if (self.by == "since") != (not self.parameter):
            raise ValueError("parameter stands exactly where a list does not go on by: since")
        return self


class Call(Settings):
    """One question to the system: ``path`` is below the ``api``, ``absent`` what says that there is no such thing."""

    path: str = Field(pattern=r"^/")
    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    query: Mapping[str, str] = Field(default_factory=dict)
    body: Any = None
    absent: ListOf[int] = (404,)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        unknown = {name for text in _texts((self.path, self.query, self.body)) for name in _NAME.findall(text)} - KNOWN
        if unknown:
            raise ValueError(
                f"unknown names in braces: {', '.join(sorted(unknown))}; known: {', '.join(sorted(KNOWN))}"
            )
        return self


class Ids(Call):
    """A question that is answered by what things are called by, at ``items``, and by nothing else of them."""

    items: AnswerPath


class Listing(Call):
    """A question that is answered by a list, which stands at ``items`` (the answer itself is the list if not given).

    If it is ``single``, one thing stands there and no list of them; if ``optional``, there is no list of nothing. What
    is to be listed may be asked for first, by ``ids``, which are then ``{ids}`` with commas between.
    """

    ids: Ids | None = None
    items: AnswerPath | None = None
    single: bool = False
    optional: bool = False
    paging: Paging | None = None


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


class TokenHeader(Settings):
    """The header that shows a token, which is put in place of ``{secret}``."""

    header: str = "Authorization"
    value: str = "Bearer {secret}"


class ErrorAnswer(Settings):
    """Where an answer says that it is none, though its status says otherwise; and what its words for that mean."""

    at: AnswerPath
    words: Mapping[str, Literal["login_refused", "forbidden", "unavailable"]] = Field(default_factory=dict)


class RateLimit(Settings):
    """The headers that say how many questions are ``left``, and ``until`` when, in seconds since 1970."""

    left: str
    until: str


class Corner(Settings):
    """Where a system puts mails aside that are in none of its queues: what is otherwise there than in those.

    What is there may be gone at any time.
    """

    ticket: TicketFields | None = None
    changed: Changes
    one: OneTicket | None = None
    history: ListOf[History] | None = None
    message: ListOf[FirstMessage] | None = None


class Description(Settings):
    """A ticket system.

    ``overlap`` are the seconds by which each list begins before the last one ended: for clocks that differ, and for an
    index that is behind. ``resolution`` is what its times are cut off to. What is ``vanishing`` may be gone at any
    time. ``corners`` are watched like queues, by these names. Where no list of all ``queues`` can be had, each is taken
    to be there. Where no history tells of ``moves``, a report that is not seen as it was made may have come to where
    it is at any time since. ``close`` are the calls that close a ticket of ours with a ``{note}``, in their order, and
    ``closed`` the statuses of what needs none.
    """

    title: str
    api: str = ""
    token: TokenHeader = TokenHeader()
    login: Mapping[str, str] = Field(
        default_factory=dict, description="what each body has instead of a header, with {username} and {secret}"
    )
    error: ErrorAnswer | None = None
    limit: RateLimit | None = None
    resolution: Duration = 1.0
    overlap: Duration = 120.0
    escape: Mapping[str, str] = Field(default_factory=dict)
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
    try:
        text = TICKET_DESCRIPTION.read_path(path).decode()
        TICKET_DESCRIPTION.hold(number=text.count("[") + text.count("{"))  # each is compared with those around it
        loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader)):
            raise ValueError("has aliases (*name), want each thing written out")
        return Description.model_validate(yaml.load(text, loader))  # noqa: S506  # both are safe loaders
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:20])
        raise ValueError(f"{path}: {wrong}") from None
    except (OSError, BudgetError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {str(error)[:300] or type(error).__name__}") from None


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for below in (*value, *value.values()):
                yield from _texts(below)
        case list() | tuple():
            for below in value:
                yield from _texts(below)
