"""An intake that keeps what it is handed in memory, with a real keyring: a cursor and what was found together."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from canary.mark import Keyring, new_probe_id
from canary.model import Component, Depth, Forgery, OwnFaultError, Place
from canary.queues import Cursor, Found


class RecordingIntake:
    """A :class:`canary.queues.Intake`. ``probe()`` makes a probe whose mark is genuine, known and sought.

    While it is ``full`` nothing can be written; ``refused`` counts how often that was tried with something found, and
    ``sizes`` has how much was handed in each time.
    """

    def __init__(self) -> None:
        self.full = False
        self.refused = 0
        self.sizes: list[int] = []
        self._keys = Keyring([secrets.token_bytes(32)])
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._sought: list[str] = []
        self._cursors: dict[str, Cursor] = {}
        self._cleanable: dict[str, list[str]] = {}
        self._found: list[Found] = []
        self._looked: dict[str, datetime] = {}
        self._depths: dict[str, Depth] = {}
        self._troubles: list[tuple[Component, str, str]] = []

    def probe(self, *, known: bool = True, sought: bool = True) -> str:
        """The mark of a new probe."""
        ident = new_probe_id()
        mark = self._keys.make(ident, datetime.now(UTC))
        with self._lock:
            if known:
                self._known.add(ident)
            if sought:
                self._sought.append(mark)
        return mark

    # What the test asks

    def found(self, *, queue: str | None = None) -> list[Found]:
        """What was handed in, in order."""
        with self._lock:
            return [found for found in self._found if queue is None or found.place.queue == queue]

    def genuine(self) -> dict[str, str]:
        """The queues by probe id, of what was found and does not claim falsely."""
        return {found.probe: found.place.queue for found in self.found() if found.forgery is None}

    def forged(self) -> dict[str, Forgery]:
        """The forgeries by probe id."""
        return {found.probe: found.forgery for found in self.found() if found.forgery is not None}

    def reasons(self) -> list[str]:
        """The reasons of all troubles, in order."""
        with self._lock:
            return [reason for _, reason, _ in self._troubles]

    def details(self) -> str:
        """The details of all troubles."""
        with self._lock:
            return "\n".join(detail for _, _, detail in self._troubles)

    def looked_since(self, queue: str, at: datetime) -> bool:
        """Whether a reading of the queue to its end began after ``at``."""
        with self._lock:
            return queue in self._looked and self._looked[queue] > at

    def depth(self, queue: str) -> Depth | None:
        """How full the queue was when last counted."""
        with self._lock:
            return self._depths.get(queue)

    def offer(self, name: str, where: str) -> None:
        """Offer a message for clean-up."""
        with self._lock:
            self._cleanable.setdefault(name, []).append(where)

    # What the watcher is given

    @property
    def keys(self) -> Keyring:
        return self._keys

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sought(self, place: Place) -> Iterable[str]:
        with self._lock:
            return list(self._sought)

    def message_ids(self, place: Place) -> Mapping[str, str]:
        return {mark: f"<{mark}@persona.test>" for mark in self.sought(place)}

    def known(self, probe: str) -> bool:
        with self._lock:
            return probe in self._known

    def cursor(self, name: str) -> Cursor | None:
        with self._lock:
            return self._cursors.get(name)

    def hand_in(self, name: str, found: list[Found], cursor: Cursor) -> None:
        if self.full:
            self.refused += bool(found)
            raise OwnFaultError(Component.STORE, "not_written", "the disk is full")
        with self._lock:
            self._found += found
            self._cursors[name] = dict(cursor)
            self.sizes += [len(found)] if found else []

    def looked(self, queue: str, at: datetime, depth: Depth | None = None) -> None:
        with self._lock:
            self._looked[queue] = at
            if depth is not None:
                self._depths[queue] = depth

    def trouble(self, component: Component, reason: str, detail: str) -> None:
        with self._lock:
            self._troubles.append((component, reason, detail))

    def cleanable(self, name: str) -> Iterable[str]:
        with self._lock:
            return list(self._cleanable.get(name, []))
