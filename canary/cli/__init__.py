"""The command ``cpr-canary``: thin commands over the rooms below."""

from __future__ import annotations

from canary.cli.main import main

__all__ = ["main"]
