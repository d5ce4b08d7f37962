"""What is configured of whatever is described as data: which description it is, where it is, and who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from canary.model import Component
from canary.queues.rest.settings import RestSettings
from canary.settings import Auth, FilePath, Secret

if TYPE_CHECKING:
    from canary.queues.tickets.interface import DescribedApi


class AccessSettings(RestSettings):
    """One system that is described; a kind adds what it looks into, and for which ``part`` of ours that is."""

    part: ClassVar[Component]

    preset: str | None = Field(None, description="the system, one that is described in this package")
    description: FilePath | None = Field(None, description="or the file that describes another system")
    username: str | None = Field(None, description="with password: the account, by HTTP Basic")
    password: Secret | None = None
    token: Secret | None = Field(None, description="instead of username and password")
    auth: Auth | None = Field(None, description="or by access tokens (OAuth 2.0) that are asked for")

    def _mistakes(self) -> Iterator[str]:
        yield from super()._mistakes()
        if (self.preset is None) == (self.description is None):
            yield "got both or none of preset and description, want one of them"
        ways = [self.password, self.token, self.auth]
        if (self.username is None) != (self.password is None) or sum(way is not None for way in ways) != 1:
            yield "want either username and password, or a token, or auth"

    @property
    def described(self) -> DescribedApi:
        """What the system is like. Raises ValueError if its description cannot be read."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it is like")

    def system(self) -> Mapping[str, str]:
        """The server, and the account that asks it."""
        return {"server": urlsplit(self.url).netloc, "account": self.username or getattr(self.auth, "client_id", "")}
