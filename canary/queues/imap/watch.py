"""Watches a mailbox over one connection: a CA's, or a sender's.

It waits with IDLE in the first monitored folder and asks after the others in between. Servers drop IDLE in silence, so
whatever IDLE says, every folder is opened anew and read to its end every ``poll`` seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from canary.model import Component, OwnFaultError, Place, Role, Seen
from canary.queues import Intake, WatchResources
from canary.queues.imap.cleanup import CleanUp
from canary.queues.imap.connection import Connection, Reason, connect, explain, fault
from canary.queues.imap.folder import Classify, FolderReader, Watched
from canary.queues.imap.settings import ImapRepliesSettings, ImapSettings
from canary.queues.loop import FIRST_PAUSE, LONGEST_PAUSE, Look, LoopingWatcher, Stop
from canary.queues.replies.classify import classify
from canary.settings import Server

SEVERAL_MONITORED = 2.0
"""Seconds between looks at the other folders where reports are meant to arrive in more than one."""
CLEAN_UP_EVERY = 10.0
CHORES_AFTER_A_FAULT = 600.0
"""Seconds for which nothing is counted or cleaned up after that has ended a connection: reading goes before."""


def open_imap(name: str, settings: ImapSettings, resources: WatchResources) -> ImapWatcher:
    """A watcher of the CA's mailbox ``name``."""
    plan = WatchPlan(
        server=settings.server,
        folders=tuple(Watched(folder.name, folder.place) for folder in settings.folders),
        classify=lambda _: (Seen.REPORT, ""),
        poll=settings.poll,
        poll_others=settings.poll_others,
        idle=settings.idle,
        count=settings.count,
        junk=settings.junk(),
        clean_up=None if settings.clean_up == "keep" else CleanUp(name, settings.clean_up_to),
    )
    return ImapWatcher(name, plan, resources)


