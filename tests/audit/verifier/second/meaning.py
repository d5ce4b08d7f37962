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
    if told["scheduled"] is True and told_at_all(log, scheduled["seq"]):
        rule, ages = start(log.events[seq]), lineage(log, scheduled["seq"], down_to=start(log.events[seq]))
        must(rule in ages, "of a configuration that was not in force")
        must(log.events[rule]["body"]["parts"] == told["parts"], "of another configuration")
        newer = [log.events[age] for age in ages if rule < age < scheduled["seq"]]
        must(all(event["when"] + slack >= scheduled["when"] for event in newer), "of an older configuration")
    elif told_at_all(log, scheduled["seq"]):
        lineage(log, scheduled["seq"], down_to=scheduled["seq"])
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


def start(event: dict[str, Any]) -> int:
    """The first of the events that are one configuration."""
    part, parts = event["body"]["part"], event["body"]["parts"]
    must(type(part) is type(parts) is int and 0 < part <= parts, "no part of a configuration")
    return int(event["seq"] - part + 1)


def told_at_all(log: History, seq: int) -> bool:
    """Whether a checkpoint over an event is told."""
    return any(event["body"]["size"] >= seq for event in log.of("checkpoint"))


def lineage(log: History, seq: int, down_to: int) -> list[int]:
    """What the first checkpoint over an event says to be in force, and each before it, to one no newer than told."""
    over = [e["body"] for e in log.of("checkpoint") if e["body"]["previous"] < seq <= e["body"]["size"]]
    over = [body for body in over if body["size"] in log.heads and log.heads[body["size"]].root.hex() == body["root"]]
    must(over and all(body["configured"] == over[0]["configured"] for body in over), "nothing tells what was in force")
    found, number = list[int](), over[0]["configured"]
    must(type(number) is int and 0 <= number <= over[0]["size"], "no number of an event")
    while number:
        body = log.events[number]["body"]
        must(log.events[number]["kind"] == "configured" and body["scheduled"] is True, "nothing that was in force")
        must(start(log.events[number]) == number, "a part of what was in force")
        found.append(number)
        before = body["previous"]
        must(type(before) is int and 0 <= before < number, "in force before itself")
        number = before if number > down_to else 0
    return found


def recorded(log: History, event: dict[str, Any]) -> None:
    """An event that the seed picked is no configuration that the log does not go by."""
    if event["kind"] == "configured" and event["body"]["scheduled"] is True and told_at_all(log, event["seq"]):
        must(
            start(event) in lineage(log, event["seq"], down_to=start(event)), "a configuration that never was in force"
        )


def seals(value: Any) -> set[str]:
    """Every sealed text in a value, by its hash."""
    if isinstance(value, list):
        return {seal for item in value for seal in seals(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["sealed"]} if isinstance(value.get("sealed"), str) else set()
    return own | {seal for item in value.values() for seal in seals(item)}
