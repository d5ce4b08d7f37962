"""What is configured of Google Workspace: in whose name it is asked, and what is looked into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from canary.model import Place, Role
from canary.queues import WatchSettings
from canary.settings import Address, Duration, FilePath, GenericAuth, GoogleAuth, ListOf, Settings, Slug, is_loopback
from canary.settings.auth import Scope


class GmailAuth(GoogleAuth):
    """A service account of Google's with domain-wide delegation, for reading mailboxes alone."""

    scope: Scope = Field("https://www.googleapis.com/auth/gmail.readonly", description="what the tokens are for")


class GmailLabel(Settings):
    """A label of a mailbox, a name of ours for it, and what it is for."""

    label: str = Field(
        min_length=1, max_length=225, description="INBOX, SPAM, TRASH, or the name of another one as Gmail shows it"
    )
    queue: Slug = Field(description="a name for it, the only one of its kind in the whole configuration")
    role: Literal["monitored", "other", "junk", "quarantine"] = Field(
        description="monitored is where reports are worked on; every other one is a wrong place"
    )


class GmailSettings(WatchSettings):
    """A mailbox of Google Workspace, read over the Gmail API."""

    kind: Literal["gmail"]
    mailbox: Address = Field(description="whose it is")
    auth: Annotated[GmailAuth | GenericAuth, Field(discriminator="kind")] = Field(
        description="in the name of its owner: a service account with delegation, or a refresh token"
    )
    labels: Annotated[ListOf[GmailLabel], Field(min_length=1)]
    url: str = Field("https://gmail.googleapis.com", pattern=r"^https?://[^/?#\s@]+$")
    ca_file: FilePath | None = Field(None, description="PEM file of the CAs to trust instead of the system's")
    poll: Duration = Field(20.0, description="it is asked this often")
    timeout: Duration = Field(30.0, description="within this long each answer must be whole")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield f"http:// is only for loopback addresses, got host {parts.hostname}, want https://"
        for what in ("label", "queue"):
            values = [getattr(label, what) for label in self.labels]
            if len(set(values)) < len(values):
                yield f"two labels have the same {what}: {', '.join(values)}; wanted each once"

    def places(self) -> tuple[Place, ...]:
        """Every label that is configured, each a place of its own."""
        return tuple(self.place(label) for label in self.labels)

    def place(self, label: GmailLabel) -> Place:
        """What has a label, as a place."""
        return Place(label.queue, Role(label.role))

    def system(self) -> Mapping[str, str]:
        """The server, and the mailbox."""
        return {"server": urlsplit(self.url).netloc, "account": self.mailbox}

    def names(self) -> Mapping[str, str]:
        """What each label is called in the mailbox."""
        return {label.queue: label.label for label in self.labels}
