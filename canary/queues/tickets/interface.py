"""How something is asked over HTTP in JSON, as data: questions, lists, pages, logins. Nothing here asks anybody.

Ticket systems are described by it, and the quarantines of mail gateways. What may stand in braces, and how a place in
an answer is named, is told in :mod:`canary.queues.tickets.description`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from canary.budgets import TICKET_DESCRIPTION, BudgetError
from canary.settings import Duration, ListOf, Settings

_NAME = re.compile(r"\{\+?([a-z]+)\}")
KNOWN = frozenset({
    "queue", "queueid", "ticket", "entry", "part", "mark", "found", "ids", "note",
    "since", "time", "epoch", "age", "minutes",
    "messageid", "recipient", "folder", "held", "plain", "until",
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
    for, by how many there are in all (``total``), or when it says so: at ``end`` what ``ends`` is. ``within: body``,
    ``parameter`` and ``size`` are paths in what is posted.
    """

    parameter: str = ""
    within: Literal["query", "body"] = "query"
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

    @property
    def names(self) -> frozenset[str]:
        """The names in braces by which it is asked."""
        return frozenset(name for text in _texts((self.path, self.query, self.body)) for name in _NAME.findall(text))

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        unknown = self.names - KNOWN
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

    def is_empty(self, answer: Any) -> bool:  # noqa: ARG002  # a kind of list may look into it
        """Whether an answer without a list says that there is nothing to be listed."""
        return self.single or self.optional


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


class DescribedApi(Settings):
    """What is asked over HTTP in JSON, whatever it is asked for.

    ``resolution`` is what its times are cut off to; ``escape`` has the characters that stand otherwise in a search.
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
    escape: Mapping[str, str] = Field(default_factory=dict)


D = TypeVar("D", bound=DescribedApi)


def read_description(path: Path, model: type[D]) -> D:
    """What ``model`` describes, as a file has it. Raises ValueError that lists what is wrong with it."""
    try:
        text = TICKET_DESCRIPTION.read_path(path).decode()
        TICKET_DESCRIPTION.hold(number=text.count("[") + text.count("{"))  # each is compared with those around it
        loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader)):
            raise ValueError("has aliases (*name), want each thing written out")
        return model.model_validate(yaml.load(text, loader))  # noqa: S506  # both are safe loaders
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
