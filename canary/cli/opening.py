"""Opening what a configuration names, for the time of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from canary.clock import Clock
from canary.config import Config
from canary.ledger import Ledger
from canary.ledger.reader import reading
from canary.model import Component, OwnFaultError

if TYPE_CHECKING:
    from canary.evidence.published import PublishedLog
    from canary.evidence.service import Evidence


@contextmanager
def opened(config: Config) -> Iterator[Ledger]:
    """The ledger of a configuration, for the time of a command."""
    ledger = Ledger(config.state)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def published_log(config: Config) -> Iterator[PublishedLog]:
    """The evidence log of a configuration, to read alone; what is wrong with it is our own fault."""
    from canary.evidence.published import PublishedLog  # with keys, of which most commands need nothing

    with reading(config.state) as ledger:
        try:
            yield PublishedLog(ledger, config.state / "evidence", config.origin)
        except OSError as error:
            raise OwnFaultError(Component.STORE, "evidence", str(error)) from error


def opened_evidence(config: Config, ledger: Ledger, clock: Clock | None = None) -> Evidence:
    """The evidence of a ledger as the configuration has it. Raises OwnFaultError if its keys cannot be used."""
    from canary.evidence.service import Evidence  # with keys and HTTP, of which most commands need nothing

    return Evidence(config.evidence, config.state, config.origin, ledger, clock or Clock())
