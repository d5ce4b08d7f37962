"""What a channel meant when a probe was sent, by the event that the probe names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .base import must
from .history import History

PROMISES = ("acknowledged", "picked_up", "answered", "answer_received")
TOLD = ("kind", "target", "queues", "disclosed_in", "approved_by", "interval", "deadline", "give_up")


def meaning(log: History, scheduled: dict[str, Any], slack: timedelta) -> dict[str, Any]:
    """What the channel of a probe meant, if the probe is one of such a channel."""
    body, seq = scheduled["body"], scheduled["body"]["configured"]
    must(type(seq) is int and seq < scheduled["seq"] and log.events[seq]["kind"] == "configured", "of no configuration")
    told, slug = log.events[seq]["body"], body["channel"]
    channel: dict[str, Any] = told["channels"][slug]
    for event in log.of("configured"):
        between = seq < event["seq"] < scheduled["seq"] and event["when"] + slack < scheduled["when"]
        schedule = told["scheduled"] and event["body"]["scheduled"] and slug in event["body"]["channels"]
        must(not (between and schedule), "of an older configuration")
    must(all(body[name] == channel[name] for name in ("kind", "deadline", "give_up")), "other than its channel")
    must(channel["arrives_in"] and sorted(body["expected"]) == sorted(set(channel["arrives_in"])), "expected elsewhere")
    if channel["queues"].keys() != {"sha256"}:
        must(channel["queues"].keys() == set(channel["arrives_in"]), "other queues")
        must(all(queue["role"] == "monitored" for queue in channel["queues"].values()), "a queue that nobody works")
    owed = {stage: channel[f"{stage}_within"] for stage in PROMISES if channel[f"{stage}_within"] is not None}
    must(body["owed"] == owed, "owes otherwise")
    in_turn = body["sender"] in channel["senders"] and body["variant"] in channel["variants"]
    must(in_turn or not body["in_turn"], "whose turn it was not")
    must(body["blind"] is (scheduled["at"][:10] in channel["blind_on"]), "a blind drill that nobody approved")
    must(not channel["reachability_only"], "a channel to which nothing is sent")
    return {name: channel[name] for name in TOLD}


def seals(value: Any) -> set[str]:
    """Every sealed text in a value, by its hash."""
    if isinstance(value, list):
        return {seal for item in value for seal in seals(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["sealed"]} if isinstance(value.get("sealed"), str) else set()
    return own | {seal for item in value.values() for seal in seals(item)}
