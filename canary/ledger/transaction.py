"""One commit in the making: events are folded into a copy of the state, and written with what is derived from them.

Nobody else sees the copy. A transaction that fails is dropped, and the state that was published stays.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from canary.ledger.event_reader import EventReader
from canary.ledger.events import LARGEST, Event, EventKind, naming, placed, timestamp
from canary.ledger.results import result, to_row
from canary.ledger.schema import INSERT_EVENT, INSERT_RESULT
from canary.ledger.state import Fold, OpenProbe, State, dump, fold_probe


class Transaction:
    """What is written in one transaction of ``connection``, which has begun; ``state`` is what was published last."""

    def __init__(self, connection: sqlite3.Connection, state: State) -> None:
        self._connection = connection
        self._written = EventReader(lambda: nullcontext(connection))
        self._fold = Fold(self._find, state)
        self._rows: list[_Row] = []
        self._results: list[dict[str, Any]] = []

    def catch_up(self) -> None:
        """Take in what other processes have written since."""
        for event in self._written.events(after=self._fold.seq):
            self._fold.apply(event)

    def is_current(self, judged: OpenProbe) -> bool:
        """Whether nothing became known of a probe since it was judged: values never change, they are replaced."""
        return self._fold.open.get(judged.case.probe.id) is judged

    def add(self, new: Sequence[Event]) -> list[Event]:
        """Write events that say something new; returns them as a restart would read them.

        Raises ValueError for an event of more than :data:`canary.ledger.events.LARGEST` bytes.
        """
        added: list[Event] = []
        for event in new:
            if self._fold.accepts(event):
                form, stored = placed(self._whole(event), self._fold.seq + 1)
                self._rows.append(_row(form, stored))
                if stored.kind is EventKind.FINISHED:
                    self._results.append(self._result(stored))
                self._fold.apply(stored)
                added.append(stored)
        return added

    def move(self, name: str, place: Mapping[str, Any]) -> None:
        """Write where a watcher stands now."""
        self._connection.execute("REPLACE INTO cursor VALUES (?, ?)", (name, json.dumps(dict(place)).encode()))

    def finish(self) -> State:
        """The state as it is once this is committed. Nothing can be added any more."""
        self._flush()
        state = self._fold.state()
        del self._fold  # it knows us: without this, each state that was published would stay until garbage is searched
        return state

    def _whole(self, event: Event) -> Event:
        """The event with what only its place in the ledger tells: the end of a probe names all that led to it."""
        if event.kind is not EventKind.FINISHED:
            return event
        return naming(event, self._fold.open[event.probe or ""].events)

    def _result(self, finished: Event) -> dict[str, Any]:
        known = self._fold.open[finished.probe or ""]
        return to_row(result(known.case.probe, known.scheduled, known.deadline, finished))

    def _flush(self) -> None:
        self._connection.executemany(INSERT_EVENT, self._rows)
        self._connection.executemany(INSERT_RESULT, self._results)
        self._rows, self._results = [], []

    def _find(self, probe: str, upto: int) -> OpenProbe | None:
        """A probe of which this very transaction may have written something."""
        self._flush()
        return fold_probe(probe, self._written.events(probe=probe, upto=upto))


def keep_snapshot(connection: sqlite3.Connection, state: State) -> None:
    """Write the state down, unless this one is."""
    if connection.execute("SELECT max(seq) FROM snapshot").fetchone() != (state.seq,):
        connection.execute("DELETE FROM snapshot")
        connection.execute("INSERT INTO snapshot VALUES (?, ?)", (state.seq, dump(state)))


_Row = tuple[int, str, str, str | None, bytes]


def _row(form: bytes, event: Event) -> _Row:
    if len(form) > LARGEST:
        raise ValueError(f"an event {event.kind} of {len(form)} bytes is too large, want at most {LARGEST}")
    return event.seq, timestamp(event.at), event.kind.value, event.probe, form
