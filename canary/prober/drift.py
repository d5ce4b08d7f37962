"""What changed on the page of a channel since it was last seen: told before it breaks, and once.

A channel says how it looked by an attribute ``seen`` (names and texts, a field's beginning with ``field``), which
not every kind has. Two servers of one name may take turns: what goes back and forth is told the first time alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from canary.budgets import FORM_SHAPE
from canary.contained import contained
from canary.ledger import State, form_digest
from canary.model import Component

FIELD = "field "
_MOST_TOLD = 8
"""Changes that one sentence tells; the event has the whole."""

_log = structlog.get_logger(__name__)


def seen_by(way: object) -> Mapping[str, str]:
    """How a channel looked on its last visit; nothing for one that does not say so as it must."""
    try:
        found = contained(lambda: dict(getattr(way, "seen", {})))
        parts = [part for item in found.items() for part in item]
        FORM_SHAPE.hold(decoded=sum(map(len, parts)))
    except Exception:  # somebody else's kind
        return {}
    return found if all(isinstance(part, str) for part in parts) else {}


def news(
    slug: str, state: State, seen: Mapping[str, str]
) -> tuple[Mapping[str, str] | None, tuple[tuple[Component, str, str], ...]]:
    """What is to be recorded of how a channel looked: nothing if it is as before, and a trouble where that is drift.

    What could not be asked this time, as the key of a server, counts as it was before.
    """
    channel = state.totals.channels.get(slug)
    before = channel.form if channel else {}
    kept = {name: text for name, text in before.items() if not name.startswith(FIELD)}
    now = kept | dict(seen) if seen else before
    if now == before:
        return None, ()
    changes = drift(before, now) if channel and form_digest(now) not in channel.forms else ""
    if not changes:
        return now, ()
    detail = f"the form of channel {slug} has changed: {changes}"
    _log.warning("a form has changed", channel=slug, changes=changes)
    return now, ((Component.HTTP, "form_changed", detail),)


def drift(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What has changed, in words; nothing where it was never seen before."""
    if not before:
        return ""
    gone = [f"{name} is gone" for name in before if name not in now]
    new = [f"{name} is new ({text})" for name, text in now.items() if name not in before and name.startswith(FIELD)]
    other = [f"{name}: got {now[name]!r}, was {text!r}" for name, text in before.items() if now.get(name, text) != text]
    changes = [*gone, *new, *other]
    more = f"; and {len(changes) - _MOST_TOLD} more" if len(changes) > _MOST_TOLD else ""
    return "; ".join(changes[:_MOST_TOLD]) + more
