"""What is configured of Google Workspace: in whose name it is asked, and what is looked into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field

from canary.model import Place, Role
from canary.queues import QueueRole
from canary.queues.rest.settings import RestSettings
from canary.settings import Address, Duration, GenericAuth, GoogleAuth, ListOf, Settings, Slug
from canary.settings.auth import Scope

_ORIGIN = r"^https?://[^/?#\s@]+$"


class GmailAuth(GoogleAuth):
    """A service account of Google's with domain-wide delegation, for reading mailboxes alone."""

    scope: Scope = Field("https://www.googleapis.com/auth/gmail.readonly", description="what the tokens are for")


class GmailLabel(Settings):
    """A label of a mailbox, a name of ours for it, and what it is for."""

    label: str = Field(
        min_length=1, max_length=225, description="INBOX, SPAM, TRASH, or the name of another one as Gmail shows it"
    )
    queue: Slug = Field(description="a name for it, the only one of its kind in the whole configuration")
    role: QueueRole


class GoogleSettings(RestSettings):
    """What is asked of one of Google's APIs; a kind adds in whose name, and what it looks into."""

    @property
    def base(self) -> str:
        """What the addresses of all questions begin with."""
        raise NotImplementedError(f"{type(self).__name__} does not say where it is asked")


class GmailSettings(GoogleSettings):
    """A mailbox of Google Workspace, read over the Gmail API."""

    kind: Literal["gmail"]
    mailbox: Address = Field(description="whose it is")
    auth: Annotated[GmailAuth | GenericAuth, Field(discriminator="kind")] = Field(
        description="in the name of its owner: a service account with delegation, or a refresh token"
    )
    labels: Annotated[ListOf[GmailLabel], Field(min_length=1)]
    url: str = Field("https://gmail.googleapis.com", pattern=_ORIGIN)
    poll: Duration = Field(20.0, description="it is asked this often")

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        for what in ("label", "queue"):
            values = [getattr(label, what) for label in self.labels]
            if len(set(values)) < len(values):
                yield f"two labels have the same {what}: {', '.join(values)}; wanted each once"

    @property
    def base(self) -> str:
        """What the addresses of all questions about the mailbox begin with."""
        return f"{self.url}/gmail/v1/users/{quote(self.mailbox, safe='@')}"

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


class QuarantineAuth(GoogleAuth):
    """A service account of Google's with domain-wide delegation, for reading quarantines in an administrator's name."""

    subject: Address = Field(description="in whose name: an administrator who may see quarantines")
    scope: Scope = Field(
        "https://www.googleapis.com/auth/gmail.admin.quarantine.readonly", description="what the tokens are for"
    )


class MailOwner(Settings):
    """Somebody whose mail is held back, and a name of ours for what is."""

    address: Address = Field(description="the primary address of the mailbox")
    queue: Slug = Field(description="a name for what is held back of theirs")


class QuarantineSettings(GoogleSettings):
    """The administrators' quarantines of Google Workspace: what is held back, by the Message-ID of a report."""

    kind: Literal["google_quarantine"]
    customer: str = Field(pattern=r"^[A-Za-z0-9_]{1,40}$", description="the customer ID of the organisation, C0...")
    auth: QuarantineAuth
    queue: Slug = Field(description="a name for what is held back of anybody who is not listed")
    owners: ListOf[MailOwner] = Field((), description="those whose mail is told by name")
    url: str = Field("https://mailadminquarantine.googleapis.com", pattern=_ORIGIN)
    delay: Duration = Field(600.0, description="so far the search in quarantines may lag behind")
    poll: Duration = Field(60.0, description="it is asked this often")

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        queues = [self.queue, *(owner.queue for owner in self.owners)]
        addresses = [owner.address.casefold() for owner in self.owners]
        for what, values in (("address", addresses), ("queue", queues)):
            if len(set(values)) < len(values):
                yield f"two owners have the same {what}: {', '.join(values)}; wanted each once"

    @property
    def lag(self) -> float:
        """As long as is configured for it."""
        return self.delay

    @property
    def base(self) -> str:
        """What the addresses of all questions about the organisation begin with."""
        return f"{self.url}/v1/customers/{self.customer}"

    def places(self) -> tuple[Place, ...]:
        """What is held back of each owner, and of all others."""
        return tuple(map(_held, [self.queue, *(owner.queue for owner in self.owners)]))

    def place_of(self, address: str) -> Place:
        """Where what is held back of somebody is told."""
        queues = {owner.address.casefold(): owner.queue for owner in self.owners}
        return _held(queues.get(address.casefold(), self.queue))

    def system(self) -> Mapping[str, str]:
        """The server, whose quarantines, and in whose name they are read."""
        return {"server": urlsplit(self.url).netloc, "customer": self.customer, "account": self.auth.subject}

    def names(self) -> Mapping[str, str]:
        """By queue: whose mail it is."""
        return {self.queue: "*"} | {owner.queue: owner.address for owner in self.owners}


def _held(queue: str) -> Place:
    return Place(queue, Role.QUARANTINE)
