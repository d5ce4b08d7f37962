"""A state as it is kept on disk, so that a start need not fold from the beginning. Of open probes only the ids.

Read without pydantic: whoever asks how channels stand reads a snapshot and little else. What an older version wrote and
is no longer there is left out, what it did not know is as at the beginning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from immutables import Map

from canary.ledger.events import parse_time, timestamp
from canary.ledger.state.due import Due
from canary.ledger.state.fold import Find
from canary.ledger.state.state import State
from canary.ledger.state.totals import ChannelTotals, Histogram, Newest, Totals


def dump(state: State) -> bytes:
    """The totals, the ids of the open probes, and what counts for the rate caps, as JSON."""
    recent = {channel: [timestamp(at) for at in times] for channel, times in state.recent.items()}
    return json.dumps([state.totals, sorted(state.open), recent], default=_plain).encode()


def _plain(value: Any) -> Any:
    """A value of ours as JSON has it, one level of it: a copy of all of it would take as long as writing it down."""
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return dict(value) if isinstance(value, Map) else sorted(value)


def restore(find: Find, snapshot: bytes, seq: int) -> State:
    """The state as :func:`dump` wrote it at event ``seq``; ``find`` reads the open probes from their events."""
    totals, ids, recent = json.loads(snapshot)
    found = ((probe, find(probe, seq)) for probe in ids)
    return State(
        seq,
        Map((probe, known) for probe, known in found if known is not None),
        _totals(totals),
        Map((channel, _times(times)) for channel, times in recent.items()),
    )


def _totals(found: Mapping[str, Any]) -> Totals:
    known = _known(Totals, found)
    known["channels"] = Map((slug, _channel(channel)) for slug, channel in known.get("channels", {}).items())
    for name in ("clocks", "confirmations"):
        known[name] = {key: tuple(value) for key, value in known.get(name, {}).items()}
    return Totals(**known)


def _channel(found: Mapping[str, Any]) -> ChannelTotals:
    known = _known(ChannelTotals, found)
    known["stages"] = {stage: _histogram(histogram) for stage, histogram in known.get("stages", {}).items()}
    newest = _known(Newest, known.get("newest", {}))
    known["newest"] = Newest(**newest | {"seen_in": frozenset(newest.get("seen_in", ()))})
    known["forms"] = tuple(known.get("forms", ()))
    known["due"] = Due(**_known(Due, known.get("due", {})))
    return ChannelTotals(**known)


def _histogram(found: Mapping[str, Any]) -> Histogram:
    exemplars = {int(bucket): tuple(exemplar) for bucket, exemplar in found.get("exemplars", {}).items()}
    return Histogram(tuple(found["counts"]), found["sum"], exemplars)


def _times(found: list[str]) -> tuple[datetime, ...]:
    return tuple(map(parse_time, found))


def _known(of: Any, found: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: found[field.name] for field in fields(of) if field.name in found}
