"""The settings of both kinds of email channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from canary.settings import Address, ChannelSettings


class AddressSettings(ChannelSettings):
    """What both kinds of email channel have."""

    to: Address = Field(description="the one address that is written to")
    request_dsn: bool = Field(False, description="ask for delivery status notifications, where the server offers them")

    def targets(self) -> tuple[str, ...]:
        """The recipient's domain, in lower case."""
        return (self.to.rpartition("@")[2].lower(),)

    def addresses(self) -> Mapping[str, str]:
        """The recipient, by the key of its setting."""
        return {"to": self.to}


class EmailSettings(AddressSettings):
    """An email alias: one address, behind which several people may stand."""

    kind: Literal["email"]


class ContactSettings(AddressSettings):
    """One individual contact; probed like an alias, counted apart."""

    kind: Literal["contact"]
