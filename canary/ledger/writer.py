"""The thread that writes: what is handed in while it is busy is committed together, and shares the disk's flushes."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from canary.clock import Clock
from canary.ledger.events import Event
from canary.ledger.reading import UnreadableLedgerError
from canary.ledger.state import OpenProbe
from canary.model import Component, OwnFaultError

NOT_WRITTEN = "not_written"
"""The reason of the fault that the ledger or an artefact could not be written."""

_BATCH = 500
_GATHER = 0.5
"""Seconds between two commits under load: what is handed in meanwhile shares one flush. The first one never waits."""


def _promise() -> Future[list[Event]]:
    future: Future[list[Event]] = Future()
    future.set_running_or_notify_cancel()  # whoever no longer waits for it does not take it back
    return future


@dataclass(frozen=True, slots=True)
class Entry:
    """What one caller hands in, to be written in one transaction.

    ``artefacts`` are contents to be kept before the events that name them are written. With ``judged`` the events are
    left out if anything became known of that probe since it was judged. ``then`` is called once the commit is over.
    """

    events: Sequence[Event] = ()
    cursor: tuple[str, Mapping[str, str | int | float]] | None = None
    artefacts: Sequence[bytes] = ()
    judged: OpenProbe | None = None
    then: Callable[[], object] | None = None
    snapshot: bool = False
    done: Future[list[Event]] = field(default_factory=_promise)


Commit = Callable[[Sequence[Entry], bool], list[list[Event]]]
"""Writes entries in one transaction, all or none of them, and a snapshot if that is asked for; gives what was added."""


class Writer:
    """Commits what is handed in, in a thread of its own, or (``inline``) in the caller's before it returns."""

    def __init__(self, commit: Commit, clock: Clock, *, inline: bool = False) -> None:
        self._commit_all, self._clock = commit, clock
        self._inbox: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._closing = threading.Event()
        self.failed = 0
        """How many commits could not be written since this process started."""
        self.trouble = ""
        """Why the newest commit that had something to write could not be; empty if it was."""
        self._thread = None if inline else threading.Thread(target=self._run, name="ledger", daemon=True)
        if self._thread:
            self._thread.start()

    def hand_in(self, entry: Entry) -> Future[list[Event]]:
        """Have it written; the future is done once it is on disk, or could not be."""
        with self._door:
            if self._closing.is_set():
                entry.done.set_exception(OwnFaultError(Component.STORE, NOT_WRITTEN, "the ledger was closed already"))
            elif self._thread is None:
                self._commit([entry])
            else:
                self._inbox.put(entry)
        return entry.done

    @property
    def running(self) -> bool:
        """Whether what is handed in will be written: not once it is closed, nor if its thread ended by itself."""
        return not self._closing.is_set() and (self._thread is None or self._thread.is_alive())

    def close(self) -> None:
        """Write what was handed in, and a snapshot; nothing is taken any more. May be called more than once."""
        with self._door:  # nobody may wait for what no one will write
            closed = self._closing.is_set()
            self._closing.set()
        if closed:
            return
        if self._thread is None:
            self._commit([], snapshot=True)
        else:
            self._inbox.put(None)
            self._thread.join()

    def _run(self) -> None:
        running, gathered = True, 0.0
        while running:
            entry = self._inbox.get()
            if entry is not None and (early := gathered + _GATHER - self._clock.monotonic()) > 0:
                self._clock.wait(self._closing, early)
            batch: list[Entry] = []
            while entry is not None:
                batch.append(entry)
                if len(batch) == _BATCH or self._inbox.empty():
                    break
                entry = self._inbox.get()
            running = entry is not None
            if batch:
                self._commit(batch)
                gathered = self._clock.monotonic()
        self._commit([], snapshot=True)

    def _commit(self, batch: Sequence[Entry], *, snapshot: bool = False) -> None:
        self._settle(batch, snapshot)
        for then in {entry.then for entry in batch if entry.then}:
            then()

    def _settle(self, batch: Sequence[Entry], snapshot: bool) -> None:
        """Write what was handed in, and tell each future how it ended."""
        try:
            added = self._commit_all(batch, snapshot)
        except (OSError, sqlite3.Error, UnreadableLedgerError) as error:
            self.failed += 1
            self.trouble = f"the ledger could not be written: {error}"
            fault = OwnFaultError(Component.STORE, NOT_WRITTEN, self.trouble)
            for entry in batch:
                entry.done.set_exception(fault)
        except Exception as error:  # an event that cannot be written must not take others with it, nor end the thread
            for entry in batch if len(batch) > 1 else ():
                self._settle([entry], False)
            if len(batch) == 1:
                batch[0].done.set_exception(error)
        else:
            if any(added) or any(entry.cursor for entry in batch):
                self.trouble = ""
            for entry, events in zip(batch, added, strict=True):
                entry.done.set_result(events)
