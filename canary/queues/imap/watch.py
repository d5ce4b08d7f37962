"""Watches a mailbox over one connection: a CA's, or a sender's.

It waits with IDLE in the first monitored folder and asks after the others in between. Servers drop IDLE in silence, so
whatever IDLE says, every folder is opened anew and read to its end every ``poll`` seconds.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from canary.model import Component, OwnFaultError, Place, Role, Seen
from canary.queues import Intake, WatchResources
from canary.queues.imap.account import MailAccount
from canary.queues.imap.cleanup import CleanUp
from canary.queues.imap.connection import NOT_TO_BE_OPENED, Connection, connect
from canary.queues.imap.faults import Reason, explain, fault, is_refusal
from canary.queues.imap.folder import Classify, FolderReader, Watched
from canary.queues.imap.memory import FolderMemory
from canary.queues.imap.settings import ImapRepliesSettings, ImapSettings
from canary.queues.loop import FIRST_PAUSE, LONGEST_PAUSE, Look, LoopingWatcher, Stop
from canary.queues.replies.classify import classify
from canary.settings import Server

SEVERAL_MONITORED = 2.0
"""Seconds between looks at the other folders where reports are meant to arrive in more than one."""
CLEAN_UP_EVERY = 10.0
IDLE_FAILS = 3
"""Times in a row that IDLE ended badly until it is left for a while."""
IDLE_LEFT, IDLE_LEFT_AT_MOST = 600.0, 21_600.0
"""Seconds for which IDLE is left then: the first time, and the most; each further failure doubles them."""
_OF_A_FOLDER = (Reason.FOLDER_MISSING, Reason.FOLDER_UNAVAILABLE, Reason.CLEAN_UP_REFUSED)
_DIVIDERS = re.compile(r"[/.\\]")
_MOST_NAMED = 50
"""Folders that are named where one is missing."""
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
    refused = frozenset({Reason.LOGIN_REFUSED, Reason.LOGIN_UNSUPPORTED, Reason.TOKEN_REFUSED})
    away = frozenset({Reason.DNS, Reason.UNREACHABLE, Reason.TIMEOUT, Reason.TOKEN_UNAVAILABLE})

    def __init__(self, name: str, plan: WatchPlan, resources: WatchResources) -> None:
        super().__init__(name, resources)
        self._plan = plan
        self._account = MailAccount(plan.server, resources.clock)
        self._kept = _Kept()

    @contextmanager
    def opened(self, intake: Intake, stop: Stop) -> Iterator[Look]:
        """Log in, and read and wait in turn."""
        with connect(self._account, stop) as connection:
            self._tell_broken_logins(intake)
            yield _Session(self.name, self._plan, connection, intake, stop, self._kept).look

    def explain(self, error: Exception) -> OwnFaultError:
        """By what IMAP, TLS and the network raise."""
        return explain(error, self._plan.server, self._account.echo())

    def _tell_broken_logins(self, intake: Intake) -> None:
        """Tell once that the server offers a way to log in that does not work."""
        for way, said in self._account.broken.items():
            if way not in self._kept.told:
                self._kept.told.add(way)
                detail = f"{way} is offered and does not work, logged in by {self._account.by}: {said}"
                intake.trouble(Component.IMAP, Reason.PROTOCOL, detail)

    def check(self) -> str:
        """Log in, find every folder; raises OwnFaultError that names every one that is missing."""
        plan, server, account = self._plan, self._plan.server, self._account
        with closing(Stop(self.clock)) as stop, connect(account, stop) as connection:
            try:
                found = _found_folders(connection, plan)
                how = "IDLE" if _can_idle(connection, plan) else f"no IDLE, asks every {plan.poll_others:g} s"
            except Exception as error:
                raise explain(error, server, account.echo()) from error
        login = account.told()
        return f"{server.username} on {server.host}:{server.port}{login}, {how}: {', '.join(found)}"


@dataclass(slots=True)
class _Kept:
    """What is kept from one connection to the next: what ended one, and had better not be tried again at once.

    ``chores_at`` is when, by the monotonic clock, it may be counted and cleaned up again, ``idle_at`` when IDLE may be
    tried again, which failed ``idle_failures`` times in a row. ``missing`` is by folder and what was to be done there
    when it is tried again, and after which pause the next time; ``told`` is what need not be told twice.
    """

    folders: dict[str, FolderMemory] = field(default_factory=dict)
    chores_at: float = float("-inf")
    idle_failures: int = 0
    idle_at: float = float("-inf")
    missing: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


class _Session:
    """One connection's time of watching."""

    def __init__(
        self, name: str, plan: WatchPlan, connection: Connection, intake: Intake, stop: Stop, kept: _Kept
    ) -> None:
        self._plan, self._connection, self._intake, self._stop, self._kept = plan, connection, intake, stop, kept
        self._clock = stop.clock
        watched, complete = self._watched()
        self._folders = [
            FolderReader(name, w, intake, plan.classify, kept.folders.setdefault(w.folder, FolderMemory(stop.clock)))
            for w in watched
        ]
        self._empty = {plan.junk} - {w.place for w in watched} if plan.junk and complete else set()
        """Queues that this server has no folder for, so there is nothing in them."""
        first = next((i for i, w in enumerate(plan.folders) if w.place.role is Role.MONITORED), 0)
        self._home = self._folders.pop(first)
        self._idles = _can_idle(connection, plan)
        self._several = sum(w.place.role is Role.MONITORED for w in plan.folders) > 1
        self._due = self._glance_due = self._clean_up_due = self._clock.monotonic()

    def _watched(self) -> tuple[list[Watched], bool]:
        """What to read, and whether the server told all folders that it has."""
        try:
            return _all_folders(self._connection, self._plan), True
        except Exception as error:
            if not is_refusal(error):
                raise
            self._tell_once(Reason.PROTOCOL, "no junk folder is looked for", error)
            return list(self._plan.folders), False

    @property
    def _tick(self) -> float:
        """Seconds between looks at what IDLE does not cover."""
        if not self._folders and self._may_idle:
            return self._plan.poll
        return min(self._plan.poll_others, SEVERAL_MONITORED) if self._several else self._plan.poll_others

    @property
    def _may_idle(self) -> bool:
        return self._idles and self._clock.monotonic() >= self._kept.idle_at

    def look(self) -> float:
        """Read everything where that is due; else wait until something may have happened, or the tick is over."""
        now = self._clock.monotonic()
        if now >= self._due:
            self._due = now + self._plan.poll
            self._everything()
            self._glance_due = self._clock.monotonic() + self._tick
        else:
            self._wait(max(0.0, min(self._due, self._glance_due) - now))
            self._glance()
        return 0.0

    def _glance(self) -> None:
        """Look at what IDLE does not cover, not each time that IDLE tells something: that may be often."""
        if self._clock.monotonic() >= self._glance_due:
            for folder in self._folders:
                self._try(folder, folder.glance)
            self._glance_due = self._clock.monotonic() + self._tick

    def _everything(self) -> None:
        chores = self._clock.monotonic() >= self._kept.chores_at
        if chores:  # until they are done: one that breaks the connection must not keep us from reading for ever
            self._kept.chores_at = self._clock.monotonic() + CHORES_AFTER_A_FAULT
        folders = (*self._folders, self._home)  # the home folder last: it stays open
        for folder in folders:
            self._try(folder, partial(folder.read, again=True))
            if chores and self._plan.count:
                self._try(folder, folder.count, "count")
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
                self._try(folder, partial(clean_up.run, folder=folder.folder, intake=self._intake), "clean up")

    def _wait(self, seconds: float) -> None:
        """Wait until something may have happened in the home folder, and look into it."""
        if self._may_idle and (self._home.folder, "read") not in self._kept.missing:
            if self._connection.selected == self._home.folder:
                self._idle(seconds)
            self._try(self._home, self._home.read)
        else:
            self._stop.pause(seconds)
            self._try(self._home, self._home.glance)

    def _idle(self, seconds: float) -> None:
        """Wait with IDLE; where that fails again and again, or is refused, it is left for a while."""
        kept = self._kept
        kept.idle_failures += 1  # until it went well: one that ends the connection is counted, too
        further = kept.idle_failures - IDLE_FAILS
        if further >= 0:
            kept.idle_at = self._clock.monotonic() + min(IDLE_LEFT * 2 ** min(further, 9), IDLE_LEFT_AT_MOST)
        try:
            self._connection.idle(seconds)
        except Exception as error:
            if not is_refusal(error):
                raise
            kept.idle_at = max(kept.idle_at, self._clock.monotonic() + IDLE_LEFT)
            self._tell_once(Reason.PROTOCOL, f"asked every {self._plan.poll_others:g} s instead of IDLE", error)
        else:
            kept.idle_failures, kept.idle_at = 0, float("-inf")

    def _tell_once(self, reason: Reason, what: str, error: Exception) -> None:
        if what not in self._kept.told:
            self._kept.told.add(what)
            said = self._connection.quotable(error)
            self._intake.trouble(Component.IMAP, reason, f"{what}: {said}")

    def _try(self, folder: FolderReader, what: Callable[[Connection], None], why: str = "read") -> None:
        """Do something with a folder; where that is refused it is told, tried again after growing pauses, and keeps us
        neither from the other folders nor from something else in this one.
        """
        key, missing = (folder.folder, why), self._kept.missing
        again_at, wait = missing.get(key, (float("-inf"), FIRST_PAUSE))
        if self._clock.monotonic() < again_at:
            return
        try:
            what(self._connection)
        except Exception as error:
            trouble = self._of_the_folder(folder, error)
            if trouble is None:
                raise
            self._intake.trouble(trouble.component, trouble.reason, trouble.detail)
            missing[key] = (self._clock.monotonic() + wait, min(2 * wait, LONGEST_PAUSE))
        else:
            missing.pop(key, None)

    def _of_the_folder(self, folder: FolderReader, error: Exception) -> OwnFaultError | None:
        """A fault of one folder alone; None for one of the connection, or of ours."""
        if isinstance(error, OwnFaultError):
            return error if error.reason in _OF_A_FOLDER else None
        if not isinstance(error, imaplib.IMAP4.error) or not is_refusal(error):
            return None
        return fault(Reason.PROTOCOL, f"folder {folder.folder!r}: {self._connection.quotable(error)}")


