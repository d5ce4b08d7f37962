"""What is configured of a mail gateway: where it is, who asks it, and which of what it holds back is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from canary.model import Component, Place, Role
from canary.queues.tickets.access import AccessSettings
from canary.settings import Address, Duration, ListOf, Settings, Slug

if TYPE_CHECKING:
    from canary.queues.gateways.description import GatewayDescription


class WatchedQuarantine(Settings):
    """What is held back of one recipient, in one folder, as far as the gateway is asked by these; our name for it."""

    queue: Slug = Field(description="a name for it, the only one of its kind in the whole configuration")
    recipient: Address | None = Field(None, description="whose mail, where the gateway is asked by it")
    folder: str | None = Field(
        None, min_length=1, max_length=200, description="in which folder, where the gateway has some"
    )


class GatewaySettings(AccessSettings):
    """The quarantine of a mail gateway, asked over its API."""

    part: ClassVar[Component] = Component.PLATFORM

    kind: Literal["gateway_quarantine"]
    quarantines: Annotated[ListOf[WatchedQuarantine], Field(min_length=1)]
    poll: Duration = Field(60.0, description="it is asked this often")

    @model_validator(mode="after")
    def _is_described(self) -> Self:
        names = self.described.names & {"recipient", "folder"}
        for watched in self.quarantines:
            given = {name for name in ("recipient", "folder") if getattr(watched, name) is not None}
            if given != names:
                wanted = " and ".join(sorted(names, reverse=True)) or "neither recipient nor folder"
                raise ValueError(f"{self.described.title} is asked by {wanted}: want that of {watched.queue}")
        if not names and len(self.quarantines) > 1:
            raise ValueError(f"{self.described.title} has one quarantine, got {len(self.quarantines)}")
        return self

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        queues = [watched.queue for watched in self.quarantines]
        if len(set(queues)) < len(queues):
            yield f"two quarantines have the same queue: {', '.join(queues)}; wanted each once"

    @cached_property
    def described(self) -> GatewayDescription:
        """What the gateway is like. Raises ValueError if its description cannot be read."""
        from canary.queues.gateways.description import described_gateway, gateway_preset  # as for ticket systems

        return described_gateway(self.description) if self.description else gateway_preset(self.preset or "")

    @property
    def lag(self) -> float:
        """That of the gateway's list of what it holds back."""
        return self.described.lag

    def places(self) -> tuple[Place, ...]:
        """Every quarantine that is looked at."""
        return tuple(self.place(watched) for watched in self.quarantines)

    def place(self, watched: WatchedQuarantine) -> Place:
        """What is held back, as a place."""
        return Place(watched.queue, Role.QUARANTINE)

    def names(self) -> Mapping[str, str]:
        """By queue: the folder, and whose mail it is."""
        return {w.queue: ", ".join(filter(None, [w.folder, w.recipient])) or "*" for w in self.quarantines}
