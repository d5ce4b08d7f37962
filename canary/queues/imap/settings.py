"""What is configured of an IMAP mailbox: a CA's, whose folders are queues with a role each, or that of a sender."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from canary.model import Place, Role
from canary.queues import QueueRole, RepliesSettings, WatchSettings
from canary.settings import LONGEST_SLUG, Duration, ListOf, Server, Settings, Slug


class Folder(Settings):
    """A folder by its name on the server, the queue that it is, and what it is for."""

    name: str = Field(min_length=1, description="the folder's name on the server, such as INBOX or CPR/Incoming")
    queue: Slug = Field(description="a name for it, the only one of its kind in the whole configuration")
    role: QueueRole
    notifications: bool = Field(
        False, description="what comes here are not the reports, but a ticket system's mails about them"
    )

    @property
    def place(self) -> Place:
        """The queue with its role; a notification has a Message-ID of its own, and may quote a part."""
        return Place(self.queue, Role(self.role), message_id=not self.notifications, whole=not self.notifications)


class ImapSettings(WatchSettings):
    """A mailbox, read over one connection however many channels lead into it."""

    kind: Literal["imap"]
    server: Server
    folders: Annotated[ListOf[Folder], Field(min_length=1)]
    find_junk: bool = Field(
        True, description="also watch the folder that the server calls \\Junk, unless one with the role junk is listed"
    )
    junk_queue: Slug | None = Field(
        None, description="the name of that queue; the first folder's queue with -junk at its end if not given"
    )
    clean_up: Literal["keep", "delete", "move"] = Field(
        "keep", description="what becomes of our own messages once their probes are judged"
    )
    clean_up_to: str | None = Field(None, description="the folder to move them to")
    poll: Duration = Field(20.0, description="every folder is read to its end this often, whatever IDLE says")
    poll_others: Duration = Field(5.0, description="how often folders that IDLE does not cover are asked after")
    idle: bool = Field(True, description="wait with IDLE in the first monitored folder, if the server has it")
    count: bool = Field(True, description="count read and unread messages, everybody's, and the age of the oldest")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _mistakes(self) -> Iterator[str]:
        names = [folder.name.upper() if folder.name.upper() == "INBOX" else folder.name for folder in self.folders]
        queues = [place.queue for place in self.places()]
        if len(set(names)) < len(names):
            yield f"a folder is listed twice: {', '.join(names)}; wanted each once"
        if len(set(queues)) < len(queues):
            yield f"two folders have the same queue: {', '.join(queues)}; wanted a name of its own for each"
        if self.server.username is None:
            yield "the server has no username and password; wanted those of the mailbox"
        if (self.clean_up == "move") != (self.clean_up_to is not None):
            yield f"clean_up is {self.clean_up} and clean_up_to is {self.clean_up_to}; wanted a folder exactly for move"
        if self.clean_up != "keep" and any(folder.notifications for folder in self.folders):
            yield f"clean_up is {self.clean_up} and a folder has notifications, which are not ours; wanted keep"
        if self.clean_up_to in names:
            yield f"clean_up_to is {self.clean_up_to}, which is watched; wanted a folder that is not"

    def places(self) -> tuple[Place, ...]:
        """Every queue of the mailbox, the junk folder's too if it is to be found."""
        listed = tuple(folder.place for folder in self.folders)
        junk = self.junk()
        return (*listed, junk) if junk else listed

    def system(self) -> Mapping[str, str]:
        """The server, and the account whose mailbox it is."""
        return {"server": f"{self.server.host}:{self.server.port}", "account": self.server.username or ""}

    def names(self) -> Mapping[str, str]:
        """Each queue's folder; ``\\Junk`` for the one that the server calls so."""
        junk = self.junk()
        found = {junk.queue: "\\Junk"} if junk else {}
        return {folder.queue: folder.name for folder in self.folders} | found

    def junk(self) -> Place | None:
        """The queue of the junk folder that is to be found, if any."""
        if not self.find_junk or any(folder.role == "junk" for folder in self.folders):
            return None
        first = self.folders[0].queue[: LONGEST_SLUG - len("-junk")]
        return Place(self.junk_queue or f"{first}-junk", Role.JUNK)


class ImapRepliesSettings(RepliesSettings):
    """The mailbox of a sender."""

    kind: Literal["imap"]
    server: Server
    folders: Annotated[ListOf[str], Field(min_length=1)] = Field(
        ("INBOX",), description="the folders in which replies arrive; a junk folder too, if answers are filed there"
    )
    poll: Duration = Field(20.0, description="every folder is read to its end this often, whatever IDLE says")
    poll_others: Duration = Field(5.0, description="how often folders after the first are asked after")
    idle: bool = Field(True, description="wait with IDLE in the first folder, if the server has it")

    @model_validator(mode="after")
    def _has_account(self) -> Self:
        if self.server.username is None:
            raise ValueError("the server has no username and password; wanted those of the sender's mailbox")
        if len(set(self.folders)) < len(self.folders):
            raise ValueError(f"a folder is listed twice: {', '.join(self.folders)}; wanted each once")
        return self
