"""What is configured of Microsoft 365: as which application it is asked, and whose mail is looked after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from canary.model import Place, Role
from canary.queues import QueueRole
from canary.queues.rest.settings import URL, RestSettings
from canary.settings import (
    LONGEST_SLUG,
    Address,
    Duration,
    ListOf,
    MicrosoftAuth,
    Settings,
    Slug,
)
from canary.settings.auth import Scope

GRAPH = "https://graph.microsoft.com"
_LONGEST_QUEUE = LONGEST_SLUG - len("-quarantine")


class GraphAuth(MicrosoftAuth):
    """An application registered with Microsoft Entra ID, for Microsoft Graph by its own rights."""

    scope: Scope = Field(f"{GRAPH}/.default", description="what the tokens are for; another one in national clouds")


class GraphSettings(RestSettings):
    """What is asked of Microsoft Graph, and as which application; a kind adds what it looks into."""

    auth: GraphAuth
    url: str = Field(
        f"{GRAPH}/v1.0",
        pattern=URL,
        description="another one in national clouds, with the version of the API",
    )

    def system(self) -> Mapping[str, str]:
        """The server, and which tenant it is asked about by which application."""
        return {"server": urlsplit(self.url).netloc, "tenant": self.auth.tenant, "account": self.auth.client_id}


WELL_KNOWN = (
    "inbox",
    "junkemail",
    "deleteditems",
    "archive",
    "clutter",
    "msgfolderroot",
    "recoverableitemsdeletions",
)
"""Folders by the names that Microsoft Graph knows them by in every language."""


class GraphFolder(Settings):
    """A folder of a mailbox, a name of ours for it, and what it is for."""

    folder: str = Field(
        pattern=rf"^({'|'.join(WELL_KNOWN)})(/[^/]+)*$",
        max_length=500,
        description=f"one of {', '.join(WELL_KNOWN)}; after a slash one below it, by its own name",
    )
    queue: Slug = Field(description="a name for it, the only one of its kind in the whole configuration")
    role: QueueRole


class GraphMailboxSettings(GraphSettings):
    """A mailbox of Exchange Online, read over Microsoft Graph."""

    kind: Literal["microsoft_mailbox"]
    mailbox: Address = Field(description="whose it is: its address, or that of a shared mailbox")
    folders: Annotated[ListOf[GraphFolder], Field(min_length=1)]
    poll: Duration = Field(20.0, description="every folder is asked after this often")

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        for what in ("folder", "queue"):
            values = [getattr(folder, what) for folder in self.folders]
            if len(set(values)) < len(values):
                yield f"two folders have the same {what}: {', '.join(values)}; wanted each once"

    def places(self) -> tuple[Place, ...]:
        """Every folder that is configured, each a place of its own."""
        return tuple(self.place(folder) for folder in self.folders)

    def place(self, folder: GraphFolder) -> Place:
        """A folder as a place."""
        return Place(folder.queue, Role(folder.role))

    def system(self) -> Mapping[str, str]:
        """The server, the mailbox, and which tenant it is of."""
        return {"server": urlsplit(self.url).netloc, "tenant": self.auth.tenant, "account": self.mailbox}

    def names(self) -> Mapping[str, str]:
        """What each folder is called in the mailbox."""
        return {folder.queue: folder.folder for folder in self.folders}


class TracedRecipient(Settings):
    """A recipient whose mail is traced: an alias, a member of one, or anybody else who gets reports."""

    address: Address = Field(description="as Exchange Online has it: the primary address of the mailbox or group")
    queue: Slug = Field(
        description="a name for what is delivered to it; what is held back is told as NAME-quarantine and NAME-junk"
    )
    role: Literal["monitored", "transit", "other"] = Field(
        "monitored",
        description="monitored is who works on reports; transit is a mailbox that a ticket system takes them from; "
        "with others a report is in a wrong place",
    )

    @property
    def places(self) -> Mapping[Role, Place]:
        """Where a message to it may be, by what such a place is for; the first is where it was delivered."""
        right = Role(self.role)
        names = {right: self.queue, Role.JUNK: f"{self.queue}-junk", Role.QUARANTINE: f"{self.queue}-quarantine"}
        return {role: Place(name, role, delivery=True) for role, name in names.items()}

    @property
    def delivered(self) -> Place:
        """Where what was delivered is, and what shows that it was not."""
        return self.places[Role(self.role)]


class TraceSettings(GraphSettings):
    """The message trace of Exchange Online: what became of a report, for each recipient, by its Message-ID."""

    kind: Literal["microsoft_trace"]
    recipients: Annotated[ListOf[TracedRecipient], Field(min_length=1)]
    delay: Duration = Field(
        600.0,
        description="so far the trace may lag behind: for this long after a deadline nothing is said to be missing",
    )
    poll: Duration = Field(60.0, description="it is asked this often; Microsoft answers 100 questions in 5 minutes")

    @property
    def lag(self) -> float:
        """As long as is configured for it."""
        return self.delay

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        long = [one.queue for one in self.recipients if len(one.queue) > _LONGEST_QUEUE]
        if long:
            yield f"{', '.join(long)}: want at most {_LONGEST_QUEUE} characters, for the names of junk and quarantine"
        addresses = [recipient.address.casefold() for recipient in self.recipients]
        queues = [place.queue for place in self.places()]
        for what, values in (("address", addresses), ("queue", queues)):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                yield f"two recipients have the same {what}: {', '.join(twice)}; wanted each once"

    def places(self) -> tuple[Place, ...]:
        """Of each recipient: where what was delivered is, the junk, the quarantine."""
        return tuple(place for recipient in self.recipients for place in recipient.places.values())

    def names(self) -> Mapping[str, str]:
        """By queue: whose it is."""
        return {place.queue: one.address for one in self.recipients for place in one.places.values()}
