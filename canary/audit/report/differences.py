"""What became other from one configuration in force to the next, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from canary.audit.report.targets import in_words, is_hash, is_sealed
from canary.ledger import Inventory
from canary.ledger.events import parse_time
from canary.wording import clock, moment

EVERYWHERE = "every channel"
"""What stands for all channels together."""

_WHOLE = "settings"
"""The entry of a channel or watch that has all its settings, sealed: it says something only where nothing else does."""


def difference(before: Inventory | None, after: Inventory) -> str:
    """In a line; empty if nothing is other."""
    if before is None:
        return f"first record: {len(after.channels)} channels, version {after.version}"
    words = [*_runtime(before, after), *_entries(before, after)]
    for what, old, new, said in (
        ("blackout", before.blackouts, after.blackouts, _blackout),
        ("blind drill", before.blind_drills, after.blind_drills, _drill),
    ):
        words += [f"{what} added: {said(item)}" for item in new if item not in old]
        words += [f"{what} removed: {said(item)}" for item in old if item not in new]
    if not words and before.configuration != after.configuration:
        words.append("settings of neither a channel nor a watch, a blackout or a drill")
    return "; ".join(words)


def _blackout(item: Mapping[str, Any]) -> str:
    of, start, end = in_words("", item["channels"]), parse_time(item["from"]), parse_time(item["until"])
    of = EVERYWHERE if of == "none" else of
    return f"{of}, {moment(start)} to {moment(end)}, {item['reason']}, approved by {item['approved_by']}"


def _drill(item: Mapping[str, Any]) -> str:
    return f"{item['name']}, {in_words('', item['channels'])}, {item['date']}, approved by {item['approved_by']}"


def _runtime(before: Inventory, after: Inventory) -> Iterator[str]:
    if before.version != after.version:
        yield f"version {before.version} became {after.version}"
    if before.python != after.python or before.platform != after.platform:
        yield f"now on Python {after.python}, {after.platform}"
    for rule in sorted(before.retention.keys() | after.retention.keys()):
        was, now = (known.retention.get(rule) for known in (before, after))
        if was != now:
            yield f"retention of {rule} was {clock(was)}, is {clock(now)}"
    if before.sealed_by != after.sealed_by:
        yield "what is sealed is sealed with another key, so whether it is what it was cannot be told"


def _entries(before: Inventory, after: Inventory) -> Iterator[str]:
    """Of channels and watches; what changed alike in several stands once."""
    same_key = before.sealed_by == after.sealed_by
    told: set[str] = set()
    for what, old, new in (
        ("channel", before.channels, after.channels),
        ("watch", before.watches, after.watches),
    ):
        yield from (f"{what} {name} added" for name in sorted(new.keys() - old.keys()))
        yield from (f"{what} {name} removed" for name in sorted(old.keys() - new.keys()))
        alike: dict[str, list[str]] = {}
        for name in sorted(new.keys() & old.keys()):
            for words in _of_entry(old[name], new[name], same_key=same_key):
                alike.setdefault(words, []).append(name)
        yield from (f"{what} {', '.join(names)}: {words}" for words, names in alike.items() if words not in told)
        told |= alike.keys()


def _of_entry(old: Mapping[str, Any], new: Mapping[str, Any], *, same_key: bool) -> Iterable[str]:
    keys = sorted((old.keys() | new.keys()) - {_WHOLE})
    found = [words for key in keys for words in _of_value((key,), old.get(key), new.get(key), same_key=same_key)]
    if not found and same_key and old.get(_WHOLE) != new.get(_WHOLE):
        found.append("settings that are told sealed were changed")
    return found


def _of_value(path: tuple[str, ...], old: Any, new: Any, *, same_key: bool) -> Iterator[str]:
    """What became other in a setting, and in which part of it."""
    if old == new:
        return
    if is_sealed(old) and is_sealed(new):
        if same_key:
            yield f"{_named(path)} was changed, both sealed"
    elif all(isinstance(value, Mapping) and not is_sealed(value) and not is_hash(value) for value in (old, new)):
        for key in sorted(old.keys() | new.keys()):
            yield from _of_value((*path, key), old.get(key), new.get(key), same_key=same_key)
    else:
        yield f"{_named(path)} was {in_words(path[0], old)}, is {in_words(path[0], new)}"


def _named(path: tuple[str, ...]) -> str:
    """The setting and the part of it, as words; the name of a queue as it is."""
    return " ".join(
        part if path[0] == "queues" and place == 1 else part.replace("_", " ") for place, part in enumerate(path)
    )
