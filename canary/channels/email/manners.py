"""What a submission server was found not to bear, remembered for it as long as it is written to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from canary.budgets import SMTP_SLOW
from canary.channels.email.smtp import Lost, Refusal
from canary.model import CanaryError

_OUT_OF_STEP = range(500, 505)
"""Replies to a command that was not understood, or not expected there (RFC 5321 section 4.2.2)."""
_TOO_FAST = re.compile("pipelin|synchroni[sz]|too (?:fast|early|soon)|out of (?:order|sequence)", re.IGNORECASE)
_CLOSING = 421


@dataclass(slots=True)
class Manners:
    """How to speak to one server; changed by what goes wrong there."""

    one_by_one: bool = False
    """It offers PIPELINING (RFC 2920), and is not up to it."""
    patience: float = 1.0
    """How many times as long as configured a reply is waited for."""
    bad_logins: set[str] = field(default_factory=set)
    """Methods of AUTH that it offers, and that do not work."""

    def was_slow(self, timeout: float) -> None:
        """A reply did not come in time: the next may take twice as long, up to what RFC 5321 section 4.5.3.2 asks."""
        self.patience = max(1.0, min(2 * self.patience, (SMTP_SLOW.seconds or timeout) / timeout))


class Misheard(CanaryError):  # noqa: N818  # nothing failed that cannot be said again
    """Commands that were said together had no reply that fits: the server may not have heard them all."""

    def __init__(self, cause: Refusal | Lost) -> None:
        super().__init__(str(cause))
        self.cause = cause


def may_be_misheard(error: Refusal | Lost) -> bool:
    """Whether this may come of commands that were said together, and would not if they were said one at a time."""
    if isinstance(error, Lost):
        return True
    return error.code in _OUT_OF_STEP or error.code == _CLOSING or _TOO_FAST.search(error.text) is not None
