"""The settings of what needs no steps: the browser, and a form without JavaScript."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from canary.channels.forms.steps import Confirm, Template, WebAddress, require_sense
from canary.settings import ChannelSettings, Duration, FilePath, ListOf, Settings


class BrowserSettings(Settings):
    """Which browser fills in the forms, and whether in its sandbox."""

    executable: FilePath | None = Field(None, description="Chromium, Chrome or Edge; found by itself if not given")
    sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="auto: on, unless we run as root or the system does not let it start"
    )


class HttpFormSettings(ChannelSettings):
    """A form without JavaScript: where it is, what goes into which field (by its name), what confirms success."""

    kind: Literal["http_form"] = "http_form"
    url: WebAddress
    fields: Annotated[dict[str, Template], Field(min_length=1)]
    files: dict[str, Literal["attachments", "first_attachment"]] = Field(default_factory=dict)
    confirm: Confirm
    form: str | Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="which form of the page: its id, or counted from 0; the one with the fields if not given",
    )
    posts_to: ListOf[str] = Field(
        (), description="further hosts, besides the url's, on which the form may be or to which it may go"
    )
    loads_within: Duration = Field(30.0, description="how long the page may take to load")
    ca_file: FilePath | None = Field(None, description="PEM file of the CAs to trust instead of the system's")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        require_sense(self.fields.values(), self.serial)
        return self

    def targets(self) -> tuple[str, ...]:
        """The hosts that the report goes to."""
        return (urlsplit(self.url).hostname or "", *self.posts_to)
