"""The settings of both kinds of form, and of the browser that fills in the one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from canary.channels.forms.home import Address, Home, Place, host_and_port
from canary.channels.forms.opt_in_settings import OptInSettings, WebOptInSettings
from canary.channels.forms.steps import Confirm, Files, Step, Template, WebAddress, require_sense
from canary.settings import ChannelSettings, Duration, FilePath, ListOf, Secret, Settings, format_duration

_RECORDS_WITHIN = 30.0
"""Seconds for the screenshot and the trace, in the end."""


class BrowserSettings(Settings):
    """Which browser fills in the forms, and whether in its sandbox."""

    executable: FilePath | None = Field(None, description="Chromium, Chrome or Edge; found by itself if not given")
    sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="auto: on, unless we run as root or the system does not let it start"
    )


class BypassSettings(Settings):
    """What was agreed with who runs the form, so that its CAPTCHA lets the canary by."""

    key: Secret = Field(description="the key that both sides have: 32 characters or more, made at random")
    valid_for: Annotated[Duration, Field(le=300)] = Field(60.0, description="how long a signed request may be used")


class FormVersion(Settings):
    """A form in a further language: what is another than in the first one."""

    url: WebAddress
    confirm: Confirm
    opt_in: OptInSettings | None = None


class WebFormVersion(FormVersion):
    """A ``web_form`` in a further language."""

    opt_in: WebOptInSettings | None = None
    steps: Annotated[ListOf[Step], Field(min_length=1)]


class HttpFormVersion(FormVersion):
    """An ``http_form`` in a further language; its fields are those of the first one, unless it says others."""

    fields: Annotated[dict[str, Template], Field(min_length=1)] | None = None


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})?$")]
"""A language by its tag (BCP 47), in lower case."""


class FormSettings(ChannelSettings):
    """What both kinds of form have: where it is, and what it says when it took the report."""

    url: WebAddress
    confirm: Confirm
    languages: Mapping[Language, FormVersion] = Field(default_factory=dict)
    posts_to: ListOf[Place] = Field(
        (), description="further HOST or HOST:PORT, besides the url's, on which the form may be or to which it may go"
    )
    opt_in: OptInSettings | None = Field(
        None, description="for a form that takes a report once the link in a mail to its sender was followed"
    )
    loads_within: Duration = Field(30.0, description="how long the page may take to load")
    bypass: BypassSettings | None = Field(
        None, description="a signed header that lets the canary by the form's CAPTCHA; docs/forms.md"
    )
    ca_file: FilePath | None = Field(
        None,
        description="PEM file of the CAs to trust instead of the system's; "
        "the page of a web_form then reaches the url's host and posts_to alone",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        self._require_sense()
        if self.opt_in is not None and self.opt_in.longest() >= self.deadline:
            took, deadline = format_duration(self.opt_in.longest()), format_duration(self.deadline)
            raise ValueError(f"opt_in may take {took} and the deadline is {deadline}, want a later one")
        for language, version in self.versions().items():
            try:
                version._require_sense()
            except ValueError as error:
                raise ValueError(f"languages.{language}: {error}") from error
        return self

    def _require_sense(self) -> None:
        """Raise ValueError for what can be no form; each kind knows by itself."""

    def targets(self) -> tuple[str, ...]:
        """The hosts that the report goes to, in whatever language."""
        urls = (self.url, *(version.url for version in self.languages.values()))
        hosts = dict.fromkeys(urlsplit(url).hostname or "" for url in urls)
        places = (*self.posts_to, *(self.opt_in.hosts if self.opt_in else ()))
        return (*hosts, *(host_and_port(place)[0] for place in places))

    def reads_replies(self) -> str:
        """A form that sends a link by mail is taken by who reads it."""
        return "opt_in" if self.opt_in is not None else ""

    def versions(self) -> dict[str, Self]:
        """The form in each language, without the others: a page, a confirmation, and steps or fields of its own."""
        if not self.languages:
            return {}
        first = self.model_copy(update={"languages": {}})
        return {"": first} | {
            language: first.model_copy(update={name: value for name, value in version if value is not None})
            for language, version in self.languages.items()
        }

    def target(self) -> Mapping[str, Any]:
        """The form's address, and where else it may be or go to."""
        bypass = {} if self.bypass is None else {"bypass": "signed header"}
        opt_in = {} if self.opt_in is None else {"opt_in": {"link": self.opt_in.link, "hosts": list(self.opt_in.hosts)}}
        return {"url": self.url, "posts_to": list(self.posts_to), **bypass, **opt_in}

    def home(self) -> Home:
        """The addresses that the report may go to."""
        return Home(self.url, self.posts_to)

    def following(self, link: str) -> Self:
        """The page of a link in a mail, as a form with its own words and its own addresses. Needs ``opt_in``."""
        assert self.opt_in is not None, "asked for where there is one"
        own = Address.of(self.url)
        places = (*self.posts_to, *self.opt_in.hosts, *([own.place] if own else ()))
        return self.model_copy(update={"url": link, "posts_to": places, "confirm": self.opt_in.confirm})


class WebFormSettings(FormSettings):
    """A form that wants a browser: what to do on it, step by step."""

    kind: Literal["web_form"] = "web_form"
    opt_in: WebOptInSettings | None = Field(
        None, description="for a form that takes a report once the link in a mail to its sender was followed"
    )
    steps: Annotated[ListOf[Step], Field(min_length=1)]
    languages: dict[Language, WebFormVersion] = Field(
        default_factory=dict, description="the same form in further languages; each is probed as CHANNEL-LANGUAGE"
    )
    patience: Duration = Field(10.0, description="how long a field may take to appear")
    screenshots: Literal["failure", "always"] = Field("failure", description="when screenshot and trace are kept")

    def _require_sense(self) -> None:
        require_sense(
            [step.fill.with_ for step in self.steps if step.fill and not step.optional], self.serial or self.certificate
        )
        if not any(step.click and not step.optional for step in self.steps):
            raise ValueError("no step clicks: wanted a click on the button that submits the form")

    def following(self, link: str) -> Self:
        """The same, with at most one step: the button that the page asks for."""
        button = self.opt_in.button if self.opt_in else None
        return super().following(link).model_copy(update={"steps": (Step(click=button),) if button else ()})

    def longest(self) -> float:
        """How many seconds a visit takes at most, if each thing that it waits for comes at the last moment."""
        paused = sum(step.pause or 0.0 for step in self.steps)
        steps = self.patience * (len(self.steps) + 1)
        return self.loads_within + paused + steps + self.confirm.within + _RECORDS_WITHIN

    @property
    def submitting(self) -> int:
        """The index of the step that submits: the last click that is not optional."""
        return max(index for index, step in enumerate(self.steps) if step.click and not step.optional)


class HttpFormSettings(FormSettings):
    """A form without JavaScript: what goes into which field (by its name)."""

    kind: Literal["http_form"] = "http_form"
    fields: Annotated[dict[str, Template], Field(min_length=1)]
    languages: dict[Language, HttpFormVersion] = Field(
        default_factory=dict, description="the same form in further languages; each is probed as CHANNEL-LANGUAGE"
    )
    files: dict[str, Files] = Field(default_factory=dict)
    form: str | Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="which form of the page: its id, or counted from 0; the one with the fields if not given",
    )
    button: str | None = Field(
        None, description="which of several buttons sends the form: its name, what it says, or NAME=VALUE"
    )

    def _require_sense(self) -> None:
        require_sense(self.fields.values(), self.serial or self.certificate)
