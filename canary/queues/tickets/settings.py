"""What is configured of a ticket system: where it is, who asks it, and which of its queues are watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from canary.model import Component, Place, Role
from canary.queues import QueueRole
from canary.queues.tickets.access import AccessSettings
from canary.queues.tickets.pushed import why_not_own
from canary.settings import Duration, ListOf, Secret, Settings, Slug

if TYPE_CHECKING:
    from canary.queues.tickets.description import Description


class TicketQueue(Settings):
    """A queue by its name in the ticket system, a name of ours for it, and what it is for."""

    name: str = Field(min_length=1, max_length=200, description="the queue's name in the ticket system")
    queue: Slug = Field(description="a name for it, the only one of its kind in the whole configuration")
    role: QueueRole


class TicketSettings(AccessSettings):
    """A ticket system, asked over HTTP however many channels lead into it."""

    part: ClassVar[Component] = Component.TICKETS

    kind: Literal["tickets"]
    queues: Annotated[ListOf[TicketQueue], Field(min_length=1)]
    elsewhere: Slug | None = Field(
        None, description="a name for all other queues that the account may see together: each is a wrong place"
    )
    machines: ListOf[str] = Field((), description="accounts of the system that are no people, besides its own")
    ends: ListOf[str] = Field((), description="statuses that are the end of a ticket, besides the system's own")
    close: bool = Field(
        False, description="close our own tickets, with a note, once their probes are judged; takes further rights"
    )
    webhook: Secret | None = Field(
        None,
        description="the secret by which what the system pushes to /hooks/NAME is known: then it is looked at once",
    )
    poll: Duration = Field(20.0, description="every queue is asked after this often")

    @model_validator(mode="after")
    def _is_described(self) -> Self:
        described = self.described  # whether it can be read is to be known now
        if self.close and not described.close:
            raise ValueError(f"{described.title} is not described to close tickets, want close: false")
        if self.webhook and described.webhook is None:
            raise ValueError(f"{described.title} is not described to push anything, want no webhook")
        return self

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        further = [self.elsewhere] if self.elsewhere else []
        for what, more in (("name", []), ("queue", further)):
            values = [*(getattr(queue, what) for queue in self.queues), *more]
            if len(set(values)) < len(values):
                yield f"two queues have the same {what}: {', '.join(values)}; wanted each once"

    @cached_property
    def described(self) -> Description:
        """What the system is like. Raises ValueError if its description cannot be read."""
        from canary.queues.tickets.description import described, preset  # a large model, which others have no use for

        return described(self.description) if self.description is not None else preset(self.preset or "")

    @property
    def takes_hints(self) -> bool:
        """Whether there is a secret by which to know them."""
        return self.webhook is not None

    def why_no_hint(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """Whether it is the ticket system's own, and of now."""
        if self.webhook is None or self.described.webhook is None:
            return super().why_no_hint(headers, body, now)
        return why_not_own(self.described.webhook, self.webhook.reveal(), headers, body, now)

    @property
    def lag(self) -> float:
        """That of the system's list of what changed."""
        return self.described.changed.lag

    def places(self) -> tuple[Place, ...]:
        """Every queue; what is done with a ticket can be seen there."""
        listed = tuple(self.place(queue) for queue in self.queues)
        return (*listed, self.other) if self.other else listed

    @property
    def other(self) -> Place | None:
        """Every queue that is not listed, as a place, if anything is to be told of those."""
        if self.elsewhere is None:
            return None
        return self._place(self.elsewhere, Role.OTHER)

    def place(self, queue: TicketQueue) -> Place:
        """A queue as a place, with what can be seen there."""
        return self._place(queue.queue, Role(queue.role))

    def _place(self, queue: str, role: Role) -> Place:
        described = self.described
        return Place(queue, role, message_id=described.message_id, whole=described.whole, work=True)

    def names(self) -> Mapping[str, str]:
        """Each queue's name in the ticket system."""
        other = {self.elsewhere: "*"} if self.elsewhere else {}
        return {queue.queue: queue.name for queue in self.queues} | other
