"""Ways in: one file a kind of channel. A kind is a settings model and a class that meets :class:`Channel`.

Third parties add a kind through the entry point group ``canary.channels`` (a :class:`Kind`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from canary.model import Outgoing, Person, Report, Submission
from canary.settings import ChannelSettings, Server

if TYPE_CHECKING:
    from canary.channels.forms.browser import Browser


class Channel(Protocol):
    """One disclosed way to report, ready to be used again and again."""

    def prepare(self, report: Report) -> Outgoing:
        """What would be sent, byte by byte. Pure; sends nothing, opens nothing."""
        ...

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Send it, at most once, taking at most ``within`` seconds (temporary refusals are retried until then).

        Never raises for what the other side does, nor for a fault of ours: both are told in the Submission. May raise
        asyncio.CancelledError, after which it is not known whether the report was sent.
        """
        ...

    async def check(self) -> str:
        """Connect and look, as deeply as is possible without sending anything; returns what was found in a line.

        Raises :class:`canary.model.OwnFault` for a fault of ours, :class:`UnusableError` for one of the CA's.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. May be called more than once."""
        ...


class UnusableError(Exception):
    """A channel that cannot take a report as it is: the CA's fault, told in a sentence."""


@dataclass(frozen=True)
class Sender:
    """A persona, as a channel needs it."""

    slug: str
    person: Person
    submission: Server
    envelope: str
    """The envelope sender, with ``{mark}`` where the mark goes (VERP)."""


@dataclass(frozen=True)
class Kind:
    """A kind of channel: its settings, and how to open one for a sender. All web forms share the one warm browser."""

    settings: type[ChannelSettings]
    open: Callable[[Any, Sender, Browser], Channel]


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of channel by name: ours, and those of the entry point group."""
    from canary.channels.email.channel import ContactSettings, EmailChannel, EmailSettings
    from canary.channels.forms.http import HttpFormChannel, HttpFormSettings
    from canary.channels.forms.web import WebFormChannel, WebFormSettings

    own = {
        "email": Kind(EmailSettings, lambda settings, sender, _: EmailChannel(settings, sender)),
        "contact": Kind(ContactSettings, lambda settings, sender, _: EmailChannel(settings, sender)),
        "web_form": Kind(WebFormSettings, WebFormChannel),
        "http_form": Kind(HttpFormSettings, lambda settings, sender, _: HttpFormChannel(settings, sender)),
    }
    return own | {point.name: point.load() for point in entry_points(group="canary.channels")}
