"""What a channel meant in a period, version by version: each setting with the times from and until which it held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from canary.audit.period import Period
from canary.audit.report.targets import in_words
from canary.ledger import Inventory


@dataclass(frozen=True, slots=True)
class Version:
    """Settings that were in force from ``start`` until ``end``; None: still, when the period was over."""

    start: datetime
    end: datetime | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A setting of a channel, in words, from ``start`` until ``end``."""

    setting: str
    start: datetime
    end: datetime | None
    words: str


def in_force(known: Iterable[Inventory], period: Period) -> dict[str, tuple[Version, ...]]:
    """By channel: what it meant in the period, oldest first; each time that it was not in force is a gap."""
    found: dict[str, list[Version]] = {}
    for inventory in known:
        for slug, versions in found.items():
            last = versions[-1]
            if last.end is None and inventory.channels.get(slug) != last.settings:
                versions[-1] = replace(last, end=inventory.at)
        for slug, settings in inventory.channels.items():
            versions = found.setdefault(slug, [])
            if not versions or versions[-1].end is not None:
                versions.append(Version(inventory.at, None, settings))
    inside = {
        slug: tuple(one for one in versions if one.end is None or one.end > max(period.since, one.start))
        for slug, versions in found.items()
    }
    return {slug: versions for slug, versions in sorted(inside.items()) if versions}


def of(versions: Iterable[Version], keys: Collection[str] | None = None) -> tuple[Version, ...]:
    """The same by these settings alone (None: by any): what changed in no other way is one version."""
    found: list[Version] = []
    for version in versions:
        known = version.settings.items()
        settings = {key: value for key, value in known if keys is None or key in keys}
        if found and found[-1].settings == settings and found[-1].end == version.start:
            found[-1] = replace(found[-1], end=version.end)
        else:
            found.append(Version(version.start, version.end, settings))
    return tuple(found)


def values(versions: Sequence[Version], *, but: Collection[str] = (), changed: bool = False) -> list[Value]:
    """Every setting but those of ``but``, a value for each version of it; those alone that ``changed``, if asked."""
    keys = dict.fromkeys(key for version in versions for key in version.settings if key not in but)
    found: list[Value] = []
    for key in keys:
        several = of(versions, {key})
        if not changed or any(one.settings != several[0].settings for one in several):
            found += [Value(key, one.start, one.end, in_words(key, one.settings.get(key))) for one in several]
    return found
