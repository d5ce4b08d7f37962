"""One commit in the making: events are folded into a copy of the state, and written with what is derived from them.

Nobody else sees the copy. A transaction that fails is dropped, and the state that was published stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from canary.ledger.event_reader import EventReader
from canary.ledger.events import LARGEST, Event, EventKind, numbered, read, timestamp
from canary.ledger.results import result, to_row
from canary.ledger.schema import cursors, driver, events, results, snapshots
from canary.ledger.state import Fold, OpenProbe, State, dump, fold_probe

_INSERT_EVENTS, _INSERT_RESULTS = insert(events), insert(results)  # made once, not at every commit


class Transaction:
    """What is written in one transaction of ``connection``, which has begun; ``state`` is what was published last."""

    def __init__(self, connection: Connection, state: State) -> None:
        self._connection = connection
        self._written = EventReader(lambda: nullcontext(driver(connection)))
        self._fold = Fold(self._find, state)
        self._rows: list[dict[str, Any]] = []
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
                row = _row(numbered(event, self._fold.seq + 1))
                added.append(read(row["body"]))
                if event.kind is EventKind.FINISHED:
                    self._results.append(self._result(added[-1]))
                self._rows.append(row)
                self._fold.apply(added[-1])
        return added

    def move(self, name: str, place: Mapping[str, Any]) -> None:
        """Write where a watcher stands now."""
        self._connection.execute(delete(cursors).where(cursors.c.name == name))
        self._connection.execute(insert(cursors), {"name": name, "place": json.dumps(dict(place)).encode()})

    def finish(self) -> State:
        """The state as it is once this is committed. Nothing can be added any more."""
        self._flush()
        state = self._fold.state()
        del self._fold  # it knows us: without this, each state that was published would stay until garbage is searched
        return state

    def _result(self, finished: Event) -> dict[str, Any]:
        known = self._fold.open[finished.probe or ""]
        return to_row(result(known.case.probe, known.scheduled, known.deadline, finished))

    def _flush(self) -> None:
        if self._rows:
            self._connection.execute(_INSERT_EVENTS, self._rows)
            self._rows = []
        if self._results:
            self._connection.execute(_INSERT_RESULTS, self._results)
            self._results = []

    def _find(self, probe: str, upto: int) -> OpenProbe | None:
        """A probe of which this very transaction may have written something."""
        self._flush()
        return fold_probe(probe, self._written.events(probe=probe, upto=upto))


def keep_snapshot(connection: Connection, state: State) -> None:
    """Write the state down, unless this one is."""
    if connection.execute(select(func.max(snapshots.c.seq))).scalar() != state.seq:
        connection.execute(delete(snapshots))
        connection.execute(insert(snapshots), {"seq": state.seq, "book": dump(state)})


def _row(event: Event) -> dict[str, Any]:
    body = event.canonical()
    if len(body) > LARGEST:
        raise ValueError(f"an event {event.kind} of {len(body)} bytes is too large, want at most {LARGEST}")
    return {"seq": event.seq, "at": timestamp(event.at), "kind": event.kind.value, "probe": event.probe, "body": body}
