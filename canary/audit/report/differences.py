"""What became other from one configuration in force to the next, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from canary.audit.report.redact import redacted
from canary.audit.report.targets import in_words, is_hash, is_sealed
from canary.ledger import Inventory
from canary.ledger.events import parse_time
from canary.wording import clock, moment

Shown = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Settings as they may be read."""

EVERYWHERE = "every channel"
"""What stands for all channels together."""

_WHOLE = "settings"
"""The entry of a channel or watch that has all its settings, sealed: it says something only where nothing else does."""


def difference(before: Inventory | None, after: Inventory, *, redact: bool = False) -> str:
    """In a line; empty if nothing is other. Addresses of people are as :mod:`canary.audit.report.redact` has them."""
    if before is None:
        return f"first record: {len(after.channels)} channels, version {after.version}"
    shown: Shown = redacted if redact else dict
    words = [*_runtime(before, after), *_entries(before, after, _Words(before.sealed_by == after.sealed_by, shown))]
    for what, old, new, said in (
        ("blackout", before.blackouts, after.blackouts, _blackout),
        ("blind drill", before.blind_drills, after.blind_drills, _drill),
    ):
        words += [f"{what} added: {said(shown(item))}" for item in new if item not in old]
        words += [f"{what} removed: {said(shown(item))}" for item in old if item not in new]
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


def _entries(before: Inventory, after: Inventory, words_of: _Words) -> Iterator[str]:
    """Of channels and watches; what changed alike in several stands once."""
    told: set[str] = set()
    for what, old, new in (
        ("channel", before.channels, after.channels),
        ("watch", before.watches, after.watches),
    ):
        yield from (f"{what} {name} added" for name in sorted(new.keys() - old.keys()))
        yield from (f"{what} {name} removed" for name in sorted(old.keys() - new.keys()))
        alike: dict[str, list[str]] = {}
        for name in sorted(new.keys() & old.keys()):
            for words in words_of.entry(old[name], new[name]):
                alike.setdefault(words, []).append(name)
        yield from (f"{what} {', '.join(names)}: {words}" for words, names in alike.items() if words not in told)
        told |= alike.keys()


@dataclass(frozen=True, slots=True)
class _Words:
    """What became other in an entry. ``same_key``: what is sealed can be compared; ``shown`` is what may be read."""

    same_key: bool
    shown: Shown

    def entry(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
        """A channel or a watch, setting by setting."""
        keys = sorted((old.keys() | new.keys()) - {_WHOLE})
        found = [words for key in keys for words in self._value((key,), old.get(key), new.get(key))]
        if not found and self.same_key and old.get(_WHOLE) != new.get(_WHOLE):
            found.append("settings that are told sealed were changed")
        return found

    def _value(self, path: tuple[str, ...], old: Any, new: Any) -> Iterator[str]:
        """What became other in a setting, and in which part of it."""
        if old == new:
            return
        if is_sealed(old) and is_sealed(new):
            if self.same_key:
                yield f"{_named(path)} was changed, both sealed"
        elif all(isinstance(value, Mapping) and not is_sealed(value) and not is_hash(value) for value in (old, new)):
            for key in sorted(old.keys() | new.keys()):
                yield from self._value((*path, key), old.get(key), new.get(key))
        else:
            was, now = (in_words(path[0], self.shown({path[0]: value})[path[0]]) for value in (old, new))
            yield f"{_named(path)} was {was}, is {now}"


def _named(path: tuple[str, ...]) -> str:
    """The setting and the part of it, as words; the name of a queue as it is."""
    return " ".join(
        part if path[0] == "queues" and place == 1 else part.replace("_", " ") for place, part in enumerate(path)
    )
