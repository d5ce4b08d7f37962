"""What events of the installation say of the turns that are due: holds, what is in force, when a prober runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from immutables import Map, MapMutation

from canary.ledger.events import EVERY_CHANNEL, ON_PURPOSE, Event, began, first_part
from canary.ledger.state.due import Absence, Due
from canary.ledger.state.replacing import replace
from canary.ledger.state.totals import ChannelTotals

V = TypeVar("V")
_Channels = MapMutation[str, ChannelTotals]


def each(of: MapMutation[str, V], changed: Callable[[V], V]) -> MapMutation[str, V]:
    """The map with every value changed."""
    return Map({key: changed(value) for key, value in of.finish().items()}).mutate()


def configured(channels: _Channels, event: Event) -> _Channels:
    """With what is in force from now on; the last part of it ends what is in none of its parts."""
    body, at = event.body, event.at.timestamp()
    if not body["scheduled"]:  # it is in force for probes by hand alone: nothing is due by it
        return channels
    first = first_part(event)
    for slug, settings in body["channels"].items():
        totals = channels.get(slug) or ChannelTotals(settings["kind"], min(settings["arrives_in"]))
        channels[slug] = replace(totals, due=totals.due.in_force(settings["interval"], first, at))
    if body["part"] < body["parts"]:
        return channels
    return _each_due(channels, lambda due: due if due.since >= first else due.in_force(0.0, first, at))


def started(channels: _Channels, event: Event, down_since: float) -> _Channels:
    """With a prober that goes on: ``down_since`` is when the one before it told that it stopped, 0 if it did not.

    What was missed since one crashed nobody accounts for.
    """
    at = event.at.timestamp()
    return _each_due(channels, lambda due: due.excuse(Absence.NOT_RUNNING, down_since or at, at))


def hold_began(channels: _Channels, event: Event) -> _Channels:
    """With turns held: those of a channel until that ends, or those of all in a time that is over."""
    slug, reason, at = event.body["channel"], event.body["reason"], event.at.timestamp()
    since = at if reason in ON_PURPOSE else began(event).timestamp()  # what somebody wants is told as it begins
    if slug == EVERY_CHANNEL:
        return _each_due(channels, lambda due: due.excuse(reason, since, at))
    return _one_due(channels, slug, lambda due: due.begin_hold(reason, since, at))


def hold_ended(channels: _Channels, event: Event) -> _Channels:
    """With turns of a channel taken again."""
    return _one_due(channels, event.body["channel"], lambda due: due.end_hold(event.at.timestamp()))


def _one_due(channels: _Channels, slug: str, changed: Callable[[Due], Due]) -> _Channels:
    totals = channels.get(slug)
    if totals is not None:
        channels[slug] = replace(totals, due=changed(totals.due))
    return channels


def _each_due(channels: _Channels, changed: Callable[[Due], Due]) -> _Channels:
    return each(channels, lambda totals: replace(totals, due=changed(totals.due)))
