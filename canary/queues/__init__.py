"""Places to look: one package a kind of mailbox or ticket system.

A watcher looks into one system (all its queues) and hands in to its :class:`Intake` what it found. It keeps no state of
its own: where it stood is a cursor that the intake stores in the same transaction as what was found, so nothing is lost
and nothing is recorded twice, however it ends. :class:`canary.queues.loop.LoopingWatcher` has the thread, the pauses
after a fault and the way to stop; what it needs is a way to open and to look.

A kind is a settings model and a class that meets :class:`Watcher`. Third parties add a kind through the entry point
group ``canary.queues`` (a :class:`WatchKind`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import Field

from canary.clock import Clock
from canary.model import Actor, Component, Depth, Forgery, Place, Seen, TimeSource
from canary.plugins import Kinds, with_plugins
from canary.settings import Settings

if TYPE_CHECKING:
    from canary.content import Content
    from canary.mark import Keyring
    from canary.queues.gateways.settings import GatewaySettings
    from canary.queues.google.settings import GmailSettings, QuarantineSettings
    from canary.queues.imap.settings import ImapRepliesSettings, ImapSettings
    from canary.queues.microsoft.settings import GraphMailboxSettings, TraceSettings
    from canary.queues.tickets.settings import TicketSettings

Cursor = Mapping[str, str | int | float]
"""Where a watcher stands in a queue, in its own terms."""
QueueRole = Annotated[
    Literal["monitored", "transit", "other", "junk", "quarantine"],
    Field(
        description="monitored is where reports are worked on; transit is where they wait to be taken there, and wrong "
        "only for those that are not; every other one is a wrong place"
    ),
]
"""What a queue of the CA is for, as it is configured; see :class:`canary.model.Role`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a watcher found of the probe ``probe``, the id in a mark.

    ``seen`` is what it is. Of a queue of the CA: the report, a machine's acknowledgement, that somebody took it, a
    reply, that it was closed. Of a sender's replies: all but those of the report itself. ``by`` is who did it, where
    the system says so: a pick-up and an answer in a queue count for a human only if a human is named.

    ``content`` is what the system shows of it; None for an act without words, such as a pick-up. ``where`` is what the
    watcher needs to find it again (opaque to everybody else), in the ``generation`` of the queue's numbering (IMAP's
    UIDVALIDITY). The same content at the same ``where`` is recorded once, however often it is handed in; so each act
    on a ticket needs a ``where`` of its own. Of what is alike (one probe, one place, seen in one way) the first are
    recorded one by one, and more only as a number.

    ``header`` is the header of a message that arrived, where the system shows that without the whole message: the way
    that it took is read from it, and not kept but for that.

    ``arrived_at`` is when it happened, by ``source``, give or take ``uncertainty`` seconds. ``stated_at`` is when the
    server says so (None if it does not), where that is not believed. ``forgery`` is set to bad_mac if the MAC of the
    mark does not verify.
    """

    seen: Seen
    probe: str
    place: Place
    arrived_at: datetime
    source: TimeSource
    uncertainty: float
    content: Content | None = field(default=None, repr=False)
    by: Actor | None = None
    message_id: str | None = None
    forgery: Forgery | None = None
    detail: str = ""
    where: str = ""
    generation: int = 0
    stated_at: datetime | None = None
    header: bytes = field(default=b"", repr=False)


class Intake(Protocol):
    """What a watcher is given: where it hands in what it saw. Every method may be called from any thread."""

    @property
    def keys(self) -> Keyring:
        """The keys by which to recognise marks."""
        ...

    def now(self) -> datetime:
        """The time, UTC, steady: it does not jump when the wall clock is set."""
        ...

    def sought(self, place: Place) -> Iterable[str]:
        """The marks of the probes of which something may still come to ``place``, for searching inside bodies."""
        ...

    def message_ids(self, place: Place) -> Mapping[str, str]:
        """By mark the Message-ID, in its angle brackets, with which each of what is :meth:`sought` was sent.

        Where none was: not yet, or through a form, whose back end writes its own.
        """
        ...

    def known(self, probe: str) -> bool:
        """Whether a probe id is in the ledger; tells a forged mark from random text."""
        ...

    def cursor(self, name: str) -> Cursor | None:
        """Where the watcher stood when it last handed in something under ``name``; None on the first run."""
        ...

    def hand_in(self, name: str, found: list[Found], cursor: Cursor) -> None:
        """Record what was found and where the watcher now stands, together; returns once both are on disk."""
        ...

    def looked(self, queue: str, at: datetime, depth: Depth | None = None) -> None:
        """A queue was read to its end, and it is certain that what is in it was seen; ``at`` is when that began.

        On this rests that a report is missing, so a watcher calls it only when it has proved that it still sees: an
        answer without a fault is no proof, since a login that lost its rights gets an empty list. Whoever lists a
        folder that it could open has read it. Whoever searches has found in the same way, since ``at``, an item of
        which it knows that it is there: the last one of its cursor, say. Else it reports a trouble, and the probe
        becomes indeterminate rather than missing.
        """
        ...

    def trouble(self, component: Component, reason: str, detail: str) -> None:
        """A fault of ours that the watcher is going to retry; ``reason`` is a word from the watcher's closed list."""
        ...

    def cleanable(self, name: str) -> Iterable[str]:
        """The ``where`` of our own messages whose probes are judged, for watchers that have clean-up switched on."""
        ...


class Watcher(Protocol):
    """Looks into one system for as long as it runs."""

    def start(self, intake: Intake) -> None:
        """Begin to look, in a thread or task of its own; returns at once."""
        ...

    def stop(self) -> None:
        """Stop looking, and wait until nothing is open any more (at most a few seconds)."""
        ...

    def check(self) -> str:
        """Log in, find every queue, return what was found in a line; raises :class:`canary.model.OwnFaultError`."""
        ...


