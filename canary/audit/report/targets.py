"""What a channel's settings say, in words: where its reports go and must arrive, to compare with what is disclosed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canary.settings import WITHIN
from canary.wording import clock

SEALED = "sealed: of a person"
"""What stands for a personal address; the operator can open it for the auditor."""

_SECONDS = frozenset({"interval", "deadline", "give_up", *WITHIN.values()})
"""Settings that are lengths of time."""


def reached_at(settings: Mapping[str, Any]) -> list[str]:
    """Address or URL of a channel by these settings, a line each."""
    return [
        f"{key.replace('_', ' ')}: {said}"
        for key, value in (settings.get("target") or {}).items()
        if (said := _said(value))
    ]


def arrives_at(settings: Mapping[str, Any]) -> list[str]:
    """The queues in which its reports may be found, each with role, server and folder, a line each."""
    queues = settings.get("queues") or {}
    if is_hash(queues):
        return [_said(queues)]
    return [f"{name} ({queue.get('role', 'no role')}): {_where(queue)}" for name, queue in queues.items()]


def in_words(key: str, value: Any) -> str:
    """The value of a setting or of a part of one, in a line: a length of time as h:min:s."""
    return clock(value) if key in _SECONDS and value is not None else _said(value) or "none"


def is_sealed(value: Any) -> bool:
    """Whether this stands for a text that the log does not tell."""
    return isinstance(value, Mapping) and value.keys() == {"sealed"}


def is_hash(value: Any) -> bool:
    """Whether this stands for what was too large to be told in an event."""
    return isinstance(value, Mapping) and value.keys() == {"sha256"}


def _where(queue: Mapping[str, Any]) -> str:
    return ", ".join(said for key in ("server", "url", "name") if (said := _said(queue.get(key))))


def _said(value: Any) -> str:
    if is_sealed(value):
        return SEALED
    if is_hash(value):
        return f"too large to be told, SHA-256 {value['sha256']}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_said(item) or 'none'}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