def _can_idle(connection: Connection, plan: WatchPlan) -> bool:
    return plan.idle and bool(connection.has_capability("IDLE"))


def _all_folders(connection: Connection, plan: WatchPlan) -> list[Watched]:
    """The folders of the plan, and the one with the special use \\Junk (RFC 6154) if that is asked for."""
    folders = list(plan.folders)
    if plan.junk is not None:
        known = {watched.folder for watched in folders}
        for name, flags in connection.names():
            if b"\\junk" in flags and name not in known:
                return [*folders, Watched(name, plan.junk)]
    return folders


def _found_folders(connection: Connection, plan: WatchPlan) -> list[str]:
    """What is to be said of each folder; raises OwnFaultError that names every one that is missing."""
    wanted = [(watched.folder, watched.place.role.value) for watched in _all_folders(connection, plan)]
    if plan.clean_up is not None and plan.clean_up.to is not None:
        wanted.append((plan.clean_up.to, "for clean-up"))
    found, missing, troubles = list[str](), list[str](), list[OwnFaultError]()
    for folder, purpose in wanted:
        try:
            found.append(f"{folder} ({purpose}, {_messages(connection, folder)} messages)")
        except OwnFaultError as error:
            troubles.append(error)
            if error.reason == Reason.FOLDER_MISSING:
                missing.append(folder)
    if not troubles:
        return found
    said = "; ".join(error.detail for error in troubles)
    if missing:
        raise fault(Reason.FOLDER_MISSING, f"{said}; {_there_are(connection, missing)}")
    raise fault(Reason(troubles[0].reason), said)


