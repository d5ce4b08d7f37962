"""What the evidence writes into the ledger, until it is ended: whoever hangs and is given up records nothing later."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from canary.evidence.tiles import EvidenceError
from canary.ledger import Event, Ledger


class EndedError(EvidenceError):
    """It was given up meanwhile, and another one may do its work."""


class EvidenceRecorder:
    """Appends the events of one generation of the evidence. May be used from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ending = threading.Lock()
        self.stopping = threading.Event()
        """Set when it is to end soon: nothing long is begun any more."""
        self.ended = threading.Event()
        """Set when it has ended: nothing is recorded any more."""

    def append(self, event: Event) -> Future[list[Event]]:
        """Hand an event to the ledger. Raises EndedError."""
        with self._ending:
            if self.ended.is_set():
                raise EndedError(f"given up before {event.kind.value} was recorded")
            return self._ledger.append(event)

    def record(self, event: Event) -> Event:
        """Have an event on disk; returns it as it stands there. Raises EndedError, and OwnFaultError."""
        [recorded] = self.append(event).result()
        return recorded

    def end(self) -> None:
        """Let nothing more be recorded."""
        self.stopping.set()
        with self._ending:
            self.ended.set()
