"""A state as it is kept on disk, so that a start need not fold from the beginning. Of open probes only the ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import TypeAdapter

from canary.ledger.state.fold import Find
from canary.ledger.state.state import State
from canary.ledger.state.totals import Totals

_Snapshot = tuple[Totals, list[str], Mapping[str, tuple[datetime, ...]]]
_SNAPSHOT: TypeAdapter[_Snapshot] = TypeAdapter(_Snapshot)


def dump(state: State) -> bytes:
    """The totals, the ids of the open probes, and what counts for the rate caps, as JSON."""
    return _SNAPSHOT.dump_json((state.totals, list(state.open), state.recent))


def restore(find: Find, snapshot: bytes, seq: int) -> State:
    """The state as :func:`dump` wrote it at event ``seq``; ``find`` reads the open probes from their events."""
    totals, ids, recent = _SNAPSHOT.validate_json(snapshot)
    found = ((probe, find(probe, seq)) for probe in ids)
    return State(seq, {probe: known for probe, known in found if known is not None}, totals, recent)