def _messages(connection: Connection, folder: str) -> int:
    """How many messages a folder has, by STATUS or, where that is refused, by opening it. Raises OwnFaultError."""
    try:
        return connection.status(folder, ("MESSAGES",)).get(b"MESSAGES", 0)
    except OwnFaultError as error:
        if error.reason != Reason.FOLDER_UNAVAILABLE:
            raise
        return connection.examine(folder, again=True).exists


def _there_are(connection: Connection, missing: Iterable[str]) -> str:
    """Which folders there are, and which of them are likely meant by those that are missing."""
    try:
        names = sorted(name for name, flags in connection.names() if not flags & NOT_TO_BE_OPENED)
    except Exception as error:
        if not is_refusal(error):
            raise
        return "the server lists no folders"
    likely = [f"{name!r} for {folder!r}" for folder in missing for name in names if _alike(name, folder)]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    there_are = f"there are: {', '.join(names[:_MOST_NAMED]) or 'none'}{more}"
    return f"did you mean {', '.join(likely[:_MOST_NAMED])}? {there_are}" if likely else there_are


def _alike(one: str, other: str) -> bool:
    """Whether two names end in the same words, whatever is before them and divides them, in capitals or small."""
    return _DIVIDERS.split(one.casefold())[-1] == _DIVIDERS.split(other.casefold())[-1]
