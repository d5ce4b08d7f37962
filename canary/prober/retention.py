"""Runs retention once a day, in a worker thread beside the prober."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from canary.clock import Clock
from canary.config import Config
from canary.evidence.service import Evidence
from canary.ledger import Event, Ledger
from canary.ledger.reading import understood
from canary.ledger.retention import Forgettable, Retention, Rule
from canary.model import Component, OwnFaultError
from canary.prober.loop import Prober
from canary.queues.loop import UNEXPECTED
from canary.settings import format_duration
from canary.threads import in_thread

_FIRST = 60.0
_EVERY = 86_400.0
"""Seconds after the start, and from then on."""

_PART = "retention"
"""What it is called among the parts of the prober."""

_log = structlog.get_logger(__name__)


def kept(config: Config) -> dict[Rule, timedelta]:
    """How long the configuration keeps what."""
    return {rule: timedelta(seconds=getattr(config.retention, rule)) for rule in Rule}


async def forget_daily(prober: Prober, clock: Clock, first: float = _FIRST, every: float = _EVERY) -> None:
    """Forget by the configuration that is running, again and again, until cancelled; a fault is recorded as ours."""
    wait = first
    while True:
        await clock.sleep(wait)
        wait = every
        try:
            forgotten = await in_thread(partial(_forget, prober, clock))
        except Exception as error:  # whatever it is, tomorrow is another day
            fault = error if isinstance(error, OwnFaultError) else _unexpected(error)
            _log.error("what is old could not be forgotten", error=fault.detail, exc_info=fault.__cause__)
            prober.troubles[_PART] = fault.detail
            prober.intake.trouble(fault.component, fault.reason, fault.detail)
        else:
            prober.troubles[_PART] = ""
            counts = {item.rule.value: item.count for item in forgotten if item.count}
            _log.info("forgot what is old", **counts)


def _unexpected(error: Exception) -> OwnFaultError:
    fault = OwnFaultError(Component.STORE, UNEXPECTED, f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault


def _forget(prober: Prober, clock: Clock) -> list[Forgettable]:
    return forget(in_force(prober.ledger, prober.config, clock), prober.evidence)


def in_force(ledger: Ledger, config: Config, clock: Clock) -> Retention:
    """The rules of a configuration at work. Raises OwnFaultError if the newest event that tells rules tells others.

    So no rule works that the record does not have beforehand.
    """
    rules, told = kept(config), ledger.in_force()
    if told is not None:
        with understood("what is in force"):
            _agree(rules, told)
    return Retention(ledger, rules, clock, told.seq if told else 0)


def _agree(rules: dict[Rule, timedelta], told: Event) -> None:
    for rule, keep in rules.items():
        wanted, known = keep.total_seconds(), told.body["retention"][rule.value]
        if wanted != known:
            detail = (
                f"nothing is forgotten: the configuration keeps {rule.value} for {format_duration(wanted)}, and in "
                f"force (event {told.seq}) is {format_duration(known)}; reload the canary or start it, so that the "
                "rule is told before anything is deleted by it"
            )
            raise OwnFaultError(Component.STORE, "retention", detail)


def forget(work: Retention, evidence: Evidence | None) -> list[Forgettable]:
    """Forget, with every event's hash in the evidence before, and its bundles emptied after. Raises OwnFaultError."""
    if evidence is None:
        return work.run()
    head = evidence.advance()
    forgotten = work.run(head.size if head else 0)
    evidence.forget()
    return forgotten