def open_imap_replies(place: Place, settings: ImapRepliesSettings, resources: WatchResources) -> ImapWatcher:
    """A watcher of a sender's own mailbox, which as a place is ``place``."""
    plan = WatchPlan(
        server=settings.server,
        folders=tuple(Watched(folder, place) for folder in settings.folders),
        classify=classify,
        poll=settings.poll,
        poll_others=settings.poll_others,
        idle=settings.idle,
    )
    return ImapWatcher(place.queue, plan, resources)


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What to watch, and how. Times are in seconds.

    ``junk`` is the queue of the folder that the server itself calls \\Junk, None if it is not wanted; ``clean_up`` is
    None where it is off.
    """

    server: Server
    folders: tuple[Watched, ...]
    classify: Classify
    poll: float
    poll_others: float
    idle: bool = True
    count: bool = False
    junk: Place | None = None
    clean_up: CleanUp | None = None


class ImapWatcher(LoopingWatcher):
    """A :class:`canary.queues.Watcher` of one mailbox."""

    component = Component.IMAP
    reasons = frozenset(Reason)
    refused = frozenset({Reason.LOGIN_REFUSED})

    def __init__(self, name: str, plan: WatchPlan, resources: WatchResources) -> None:
        super().__init__(name, resources)
        self._plan = plan
        self._kept = _Kept()

    @contextmanager
    def opened(self, intake: Intake, stop: Stop) -> Iterator[Look]:
        """Log in, and read and wait in turn."""
        with connect(self._plan.server, stop) as connection:
            yield _Session(self.name, self._plan, connection, intake, stop, self._kept).look

    def explain(self, error: Exception) -> OwnFaultError:
        """By what IMAP, TLS and the network raise."""
        return explain(error, self._plan.server)

    def check(self) -> str:
        """Log in, find every folder; raises OwnFaultError that names every one that is missing."""
        plan, server = self._plan, self._plan.server
        with closing(Stop(self.clock)) as stop, connect(server, stop) as connection:
            try:
                found = _found_folders(connection, plan)
                how = "IDLE" if _can_idle(connection, plan) else f"no IDLE, asks every {plan.poll_others:g} s"
            except Exception as error:
                raise explain(error, server) from error
        return f"{server.username} on {server.host}:{server.port}, {how}: {', '.join(found)}"


@dataclass(slots=True)
class _Kept:
    """What is kept from one connection to the next: what ended one, and had better not be tried again at once.

    ``unnamed`` are the UIDs, by folder, up to which names of attachments are not asked for; ``chores_at`` is when, by
    the monotonic clock, it may be counted and cleaned up again.
    """

    unnamed: dict[str, tuple[int, int]] = field(default_factory=dict)
    chores_at: float = float("-inf")


class _Session:
    """One connection's time of watching."""

    def __init__(
        self, name: str, plan: WatchPlan, connection: Connection, intake: Intake, stop: Stop, kept: _Kept
    ) -> None:
        self._plan, self._connection, self._intake, self._stop, self._kept = plan, connection, intake, stop, kept
        self._clock = stop.clock
        watched = _all_folders(connection, plan)
        self._folders = [FolderReader(name, w, intake, plan.classify, kept.unnamed) for w in watched]
        self._empty = {plan.junk} - {w.place for w in watched} if plan.junk else set()
        """Queues that this server has no folder for, so there is nothing in them."""
        first = next((i for i, w in enumerate(plan.folders) if w.place.role is Role.MONITORED), 0)
        self._home = self._folders.pop(first)
        self._idles = _can_idle(connection, plan)
        several = sum(w.place.role is Role.MONITORED for w in plan.folders) > 1
        self._tick = min(plan.poll_others, SEVERAL_MONITORED) if several else plan.poll_others
        if not self._folders and self._idles:
            self._tick = plan.poll
        self._missing: dict[str, tuple[float, float]] = {}
        self._due = self._clean_up_due = self._clock.monotonic()

    def look(self) -> float:
        """Read everything where that is due; else wait until something may have happened, or the tick is over."""
        left = self._due - self._clock.monotonic()
        if left <= 0:
            self._due = self._clock.monotonic() + self._plan.poll
            self._everything()
        else:
            self._wait(min(left, self._tick))
            for folder in self._folders:
                self._try(folder, folder.glance)
        return 0.0

    def _everything(self) -> None:
        chores = self._clock.monotonic() >= self._kept.chores_at
        if chores:  # until they are done: one that breaks the connection must not keep us from reading for ever
            self._kept.chores_at = self._clock.monotonic() + CHORES_AFTER_A_FAULT
        folders = (*self._folders, self._home)  # the home folder last: it stays open
        for folder in folders:
            self._try(folder, partial(folder.read, again=True))
            if chores and self._plan.count:
                self._try(folder, folder.count)
        for place in self._empty:
            self._intake.looked(place.queue, self._intake.now())
        if chores:
            self._clean_up(folders)
            self._kept.chores_at = float("-inf")

    def _clean_up(self, folders: Iterable[FolderReader]) -> None:
        clean_up = self._plan.clean_up
        if clean_up is not None and self._clock.monotonic() >= self._clean_up_due:
            self._clean_up_due = self._clock.monotonic() + CLEAN_UP_EVERY
            for folder in folders:
                self._try(folder, partial(clean_up.run, folder=folder.folder, intake=self._intake))

    def _wait(self, seconds: float) -> None:
        """Wait until something may have happened in the home folder, and look into it."""
        if self._idles and self._home.folder not in self._missing:
            if self._connection.selected == self._home.folder:
                self._connection.idle(seconds)
            self._try(self._home, self._home.read)
        else:
            self._stop.pause(seconds)
            self._try(self._home, self._home.glance)

    def _try(self, folder: FolderReader, what: Callable[[Connection], None]) -> None:
        """Do something with a folder; one that cannot be opened is reported, and does not keep us from the others."""
        again_at, wait = self._missing.get(folder.folder, (float("-inf"), FIRST_PAUSE))
        if self._clock.monotonic() < again_at:
            return
        try:
            what(self._connection)
        except OwnFaultError as error:
            if error.reason not in (Reason.FOLDER_MISSING, Reason.CLEAN_UP_REFUSED):
                raise
            self._intake.trouble(error.component, error.reason, error.detail)
            if error.reason == Reason.FOLDER_MISSING:
                self._missing[folder.folder] = (self._clock.monotonic() + wait, min(2 * wait, LONGEST_PAUSE))
        else:
            self._missing.pop(folder.folder, None)


def _can_idle(connection: Connection, plan: WatchPlan) -> bool:
    return plan.idle and bool(connection.has_capability("IDLE"))


def _all_folders(connection: Connection, plan: WatchPlan) -> list[Watched]:
    """The folders of the plan, and the one with the special use \\Junk (RFC 6154) if that is asked for."""
    folders = list(plan.folders)
    if plan.junk is not None:
        known = {watched.folder for watched in folders}
        for flags, _, name in connection.list_folders():
            if b"\\junk" in {flag.lower() for flag in flags} and name not in known:
                return [*folders, Watched(str(name), plan.junk)]
    return folders


def _found_folders(connection: Connection, plan: WatchPlan) -> list[str]:
    """What is to be said of each folder; raises OwnFaultError that names every one that is missing."""
    wanted = [(watched.folder, watched.place.role.value) for watched in _all_folders(connection, plan)]
    if plan.clean_up is not None and plan.clean_up.to is not None:
        wanted.append((plan.clean_up.to, "for clean-up"))
    found, missing = [], []
    for folder, purpose in wanted:
        try:
            messages = connection.status(folder, ("MESSAGES",))[b"MESSAGES"]
        except OwnFaultError as error:
            missing.append(error.detail)
        else:
            found.append(f"{folder} ({purpose}, {messages} messages)")
    if missing:
        raise fault(Reason.FOLDER_MISSING, "; ".join(missing))
    return found
