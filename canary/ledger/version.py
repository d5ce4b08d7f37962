"""Which version a ledger is of: what is newer than we are is not touched."""

from __future__ import annotations

from canary.model import Component, OwnFaultError

FILE = "ledger.sqlite"
"""The database in the ledger's folder."""

VERSION = 4
"""What SQLite's ``user_version`` says once everything below was done.

Another number wherever tables change, or events say what a canary before cannot read (a new kind, outcome or stage).
"""


def refuse_newer(version: int) -> None:
    """Raise :class:`canary.model.OwnFaultError` (component store) for the ``user_version`` of a newer canary."""
    if version > VERSION:
        detail = f"the ledger was written by a newer canary (format {version}, this one knows {VERSION}): run that one"
        raise OwnFaultError(Component.STORE, "unusable", detail)
