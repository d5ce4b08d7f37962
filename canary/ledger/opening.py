"""How SQLite opens a ledger for reading alone: as whoever may only read, beside a prober, or with nobody at it.

Measured with SQLite 3.40. A database that has a write-ahead log (``-wal``) is read with an index of it (``-shm``).
Told no more than ``mode=ro``, SQLite makes both wherever it may, and leaves them there; where it may not, it reads
nothing. So it is told how by what stands beside the database:

- no log, or an empty one without an index: nobody writes. ``immutable=1`` opens the database alone, and locks nothing.
- a log with an index: a prober runs, or was killed. ``readonly_shm=1`` takes the index as it is. The log is opened
  read-write by whoever may (SQLite has no other way), and never written.
- a log without an index: a copy. In exclusive mode the index is made in memory. That mode wants a lock which a file
  that is open for reading cannot have; ``vfs=unix-none`` locks nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canary.ledger.reading import Connect, LentConnections, UnreadableLedgerError
from canary.ledger.version import VERSION, refuse_newer
from canary.model import Component, OwnFaultError
from canary.private import NotPrivateError, kind

_PATIENCE = 30.0
"""Seconds that a reader waits for who changes the database beyond adding to it."""

_CACHE = 512
"""KiB of pages that each such connection keeps: there is one a thread, and what they read is mostly new."""

_IMMUTABLE, _SHARED, _ALONE = "immutable=1", "readonly_shm=1", "vfs=unix-none"


@contextmanager
def read_only(file: Path) -> Iterator[Connect]:
    """Connections to an SQLite file that is never written; nothing is made beside it.

    Raises :class:`canary.model.OwnFaultError` (component store) if there is none, if it cannot be read, or if somebody
    began to write in it meanwhile (whoever locks nothing is not waited for).
    """
    try:
        before, way = _stamp(file), _way(file)
    except FileNotFoundError:
        raise _unusable(f"there is no ledger in {file.parent}: `cpr-canary run` makes it") from None
    except OSError as error:
        raise _unusable(f"cannot read the ledger in {file.parent}: {error.strerror}") from error
    connections = LentConnections(lambda: _connect(file, way))
    failed: Exception | None = None
    try:
        _check_version(connections, file)
        yield connections.lend
    except (sqlite3.Error, UnreadableLedgerError) as error:
        failed = error
    finally:
        connections.close()
    if way != _SHARED and _stamp(file) != before:
        raise _unusable(f"the ledger in {file.parent} was written to while it was read; do it again") from failed
    if isinstance(failed, UnreadableLedgerError):
        raise failed
    if failed:
        raise UnreadableLedgerError(f"{file}: {failed}") from failed


def read_beside(file: Path) -> sqlite3.Connection:
    """A connection that reads what this very process writes by others. Raises sqlite3.Error."""
    connection = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size=-{_CACHE}")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _way(file: Path) -> str:
    log, index = (file.with_name(f"{file.name}-{what}") for what in ("wal", "shm"))
    for part in (file, log, index):
        if part.exists() and not part.is_file():  # SQLite would wait for whoever writes into a FIFO
            raise NotPrivateError(f"{part} is {kind(part.stat().st_mode)}, wanted a file")
    if log.exists() and index.exists():
        return _SHARED
    return _ALONE if log.exists() and log.stat().st_size else _IMMUTABLE


def _connect(file: Path, way: str) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?mode=ro&{way}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    if way == _ALONE:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    return connection


def _check_version(connections: LentConnections, file: Path) -> None:
    with connections.lend() as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    refuse_newer(version)
    if version < VERSION:
        raise _unusable(f"the ledger in {file.parent} is of an earlier version: `cpr-canary run` brings it up to date")


def _stamp(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _unusable(detail: str) -> OwnFaultError:
    return OwnFaultError(Component.STORE, "unusable", detail)
