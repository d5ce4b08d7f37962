"""What was in force, as the report reads it: an inventory with all that a test does not ask for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from canary.ledger import Inventory


def an_inventory(at: datetime, **told: Any) -> Inventory:
    """What is in force from ``at`` on: nothing but what is told."""
    usual: dict[str, Any] = {
        "seq": 1, "configuration": "c" * 64, "version": "0.1.0", "python": "3.11.2", "platform": "Linux",
        "sealed_by": "0" * 16, "scheduled": True, "retention": {}, "channels": {}, "watches": {}, "blackouts": (),
        "blind_drills": (),
    }  # fmt: skip
    return Inventory(at=at, **usual | told)
