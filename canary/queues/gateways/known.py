"""Which messages of ours a gateway is known to hold back: what a cursor keeps, so that none is forgotten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from canary.budgets import GATEWAY_HELD


@dataclass(frozen=True, slots=True)
class KnownHeld:
    """A report that is held back: of which probe, with which Message-ID, since when."""

    probe: str
    message_id: str | None
    at: datetime


class KnownHeldBack:
    """Those of one quarantine, by what the gateway calls each; of too many the newest."""

    def __init__(self, text: str = "") -> None:
        kept = json.loads(text) if text else {}
        self._known = {
            ident: KnownHeld(probe, sent, datetime.fromisoformat(at)) for ident, (probe, sent, at) in kept.items()
        }

    def __str__(self) -> str:
        """As a cursor keeps it."""
        return json.dumps(
            {i: [known.probe, known.message_id, known.at.isoformat()] for i, known in self._known.items()}
        )

    def add(self, ident: str, known: KnownHeld) -> None:
        """A message is held back."""
        self._known[ident] = known
        while len(self._known) > (GATEWAY_HELD.number or 0):
            del self._known[next(iter(self._known))]

    def take(self, ident: str) -> KnownHeld | None:
        """A message is held back no more: what was known of it, None if nothing was."""
        return self._known.pop(ident, None)

    def since(self, at: datetime) -> list[str]:
        """Those that are held back since then, or later."""
        return [ident for ident, known in self._known.items() if known.at >= at]

    def of(self, probe: str) -> list[str]:
        """Those that are the report of a probe."""
        return [ident for ident, known in self._known.items() if known.probe == probe]

    def forget(self, before: datetime) -> None:
        """What was held back before then is in no list that is asked for: nothing can be said of it."""
        self._known = {ident: known for ident, known in self._known.items() if known.at >= before}
