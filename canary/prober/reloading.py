"""Another configuration, made and proven before anything of the running one ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from canary.budgets import RELOAD, BudgetError
from canary.config import Config
from canary.config.proof import unusable
from canary.evidence.generation import Generation
from canary.evidence.service import Evidence
from canary.model import CanaryError, Component, OwnFaultError
from canary.prober.endpoints import Endpoints
from canary.queues import Watcher
from canary.queues.loop import UNEXPECTED
from canary.threads import begun

FIXED: dict[str, Callable[[Config], object]] = {
    "state": lambda config: config.state,
    "web.listen": lambda config: config.web.listen,
    "evidence.origin": lambda config: config.origin,
}
"""What holds from a start to the next one, by its key."""

_INSTEAD = {
    "state": "ledger, keys and kill switch stay where they are until the canary is stopped and started again",
    "web.listen": "it listens elsewhere once it is started again",
    "evidence.origin": "a log has one name, which is that of the first of operator.domains if none is given: "
    "give the old one as evidence.origin, or start again to begin another log",
}
"""What to do who wants it changed."""


class FixedError(CanaryError, ValueError):
    """A configuration that changes what cannot change while the canary runs."""


@dataclass(frozen=True)
class Following:
    """All that a configuration needs, not started yet; ``evidence`` is None where the one that runs stays."""

    endpoints: Endpoints
    evidence: Generation | None
    spare: dict[str, Watcher]
    """What goes on to watch as before, should the new ones not begin."""


async def prepared(
    load: Callable[[], Config], running: Endpoints, evidence: Evidence | None, open_: Callable[[Config], Endpoints]
) -> Following:
    """What another configuration needs, made and proven in a thread. Nothing is connected, nothing of it begins.

    Raises what ``load`` raises, FixedError, and OwnFaultError for whatever else is wrong with it, raises or hangs.
    """
    preparation = _Preparation(load, running, evidence, open_)
    work = begun(preparation.made)
    try:
        async with RELOAD.deadline():
            return await asyncio.shield(work)
    except BudgetError as error:
        raise OwnFaultError(Component.CONFIG, "hangs", f"{error}; it hangs at {preparation.at}") from None


@dataclass
class _Preparation:
    """What is done in the thread, in order; ``at`` is what it is at."""

    load: Callable[[], Config]
    running: Endpoints
    evidence: Evidence | None
    open: Callable[[Config], Endpoints]
    at: str = "the file"

    def made(self) -> Following:
        """Make it. Whatever is raised comes out as an error of ours: plug-ins raise what they like."""
        try:
            return self._made()
        except CanaryError:
            raise
        except BaseException as error:
            detail = f"{self.at} cannot be used: {error!r}"
            raise OwnFaultError(Component.CONFIG, UNEXPECTED, detail) from error

    def _made(self) -> Following:
        config = self.load()
        refuse_fixed(self.running.config, config)
        self.at = "what it names"
        if mistakes := list(unusable(config)):
            raise OwnFaultError(Component.CONFIG, "unusable", "; ".join(mistakes))
        self.at = "evidence"
        generation = self.evidence.prepare(config.evidence) if self.evidence else None
        self.at = "watch"
        endpoints = self.open(config)
        for slug, sender in _ways(config):
            self.at = f"channels.{slug} for sender {sender}"
            endpoints.channel(slug, sender)
        self.at = "watch as it runs now"
        return Following(endpoints, generation, self.running.spare_watchers())


def refuse_fixed(running: Config, wanted: Config) -> None:
    """Raise FixedError for whatever cannot change, by its name, with what to do instead."""
    changed = [
        f"{name}: got {asked(wanted)}, want {asked(running)}, which holds while the canary runs; {_INSTEAD[name]}"
        for name, asked in FIXED.items()
        if asked(wanted) != asked(running)
    ]
    if changed:
        raise FixedError("\n".join(changed))


def _ways(config: Config) -> Iterator[tuple[str, str]]:
    """Every channel, with each sender that writes through it."""
    for slug in config.channels:
        for sender in config.senders_of(slug):
            yield slug, sender
