"""The mark keys of a ledger: made with it, and the same ones ever after, or nothing is begun.

Each start records which key is in force. What is on its way is recognised whatever became of the keys, since the
ledger has its mark.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from canary.keyring import FileKeyring, KeyFileError, SpoiltKeysError, begin_anew, open_keyring, rotate
from canary.ledger import EventKind, Ledger
from canary.mark import Keyring, Mark
from canary.model import Component, OwnFaultError

_FILE = "mark.key"
_UNKNOWN = "0" * 16
"""The id of a key that was lost before any start recorded it."""


class LostKeyError(OwnFaultError):
    """The key that was in force is not there: its file is missing, spoilt, or another one."""


class RecallingKeyring(Keyring):
    """A keyring that recognises by heart, too: ``recorded`` tells the mark of a probe that is on its way."""

    def __init__(self, keys: Keyring, recorded: Callable[[str], str | None]) -> None:
        self._of, self._recorded = keys, recorded

    def __repr__(self) -> str:
        return repr(self._of)

    @property
    def ids(self) -> tuple[str, ...]:
        """See :attr:`canary.mark.Keyring.ids`."""
        return self._of.ids

    def make(self, probe: str, at: datetime) -> str:
        """See :meth:`canary.mark.Keyring.make`."""
        return self._of.make(probe, at)

    def read(self, text: str) -> Mark:
        """See :meth:`canary.mark.Keyring.read`; ``made_at`` has no meaning where no key verifies."""
        mark = self._of.read(text)
        known = None if mark.genuine else self._recorded(mark.probe)
        return replace(mark, genuine=True) if known and hmac.compare_digest(known, mark.text) else mark


def keys_of(ledger: Ledger) -> FileKeyring:
    """The keys in the folder of a ledger; made there as long as it has no probe.

    Raises LostKeyError if they are not those that were in force, which says what to restore and how to go on without;
    and OwnFaultError (component config) if they cannot be used.
    """
    path, known = ledger.folder / _FILE, _in_force(ledger)
    try:
        keys = open_keyring(path, create=known is None, grows=True)
    except FileNotFoundError:
        raise _lost(f"{path} is missing, and the ledger beside it has probes", known) from None
    except SpoiltKeysError as error:
        raise _lost(str(error), known) from error
    except (OSError, KeyFileError) as error:
        raise _fault(str(error)) from error
    if known not in (None, _UNKNOWN, *keys.ids, *keys.lost):
        raise _lost(f"{path} has the keys {', '.join(keys.ids)} and not {known}, which was in force last", known)
    return keys


def lost_before(keys: Keyring, ledger: Ledger) -> str | None:
    """What the key file says of the key that was in force last, where that was lost for good."""
    known = _in_force(ledger)
    lost = keys.lost.get(known) if isinstance(keys, FileKeyring) and known is not None else None
    return lost if known not in keys.ids else None


def rotate_keys(ledger: Ledger) -> None:
    """Put a new key on top. Raises as :func:`keys_of` does."""
    keys_of(ledger)
    try:
        rotate(ledger.folder / _FILE)
    except (OSError, KeyFileError) as error:
        raise _fault(str(error)) from error


def go_on_without(ledger: Ledger, why: str) -> None:
    """Make a key in the place of those that are lost for good; the next start records ``why``.

    Raises OwnFaultError (component config) if the key that was in force is there, or cannot be looked at.
    """
    try:
        keys_of(ledger)
    except LostKeyError:
        pass
    else:
        raise _fault(f"{ledger.folder / _FILE} has the key that is in force: nothing is lost, leave out --lost")
    try:
        begin_anew(ledger.folder / _FILE, _in_force(ledger) or _UNKNOWN, why)
    except OSError as error:
        raise _fault(str(error)) from error


def _in_force(ledger: Ledger) -> str | None:
    """The id of the key of the newest start; None as long as there was no probe, and another key does no harm."""
    if not ledger.state.totals.channels:
        return None
    started = next(ledger.events(kind=EventKind.STARTED, newest=1), None)
    return str(started.body.get("mark_key", _UNKNOWN)) if started is not None else _UNKNOWN


def _lost(found: str, known: str | None) -> LostKeyError:
    which = f" (the key {known})" if known not in (None, _UNKNOWN) else ""
    detail = (
        f"{found}: put it back from a back-up of the state folder{which}, with mode 0600. If it is lost for good, "
        "`cpr-canary rotate-key CONFIG --lost REASON` makes another one, and the next start records that; "
        "what is on its way is recognised all the same"
    )
    return LostKeyError(Component.CONFIG, "mark_key", detail)


def _fault(detail: str) -> OwnFaultError:
    return OwnFaultError(Component.CONFIG, "mark_key", detail)
