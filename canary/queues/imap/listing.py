"""Asks a server for the UIDs of messages, in pieces of a size that both sides can bear, however full the folder is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from canary.queues.imap.connection import Connection, Identity

UIDS_AT_ONCE = 50_000
"""UIDs that one search is about: with ten digits each, half of the longest line that is read."""


def listed(
    connection: Connection, folder: Identity, criteria: Sequence[Any] = (), *, after: int = 0
) -> Iterator[list[int]]:
    """The UIDs above ``after`` in the open folder that meet the search criteria, ascending, a list a search.

    Many lists may be empty. What arrives meanwhile is in the last one or not.
    """
    for piece in _pieces(folder, after):
        found = connection.search(["UID", piece, *criteria])
        # "n:*" means the last message if there is none from n on (RFC 3501 section 6.4.8)
        yield sorted(uid for uid in found if uid > after)


def _pieces(folder: Identity, after: int) -> Iterator[str]:
    """Sets of UIDs, each of at most :data:`UIDS_AT_ONCE` messages and what arrived since the folder was opened."""
    first = after + 1
    while folder.exists > UIDS_AT_ONCE and first + UIDS_AT_ONCE < folder.uidnext:
        yield f"{first}:{first + UIDS_AT_ONCE - 1}"
        first += UIDS_AT_ONCE
    yield f"{first}:*"
