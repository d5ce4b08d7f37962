"""Two kinds of channel as somebody else's package brings them: a box for letters, and a clerk who takes any."""

from __future__ import annotations

from typing import Literal

from canary.channels import Carries, Kind, Resources, Sender
from canary.model import Outgoing, Report, Submission
from canary.settings import ChannelSettings


class DropBoxSettings(ChannelSettings):
    """Where the box stands."""

    kind: Literal["drop_box"]
    host: str

    def targets(self) -> tuple[str, ...]:
        """The box."""
        return (self.host,)


class ClerkSettings(DropBoxSettings):
    """Where the clerk sits."""

    kind: Literal["clerk"]  # type: ignore[assignment]  # another kind of the same settings


class DropBox:
    """Meets :class:`canary.channels.Channel`."""

    def __init__(self, settings: DropBoxSettings, sender: Sender, resources: Resources) -> None:
        self._settings, self._sender, self._clock = settings, sender, resources.clock

    def prepare(self, report: Report) -> Outgoing:
        """The text alone."""
        return Outgoing(report, report.text.encode())

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """The box takes everything."""
        return Submission(self._clock.now(), accepted=True, seconds=0.0)

    async def check(self) -> str:
        """The box is always there."""
        return f"{self._settings.host} takes letters of {self._sender.slug}"

    async def close(self) -> None:
        """Nothing is kept open."""


DROP_BOX = Kind(DropBoxSettings, DropBox)
CLERK = Kind(ClerkSettings, DropBox, Carries.EVERY, person=True, shares_submission=True)
