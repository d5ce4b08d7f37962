"""Watches a mailbox in a thread of its own, over one connection, for as long as it is not stopped.

It waits with IDLE in the first monitored folder and asks after the others in between. Servers drop IDLE in silence, so
whatever IDLE says, every folder is opened anew and read to its end every ``poll`` seconds. Whatever goes wrong is told
to the intake, and after a pause the watcher begins again from its cursors.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from canary.model import OwnFaultError, Place, Role
from canary.queues import Intake
from canary.queues.imap.cleanup import CleanUp
from canary.queues.imap.connection import Connection, Reason, StoppedError, connect, explain, fault, pause
from canary.queues.imap.folder import Classify, FolderReader, Watched
from canary.settings import Server

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
LOGIN_PAUSE = 10.0
"""Seconds before a refused login is tried again, at least: an account is not to be locked by us."""
SEVERAL_MONITORED = 2.0
"""Seconds between looks at the other folders where reports are meant to arrive in more than one."""
CLEAN_UP_EVERY = 10.0
_STOP_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Task:
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


class MailboxWatcher:
    """A :class:`canary.queues.Watcher` of one mailbox."""

    def __init__(self, name: str, task: Task) -> None:
        self._name, self._task = name, task
        self._sleeper, self._waker = socket.socketpair()
        self._thread: threading.Thread | None = None

    def start(self, intake: Intake) -> None:
        """Begin to look; returns at once."""
        if self._thread is not None:
            raise RuntimeError(f"the watcher of {self._name} was started before")
        self._thread = threading.Thread(target=self._run, args=(intake,), name=f"imap {self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns when the connection is closed, or after 5 s if the network does not let it be."""
        with contextlib.suppress(OSError):
            self._waker.send(b"x")
        if self._thread is not None:
            self._thread.join(_STOP_WITHIN)

    def check(self) -> str:
        """Log in, find every folder; raises OwnFaultError that names every one that is missing."""
        server = self._task.server
        never, other_end = socket.socketpair()
        with never, other_end, connect(server, never) as connection:
            try:
                found = _found_folders(connection, self._task)
                how = (
                    "IDLE" if _can_idle(connection, self._task) else f"no IDLE, asks every {self._task.poll_others:g} s"
                )
            except Exception as error:
                raise explain(error, server) from error
        return f"{server.username} on {server.host}:{server.port}, {how}: {', '.join(found)}"

    def _run(self, intake: Intake) -> None:
        wait = FIRST_PAUSE
        while True:
            watch = None
            try:
                with connect(self._task.server, self._sleeper) as connection:
                    watch = _Watch(self._name, self._task, connection, intake, self._sleeper)
                    watch.forever()
            except StoppedError:
                return
            except Exception as error:
                told = explain(error, self._task.server)
                with contextlib.suppress(Exception):  # a intake that cannot even note a fault must not end the watching
                    intake.trouble(told.component, told.reason, told.detail)
                if watch is not None and watch.went_well:
                    wait = FIRST_PAUSE
                if told.reason == Reason.LOGIN_REFUSED:
                    wait = max(wait, LOGIN_PAUSE)
            try:
                pause(self._sleeper, wait * random.uniform(0.75, 1.25))  # noqa: S311
            except StoppedError:
                return
            wait = min(2 * wait, LONGEST_PAUSE)


class _Watch:
    """One connection's time of watching."""

    def __init__(self, name: str, task: Task, connection: Connection, intake: Intake, wake: socket.socket) -> None:
        self._task, self._connection, self._intake, self._wake = task, connection, intake, wake
        watched = _all_folders(connection, task)
        self._folders = [FolderReader(name, w, intake, task.classify) for w in watched]
        self._empty = {task.junk} - {w.place for w in watched} if task.junk else set()
        """Queues that this server has no folder for, so there is nothing in them."""
        first = next((i for i, w in enumerate(task.folders) if w.place.role is Role.MONITORED), 0)
        self._home = self._folders.pop(first)
        self._idles = _can_idle(connection, task)
        several = sum(w.place.role is Role.MONITORED for w in task.folders) > 1
        self._tick = min(task.poll_others, SEVERAL_MONITORED) if several else task.poll_others
        if not self._folders and self._idles:
            self._tick = task.poll
        self._missing: dict[str, tuple[float, float]] = {}
        self._cleaned_at = -CLEAN_UP_EVERY
        self.went_well = False

    def forever(self) -> None:
        """Read everything, then wait for more, again and again; ends by StoppedError, or whatever goes wrong."""
        while True:
            until = time.monotonic() + self._task.poll
            self._everything()
            self.went_well = True
            while (left := until - time.monotonic()) > 0:
                self._wait(min(left, self._tick))
                for folder in self._folders:
                    self._try(folder, folder.glance)

    def _everything(self) -> None:
        folders = (*self._folders, self._home)  # the home folder last: it stays open
        for folder in folders:
            self._try(folder, partial(folder.read, again=True, count=self._task.count))
        for place in self._empty:
            self._intake.looked(place.queue, self._intake.now())
        clean_up = self._task.clean_up
        if clean_up is not None and time.monotonic() - self._cleaned_at >= CLEAN_UP_EVERY:
            self._cleaned_at = time.monotonic()
            for folder in folders:
                self._try(folder, partial(clean_up.run, folder=folder.folder, intake=self._intake))

    def _wait(self, seconds: float) -> None:
        """Wait until something may have happened in the home folder, and look into it."""
        if self._idles and self._home.folder not in self._missing:
            if self._connection.selected == self._home.folder:
                self._connection.idle(seconds)
            self._try(self._home, self._home.read)
        else:
            pause(self._wake, seconds)
            self._try(self._home, self._home.glance)

    def _try(self, folder: FolderReader, what: Callable[[Connection], None]) -> None:
        """Do something with a folder; one that cannot be opened is told, and does not keep us from the others."""
        again_at, wait = self._missing.get(folder.folder, (0.0, FIRST_PAUSE))
        if time.monotonic() < again_at:
            return
        try:
            what(self._connection)
        except OwnFaultError as error:
            if error.reason not in (Reason.FOLDER_MISSING, Reason.CLEAN_UP_REFUSED):
                raise
            self._intake.trouble(error.component, error.reason, error.detail)
            if error.reason == Reason.FOLDER_MISSING:
                self._missing[folder.folder] = (time.monotonic() + wait, min(2 * wait, LONGEST_PAUSE))
        else:
            self._missing.pop(folder.folder, None)


def _can_idle(connection: Connection, task: Task) -> bool:
    return task.idle and bool(connection.has_capability("IDLE"))


def _all_folders(connection: Connection, task: Task) -> list[Watched]:
    """The folders of the task, and the one with the special use \\Junk (RFC 6154) if that is asked for."""
    folders = list(task.folders)
    if task.junk is not None:
        known = {watched.folder for watched in folders}
        for flags, _, name in connection.list_folders():
            if b"\\junk" in {flag.lower() for flag in flags} and name not in known:
                return [*folders, Watched(str(name), task.junk)]
    return folders


def _found_folders(connection: Connection, task: Task) -> list[str]:
    """What is to be said of each folder; raises OwnFaultError that names every one that is missing."""
    wanted = [(watched.folder, watched.place.role.value) for watched in _all_folders(connection, task)]
    if task.clean_up is not None and task.clean_up.to is not None:
        wanted.append((task.clean_up.to, "for clean-up"))
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