@dataclass(frozen=True)
class WatchResources:
    """What watchers are opened with: all that they may need and do not own."""

    clock: Clock
    """The time, for everything that is waited for."""


class WatchSettings(Settings):
    """What every kind of watch has; a kind adds its own ``kind`` and where to look."""

    kind: str

    def places(self) -> tuple[Place, ...]:
        """Every queue that is looked into, with its role and with what can be seen there."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it looks into")

    def system(self) -> Mapping[str, str]:
        """Which system is looked into, as the evidence tells it: ``server`` and ``account``, which is told sealed."""
        return {}

    @property
    def takes_hints(self) -> bool:
        """Whether something may be pushed to us, as a hint to look at once."""
        return False

    def why_no_hint(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:  # noqa: ARG002  # theirs
        """Why what was pushed to us at ``now`` is no hint; None if it is one.

        Raises ValueError if our own secret cannot be used.
        """
        return "nothing is to be pushed to it"

    @property
    def lag(self) -> float:
        """For how many seconds what is there may not be shown yet."""
        return 0.0

    def names(self) -> Mapping[str, str]:
        """By queue: what it is called in that system (a folder, a ticket queue), as the evidence tells it."""
        return {place.queue: place.queue for place in self.places()}


class RepliesSettings(Settings):
    """Where what comes back to a sender is found; a kind adds its own ``kind`` and where to look."""

    kind: str


@dataclass(frozen=True)
class RepliesKind:
    """How a kind watches what comes back to a sender: its settings, and how to open a watcher for the place it is.

    What a message there is, :func:`canary.queues.replies.classify.classify` says, whatever the kind.
    """

    settings: type[RepliesSettings]
    open: Callable[[Place, Any, WatchResources], Watcher]


@dataclass(frozen=True)
class WatchKind:
    """A kind of watch: its settings, and how to open one under its name; None for replies if it cannot watch them."""

    settings: type[WatchSettings]
    open: Callable[[str, Any, WatchResources], Watcher]
    replies: RepliesKind | None = None


def _imap(name: str, settings: ImapSettings, resources: WatchResources) -> Watcher:
    from canary.queues.imap.watch import open_imap

    return open_imap(name, settings, resources)


def _imap_replies(place: Place, settings: ImapRepliesSettings, resources: WatchResources) -> Watcher:
    from canary.queues.imap.watch import open_imap_replies

    return open_imap_replies(place, settings, resources)


def _tickets(name: str, settings: TicketSettings, resources: WatchResources) -> Watcher:
    from canary.queues.tickets.watch import open_tickets

    return open_tickets(name, settings, resources)


def _google_quarantine(name: str, settings: QuarantineSettings, resources: WatchResources) -> Watcher:
    from canary.queues.google.quarantine import open_quarantine

    return open_quarantine(name, settings, resources)


def _gateway(name: str, settings: GatewaySettings, resources: WatchResources) -> Watcher:
    from canary.queues.gateways.watch import open_gateway

    return open_gateway(name, settings, resources)


def _gmail(name: str, settings: GmailSettings, resources: WatchResources) -> Watcher:
    from canary.queues.google.gmail import open_gmail

    return open_gmail(name, settings, resources)


def _graph_mailbox(name: str, settings: GraphMailboxSettings, resources: WatchResources) -> Watcher:
    from canary.queues.microsoft.mailbox import open_graph_mailbox

    return open_graph_mailbox(name, settings, resources)


def _trace(name: str, settings: TraceSettings, resources: WatchResources) -> Watcher:
    from canary.queues.microsoft.watch import open_trace

    return open_trace(name, settings, resources)


@cache
def kinds() -> Kinds[WatchKind]:
    """Every kind by name: ours, and those of the entry point group that can be used.

    How one of ours is opened imports what only a prober needs.
    """
    from canary.queues.gateways.settings import GatewaySettings
    from canary.queues.google.settings import GmailSettings, QuarantineSettings
    from canary.queues.imap.settings import ImapRepliesSettings, ImapSettings
    from canary.queues.microsoft.settings import GraphMailboxSettings, TraceSettings
    from canary.queues.tickets.settings import TicketSettings

    own = {
        "gateway_quarantine": WatchKind(GatewaySettings, _gateway),
        "gmail": WatchKind(GmailSettings, _gmail),
        "google_quarantine": WatchKind(QuarantineSettings, _google_quarantine),
        "imap": WatchKind(ImapSettings, _imap, RepliesKind(ImapRepliesSettings, _imap_replies)),
        "microsoft_mailbox": WatchKind(GraphMailboxSettings, _graph_mailbox),
        "microsoft_trace": WatchKind(TraceSettings, _trace),
        "tickets": WatchKind(TicketSettings, _tickets),
    }
    return with_plugins(own, "canary.queues", _why_not)


def _why_not(found: Any) -> str:
    """What is wrong with a kind of somebody else's; empty if nothing is."""
    if not isinstance(found, WatchKind) or not isinstance(found.replies, RepliesKind | None):
        return f"got {type(found).__name__}, want a {WatchKind.__module__}.WatchKind, with a RepliesKind or None"
    parts: list[tuple[Any, type[Settings]]] = [(found, WatchSettings)]
    parts += [(found.replies, RepliesSettings)] if found.replies is not None else []
    for part, base in parts:
        if not (isinstance(part.settings, type) and issubclass(part.settings, base)):
            return f"its settings are {part.settings!r:.80}, want a class that derives from {base.__name__}"
        if not callable(part.open):
            return f"it opens by {part.open!r:.80}, want a function"
        part.settings.model_json_schema()  # raises if a key is of a type that no configuration can have
    return ""
