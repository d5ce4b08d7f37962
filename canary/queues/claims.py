"""Whose something is, by the marks in it: of which probes, or only said to be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from canary.mark import Mark
from canary.model import Forgery
from canary.queues import Intake

_MOST_CLAIMS = 50
"""Tokens of one message that are asked for at the intake: a message may hold thousands of lies."""


def claims(marks: Iterable[Mark], intake: Intake) -> dict[str, Forgery | None]:
    """The probes that a message or a ticket with these marks belongs to, each with what speaks against it.

    A genuine mark decides, of a probe that is not in the ledger too. A token that does not verify is a forgery if it
    names a probe of ours, else random text.
    """
    read = list(islice(marks, _MOST_CLAIMS))
    genuine = {mark.probe for mark in read if mark.genuine}
    if genuine:
        return {probe: None if intake.known(probe) else Forgery.UNKNOWN_ID for probe in sorted(genuine)}
    return {mark.probe: Forgery.BAD_MAC for mark in read if intake.known(mark.probe)}
