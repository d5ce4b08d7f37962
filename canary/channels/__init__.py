"""Ways in: one package a kind of channel. A kind is a settings model and a class that meets :class:`Channel`.

What others must know of a kind stands on its :class:`Kind`: no module outside of this package asks for one by its name.
Third parties add a kind through the entry point group ``canary.channels`` (a :class:`Kind` under the kind's name).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, Literal, Protocol

from canary.clock import Clock
from canary.model import CanaryError, Outgoing, Person, Report, Submission
from canary.plugins import Kinds, with_plugins
from canary.settings import ChannelSettings, DkimSettings, MxSettings, Server

if TYPE_CHECKING:
    from canary.channels.email.settings import AddressSettings
    from canary.channels.forms.browser import Browser
    from canary.channels.forms.settings import HttpFormSettings, WebFormSettings


class Channel(Protocol):
    """One disclosed way to report, ready to be used again and again."""

    def prepare(self, report: Report) -> Outgoing:
        """What would be sent, byte by byte. Pure; sends nothing, opens nothing."""
        ...

    async def submit(self, outgoing: Outgoing, *, within: float) -> Submission:
        """Send it, at most once, taking at most ``within`` seconds (temporary refusals are retried until then).

        Its ``at`` is when it began, by the clock of the resources. Never raises for what the other side does, nor for a
        fault of ours: both are said in the Submission. May raise asyncio.CancelledError, after which it is not known
        whether the report was sent.
        """
        ...

    async def check(self) -> str:
        """Connect and look, as deeply as is possible without sending anything; returns what was found in a line.

        Raises :class:`canary.model.OwnFaultError` for a fault of ours, :class:`UnusableError` for one of the CA's.
        """
        ...

    async def close(self) -> None:
        """Let go of what is kept open between reports. May be called more than once; whoever submits again opens anew.

        Only to be called when nothing is being submitted, and never needed before the channel is given up.
        """
        ...


class UnusableError(CanaryError):
    """A channel that cannot take a report as it is: the CA's fault, said in a sentence."""


@dataclass(frozen=True)
class Sender:
    """A persona, as a channel needs it."""

    slug: str
    person: Person
    submission: Server | None
    """Its provider's server; None where there is none, and ``mx`` is given."""
    envelope: str
    """The envelope sender, with ``{mark}`` where the mark goes (VERP)."""
    submits_to: Literal["provider", "ca"] | None = None
    """Whose server ``submission`` is, as the operator says; None where it is for us to tell."""
    dkim: DkimSettings | None = None
    """By which key its messages are signed; None for by none of ours."""
    mx: MxSettings | None = None
    """How they are handed to the recipients' own servers; None where a provider does that."""


READ_WITHIN = 120.0
"""Seconds in which a sender's mailbox must have been read again, before nobody knows what is in it."""


class Awaited(Protocol):
    """What comes back to a probe's sender while somebody waits for it."""

    async def next(self, until: datetime) -> bytes | None:
        """The next message that has the probe's mark; None once it is certain that none came ``until`` then.

        Raises :class:`canary.model.OwnFaultError` if the mailbox was not read since.
        """
        ...


class Letters(Protocol):
    """What comes back to senders, for a channel that needs it to get its report through."""

    def awaited(self, probe: str) -> AbstractContextManager[Awaited]:
        """What comes back of this probe from now on, while the context lasts."""
        ...


@dataclass(frozen=True)
class Resources:
    """What channels are opened with: all that they may need and do not own."""

    clock: Clock
    """The time, for everything that is recorded, waited for or given up. Limits may be the event loop's own
    (``asyncio.timeout``): a simulated clock moves that, too."""
    browser: Callable[[], Browser]
    """Gives the one warm browser, shared by all: who asks for none does not load what drives it."""
    rng: Random = field(default_factory=SystemRandom)
    """Chance, for pauses and MIME boundaries. Cannot be guessed unless another one is given."""
    state: Path | None = None
    """The state folder, for what must outlast a restart; None for who only looks, and writes nothing."""
    letters: Letters | None = None
    """What comes back to senders; None for who only looks, and waits for nothing."""


class Carries(Enum):
    """Which variants a kind of channel can carry."""

    EVERY = "every"
    """Every variant, as email can: attachments, HTML, any character set, any length."""
    PLAIN = "plain"
    """Those that fit into a plain text box; not those with ``needs_email``."""


@dataclass(frozen=True)
class Kind:
    """A kind of channel: its settings, how to open a channel of it for a sender, and what others must know of it."""

    settings: type[ChannelSettings]
    open: Callable[[Any, Sender, Resources], Channel]
    carries: Carries = Carries.PLAIN
    person: bool = False
    """Whether one human stands behind each channel, who may be away."""
    shares_submission: bool = False
    """Whether its channels share the sender's submission server, so that one look a sender is enough for all."""


def _email(settings: AddressSettings, sender: Sender, resources: Resources) -> Channel:
    from canary.channels.email.channel import EmailChannel

    return EmailChannel(settings, sender, resources)


def _web_form(settings: WebFormSettings, sender: Sender, resources: Resources) -> Channel:
    from canary.channels.forms.web import WebFormChannel

    return WebFormChannel(settings, sender, resources)


def _http_form(settings: HttpFormSettings, sender: Sender, resources: Resources) -> Channel:
    from canary.channels.forms.http import HttpFormChannel

    return HttpFormChannel(settings, sender, resources)


@cache
def kinds() -> Kinds[Kind]:
    """Every kind of channel by name: ours, and those of the entry point group that can be used.

    How one of ours is opened imports what only a prober needs.
    """
    from canary.channels.email.settings import ContactSettings, EmailSettings
    from canary.channels.forms.settings import HttpFormSettings, WebFormSettings

    own = {
        "email": Kind(EmailSettings, _email, Carries.EVERY, shares_submission=True),
        "contact": Kind(ContactSettings, _email, Carries.EVERY, person=True, shares_submission=True),
        "web_form": Kind(WebFormSettings, _web_form),
        "http_form": Kind(HttpFormSettings, _http_form),
    }
    return with_plugins(own, "canary.channels", _why_not)


def _why_not(found: Any) -> str:
    """What is wrong with a kind of somebody else's; empty if nothing is."""
    if not isinstance(found, Kind):
        return f"got {type(found).__name__}, want a {Kind.__module__}.Kind"
    if not (isinstance(found.settings, type) and issubclass(found.settings, ChannelSettings)):
        return f"its settings are {found.settings!r:.80}, want a class that derives from ChannelSettings"
    if not callable(found.open) or not isinstance(found.carries, Carries):
        return f"it opens by {found.open!r:.80} and carries {found.carries!r:.80}, want a function and a Carries"
    found.settings.model_json_schema()  # raises if a key is of a type that no configuration can have
    return ""
