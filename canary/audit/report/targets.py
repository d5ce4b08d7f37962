"""Where a channel's reports go and must arrive by the configuration of the time: to compare with what is disclosed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SEALED = "sealed: of a person"
"""What stands for a personal address; the operator can open it for the auditor."""


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
    return [f"{name} ({queue.get('role', 'no role')}): {_where(queue)}" for name, queue in queues.items()]


def _where(queue: Mapping[str, Any]) -> str:
    return ", ".join(said for key in ("server", "url", "name") if (said := _said(queue.get(key))))


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return _SEALED if "sealed" in value else ", ".join(f"{key} {_said(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return "" if value is None else str(value)
