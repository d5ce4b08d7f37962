"""What is in force, as events: what every channel means, every watch, blackouts, blind drills, and what runs."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import rfc8785
from pydantic import BaseModel

from canary import __version__
from canary.config import Config, digest
from canary.ledger import Event, EventKind, Ledger
from canary.ledger.events import timestamp, trouble, truncate
from canary.model import Component
from canary.sealing import FILE, SealingKey
from canary.settings import WITHIN

_ROOM = 60_000
"""Bytes of entries in one event: what an event may have, less the fields that every part repeats."""
_LARGEST = ("target", "queues")
"""What an entry that is larger than an event tells by its hash alone."""
_ADDRESS = re.compile(r"[^\s@]@[^\s@]")


def snapshot(
    config: Config, at: datetime, sealing: SealingKey, *, previous: int = 0, scheduled: bool = True
) -> list[Event]:
    """The ``configured`` events of a configuration, as many as it takes; :func:`canary.ledger.inventories` reads them.

    ``previous`` is the number of the first event that told what was in force by the schedule before, 0 for none.
    ``scheduled`` is False for probes by hand. To be appended together.
    """
    common = {
        "configuration": digest(config),
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sealed_by": sealing.id,
        "scheduled": scheduled,
        "previous": previous,
        "retention": {name: getattr(config.retention, name) for name in type(config.retention).model_fields},
    }
    parts = _parts(_Telling(config, sealing))
    numbered = [common | part | {"part": number, "parts": len(parts)} for number, part in enumerate(parts, 1)]
    return [Event(EventKind.CONFIGURED, at, body) for body in numbered]


def sealed_anew(ledger: Ledger, sealing: SealingKey, at: datetime) -> list[Event]:
    """That another key sealed until now, which was lost: what it sealed, this one does not open. Nothing, if none did.

    Raises OwnFaultError if the ledger cannot be read.
    """
    before = next(ledger.events(kind=EventKind.CONFIGURED, newest=1), None)
    known = before.body.get("sealed_by") if before is not None else None
    if known in (None, sealing.id):
        return []
    detail = (
        f"what was sealed until now was by the key {known}, and {ledger.folder / FILE} has {sealing.id}: what was "
        "sealed before cannot be opened any more, unless you put that file back from a back-up of the state folder"
    )
    return [trouble(at, Component.CONFIG, "sealing_key", detail)]


def openable(config: Config, *, whole: bool = False) -> Iterator[tuple[str, str]]:
    """Every text of a configuration that its events tell sealed, each with the channel or watch that it is of.

    The settings as a whole are among them if told so.
    """
    for section, name, entry in _Telling(config, _Open()).items():
        if section in ("channels", "watches"):
            told = {key: value for key, value in entry.items() if whole or key != "settings"}
            yield from ((name, text) for text in sealed_in(told))


def sealed_in(value: Any) -> Iterator[str]:
    """What is sealed in an entry of a ``configured`` event."""
    match value:
        case {"sealed": str(sealed)}:
            yield sealed
        case Mapping():
            yield from (sealed for item in value.values() for sealed in sealed_in(item))


class _Open(SealingKey):
    """Seals nothing: what is told stays as it is."""

    def __init__(self) -> None:
        super().__init__(b"")

    def sealed(self, text: str) -> str:
        return text


def _parts(telling: _Telling) -> list[dict[str, Any]]:
    parts, room = [_empty()], _ROOM
    for section, key, whole in telling.items():
        value = _fitting(whole)
        size = _size(value) + len(key) + 4
        if size > room:
            parts.append(_empty())
            room = _ROOM
        room -= size
        if key:
            parts[-1][section][key] = value
        else:
            parts[-1][section].append(value)
    return parts


def _empty() -> dict[str, Any]:
    return {"channels": {}, "watches": {}, "blackouts": [], "blind_drills": []}


def _size(value: Any) -> int:
    return len(rfc8785.dumps(value))


def _fitting(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry that an event has room for: of what is too large, the SHA-256 of its canonical JSON is told."""
    fitting = dict(entry)
    for key in _LARGEST:
        if key in fitting and _size(fitting) > _ROOM:
            fitting[key] = {"sha256": sha256(rfc8785.dumps(fitting[key])).hexdigest()}
    return fitting


class _Telling:
    """A configuration as events tell it: personal addresses, accounts, and the settings as a whole are sealed."""

    def __init__(self, config: Config, sealing: SealingKey) -> None:
        self._config, self._sealing = config, sealing
        self._places = {
            place.queue: self._place(name, place.queue, place.role)
            for name, watch in config.watch.items()
            for place in watch.places()
        }

    def items(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Section, key (empty in a list) and value of each entry."""
        for slug in self._config.channels:
            yield "channels", slug, self._channel(slug)
        for name in self._config.watch:
            yield "watches", name, self._watch(name)
        for blackout in self._config.blackouts:
            window = {"from": timestamp(blackout.start), "until": timestamp(blackout.until)}
            told = {"channels": list(blackout.channels), "reason": truncate(blackout.reason)}
            yield "blackouts", "", window | told | {"approved_by": truncate(blackout.approved_by)}
        for drill in self._config.blind_drills:
            day = {"name": truncate(drill.name), "date": drill.date.isoformat()}
            told = {"channels": list(drill.channels), "approved_by": truncate(drill.approved_by)}
            yield "blind_drills", "", day | told

    def _channel(self, slug: str) -> dict[str, Any]:
        settings = self._config.channels[slug]
        return {
            "kind": settings.kind,
            "disclosed_in": list(settings.disclosed_in),
            "approved_by": truncate(settings.approved_by),
            "target": self._target(slug),
            "interval": settings.interval,
            "deadline": settings.deadline,
            "give_up": settings.give_up,
            **{key: getattr(settings, key) for key in WITHIN.values()},
            "arrives_in": list(settings.arrives_in),
            "queues": {queue: self._places[queue] for queue in settings.arrives_in},
            "senders": list(self._config.senders_of(slug)),
            "variants": list(self._config.variants_of(slug)),
            "reachability_only": settings.reachability_only,
            "blind_on": [drill.date.isoformat() for drill in self._config.blind_drills if slug in drill.channels],
            "settings": self._whole(settings),
        }

    def _target(self, slug: str) -> dict[str, Any]:
        settings = self._config.channels[slug]
        personal = settings.addresses() if self._config.kind_of(slug).person else ()
        return {key: self._sealed(str(value)) if key in personal else value for key, value in settings.target().items()}

    def _watch(self, name: str) -> dict[str, Any]:
        settings = self._config.watch[name]
        queues = {place.queue: self._places[place.queue] for place in settings.places()}
        return {"kind": settings.kind, "queues": queues, "settings": self._whole(settings)}

    def _place(self, name: str, queue: str, role: str) -> dict[str, Any]:
        """What a queue is: in which system, by which account, under which name, and what for."""
        settings = self._config.watch[name]
        system = {
            key: self._sealed(text) if key == "account" or _ADDRESS.search(text) else truncate(text)
            for key, text in {**settings.system(), "name": settings.names()[queue]}.items()
        }
        return {"watch": name, "kind": settings.kind, "role": str(role), **system}

    def _whole(self, settings: BaseModel) -> dict[str, str]:
        """All settings, where each secret is among them and no secret: that something else was changed shows."""
        return self._sealed(rfc8785.dumps(settings.model_dump(mode="json", by_alias=True)).decode())

    def _sealed(self, text: str) -> dict[str, str]:
        return {"sealed": self._sealing.sealed(text)}
