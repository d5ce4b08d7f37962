"""What a configuration opens: channels for each sender, a watcher for each watch, one browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from canary.channels import Channel, Resources, UnusableError
from canary.clock import Clock
from canary.config import Config
from canary.model import Outcome, OwnFaultError
from canary.queues import Intake, Watcher, WatchResources
from canary.queues import kinds as queue_kinds

if TYPE_CHECKING:
    from canary.channels.forms.browser import Browser

_STOPPED_AT_ONCE = 32
"""Watchers that are stopped at the same time; each may take some seconds."""


class Endpoints:
    """The channels and watchers of one configuration. Nothing is connected before it is used."""

    def __init__(self, config: Config, clock: Clock, rng: Random | None = None) -> None:
        self.config = config
        self._resources = Resources(clock, lambda: self.browser, rng or SystemRandom())
        self._channels: dict[tuple[str, str], Channel] = {}
        self.watchers = _watchers(config, WatchResources(clock))
        self._uses, self._unused = 0, asyncio.Event()
        self._unused.set()

    @cached_property
    def browser(self) -> Browser:
        """The one warm browser, made when a channel first asks for it and started when that first needs it."""
        from canary.channels.forms.browser import Browser  # with Playwright, for which others have no use

        return Browser(self.config.browser)

    def channel(self, slug: str, sender: str) -> Channel:
        """The way in through channel ``slug`` for ``sender``, opened once."""
        if (slug, sender) not in self._channels:
            settings, opened = self.config.channels[slug], self.config.open_sender(sender)
            self._channels[slug, sender] = self.config.kind_of(slug).open(settings, opened, self._resources)
        return self._channels[slug, sender]

    @contextmanager
    def in_use(self) -> Iterator[Endpoints]:
        """These endpoints are needed while the context lasts, whatever configuration comes meanwhile."""
        self._uses += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._uses -= 1
            if not self._uses:
                self._unused.set()

    async def look(self, slug: str) -> tuple[Outcome, str]:
        """Look at a channel without submitting: arrived if it could take a report, else whose fault it is."""
        try:
            return Outcome.ARRIVED, await self.channel(slug, self.config.senders_of(slug)[0]).check()
        except UnusableError as error:
            return Outcome.FORM_ERROR, str(error)
        except OwnFaultError as error:
            return Outcome.INDETERMINATE, error.detail

    def start(self, intake: Intake) -> None:
        """Begin to watch all queues and replies."""
        for watcher in self.watchers.values():
            watcher.start(intake)

    def stop_watching(self) -> None:
        """Stop to watch; returns when every connection is closed. One that does not let go holds up no other."""
        with ThreadPoolExecutor(_STOPPED_AT_ONCE) as stopping:
            list(stopping.map(lambda watcher: watcher.stop(), self.watchers.values()))

    async def drain(self) -> None:
        """Let go of channels and browser once nobody uses them: what is being submitted ends by them."""
        await self._unused.wait()
        await self.close()

    async def close(self) -> None:
        """Let go of channels and browser, in use or not."""
        for channel in self._channels.values():
            await channel.close()
        if "browser" in self.__dict__:
            await self.browser.close()


def _watchers(config: Config, resources: WatchResources) -> dict[str, Watcher]:
    """A watcher for each watch under its name, and one for each sender's replies under the name of the place."""
    kinds = queue_kinds()
    watchers = {slug: kinds[settings.kind].open(slug, settings, resources) for slug, settings in config.watch.items()}
    for slug, sender in config.senders.items():
        place, kind = (
            config.replies_of(slug),
            kinds[sender.replies.kind].replies if sender.replies is not None else None,
        )
        if place is not None and kind is not None:
            watchers[place.queue] = kind.open(place, sender.replies, resources)
    return watchers
