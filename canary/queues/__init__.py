"""Places to look: one file a kind of mailbox or queue system.

A watcher reads one mailbox (all its queues, over one connection) and tells its :class:`Intake` what it found. It keeps
no state of its own: where it stood is a cursor that the intake stores in the same transaction as what was found, so
nothing is lost and nothing is told twice, however it ends.

A kind is a settings model and a class that meets :class:`Watcher`. Third parties add a kind through the entry point
group ``canary.queues`` (a :class:`Kind`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from canary.mark import Keyring
from canary.model import Component, Forgery, Place, Seen, TimeSource
from canary.settings import Settings


@dataclass(frozen=True, slots=True)
class Found:
    """A message that carries a mark, as a watcher found it.

    ``probe`` is the id in the mark; ``forgery`` is set to bad_mac if the MAC does not verify. ``raw`` is the whole
    message, and ``where`` what the watcher needs to find it again for clean-up (opaque to everybody else), in the
    ``generation`` of the folder's numbering (UIDVALIDITY). ``told_at`` is when the server says that it arrived (None
    if it does not), which is not ``arrived_at`` where that is not believed.
    """

    seen: Seen
    probe: str
    place: Place
    arrived_at: datetime
    source: TimeSource
    uncertainty: float
    raw: bytes = field(repr=False)
    message_id: str | None = None
    forgery: Forgery | None = None
    detail: str = ""
    where: str = ""
    generation: int = 0
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """How full a queue is, strangers' mail included; only counts and ages, never contents."""

    unread: int
    read: int
    oldest_unread: datetime | None


class Intake(Protocol):
    """What a watcher is given: where it hands in what it saw. Every method may be called from any thread."""

    @property
    def keys(self) -> Keyring:
        """The keys by which to recognise marks."""
        ...

    def now(self) -> datetime:
        """The time, UTC, steady: it does not jump when the wall clock is set."""
        ...

    def sought(self) -> Iterable[str]:
        """The marks of the probes whose whereabouts still matter, for searching inside bodies."""
        ...

    def known(self, probe: str) -> bool:
        """Whether a probe id is in the ledger; tells a forged mark from random text."""
        ...

    def cursor(self, name: str) -> Mapping[str, int] | None:
        """Where the watcher stood when it last handed in something under ``name``; None on the first run."""
        ...

    def hand_in(self, name: str, found: list[Found], cursor: Mapping[str, int]) -> None:
        """Record what was found and where the watcher now stands, together; returns once both are on disk."""
        ...

    def looked(self, queue: str, at: datetime, depth: Depth | None = None) -> None:
        """A queue was read to its end; ``at`` is when that reading began."""
        ...

    def trouble(self, component: Component, reason: str, detail: str) -> None:
        """A fault of ours that the watcher is going to retry; ``reason`` is a word from the watcher's closed list."""
        ...

    def cleanable(self, name: str) -> Iterable[str]:
        """The ``where`` of our own messages whose probes are judged, for watchers that have clean-up switched on."""
        ...


class Watcher(Protocol):
    """Looks into one mailbox for as long as it runs."""

    def start(self, intake: Intake) -> None:
        """Begin to look, in a thread or task of its own; returns at once."""
        ...

    def stop(self) -> None:
        """Stop looking, and wait until the connection is closed (at most a few seconds)."""
        ...

    def check(self) -> str:
        """Log in, find every folder, return what was found in a line; raises :class:`canary.model.OwnFaultError`."""
        ...


class WatchSettings(Settings):
    """What every kind of mailbox or queue system has; a kind adds its own ``kind`` and where to look."""

    kind: str

    def places(self) -> tuple[Place, ...]:
        """Every queue that is looked into, with its role."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it looks into")


@dataclass(frozen=True)
class Kind:
    """A kind of mailbox or queue system: its settings, and how to open one under the mailbox's name."""

    settings: type[WatchSettings]
    open: Callable[[str, Any], Watcher]


def kinds() -> Mapping[str, Kind]:
    """Every kind by name: ours, and those of the entry point group."""
    from importlib.metadata import entry_points

    from canary.queues.imap.watch import ImapSettings, ImapWatcher

    own = {"imap": Kind(ImapSettings, ImapWatcher)}
    return own | {point.name: point.load() for point in entry_points(group="canary.queues")}
