"""``cpr-canary demo``."""

from __future__ import annotations


def demo() -> None:
    """Show what the canary sees, on an embedded CA with faults in it."""
