"""What a configuration opens: channels for each sender, a watcher for each watch, one browser."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING

import structlog

from canary.channels import Channel, Letters, Resources, UnusableError
from canary.clock import Clock
from canary.config import Config
from canary.contained import BrokenError, contained, ended, traced, words
from canary.judge import PATIENCE
from canary.model import CanaryError, Component, Outcome, OwnFaultError, Probe
from canary.prober.drift import seen_by
from canary.queues import Intake, Watcher, WatchResources
from canary.queues import kinds as queue_kinds
from canary.queues.loop import UNEXPECTED, LoopingWatcher
from canary.threads import begun

if TYPE_CHECKING:
    from canary.channels.forms.browser import Browser

_LOOK_WITHIN = 180.0
"""Seconds for one look at a channel or a watch; what hangs then is given up."""

_STOP_WITHIN = 10.0
"""Seconds in which watchers must have stopped, and channels been closed; what hangs then is given up."""

_log = structlog.get_logger(__name__)


class Endpoints:
    """The channels and watchers of one configuration. Nothing is connected before it is used.

    ``state`` is the state folder of whoever may write there, ``letters`` what comes back to senders, for whoever sends.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        rng: Random | None = None,
        state: Path | None = None,
        letters: Letters | None = None,
    ) -> None:
        self.config = config
        self.told: Mapping[str, int] = {}
        """By channel: the number of the event that says what it means. Set once that is on disk."""
        self._resources = Resources(clock, lambda: self.browser, rng or SystemRandom(), state, letters)
        self._channels: dict[tuple[str, str], Channel] = {}
        self._clock = clock
        self.watchers = _watchers(config, WatchResources(clock))
        self._not_begun: dict[str, str] = {}
        self._uses, self._unused = 0, asyncio.Event()
        self._unused.set()

    @cached_property
    def browser(self) -> Browser:
        """The one warm browser, made when a channel first asks for it and started when that first needs it."""
        from canary.channels.forms.browser import Browser  # with Playwright, for which others have no use

        return Browser(self.config.browser, self._clock)

    @cached_property
    def _queues(self) -> frozenset[str]:
        prompt = [watch for watch in self.config.watch.values() if watch.lag < PATIENCE]
        return frozenset(place.queue for watch in prompt for place in watch.places())

    def elsewhere(self, probe: Probe) -> Collection[str]:
        """The queues that are watched in which a probe would show itself, besides those where it is expected.

        Not those that are so far behind that they cannot be waited for: what they show is told when they do.
        """
        replies = {probe.replies} & self.watchers.keys() if probe.replies else set()
        return (self._queues - probe.expected) | replies

    def hint(self, watch: str) -> None:
        """Have a watcher look at once, if it is one that waits between its looks."""
        if isinstance(watcher := self.watchers.get(watch), LoopingWatcher):
            watcher.hint()

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
            return Outcome.ARRIVED, await self.check_channel(slug, self.config.senders_of(slug)[0])
        except UnusableError as error:
            return Outcome.FORM_ERROR, str(error)
        except OwnFaultError as error:
            return Outcome.INDETERMINATE, error.detail

    def seen(self, slug: str) -> Mapping[str, str]:
        """How a channel looked when :meth:`look` was there."""
        opened = self._channels.get((slug, self.config.senders_of(slug)[0]))
        return seen_by(opened)

    async def check_channel(self, slug: str, sender: str) -> str:
        """What a channel's ``check`` finds. Raises as that does, and nothing else, within a limited time."""
        with _faults_are_ours(f"channel {slug}"):
            contained(partial(self.config.channels[slug].named_at, self._clock.now()))
            channel = contained(partial(self.channel, slug, sender))
            return _words(await ended(channel.check, _LOOK_WITHIN))

    async def check_watch(self, name: str) -> str:
        """What a watcher's ``check`` finds. Raises OwnFaultError, within a limited time."""
        with _faults_are_ours(f"watch {name}"):
            return _words(await ended(partial(begun, self.watchers[name].check), _LOOK_WITHIN))

    async def show_ticket(self, name: str, ticket: str) -> str:
        """What a watch would read of a ticket, in lines. Raises OwnFaultError, within a limited time."""
        return await self._of_tickets(name, "show", ticket)

    async def record_tickets(self, name: str, ticket: str | None) -> str:
        """What a system answers a watch, without what it says, as JSON. Raises OwnFaultError, as that."""
        return await self._of_tickets(name, "record", ticket)

    @property
    def recorded_watches(self) -> list[str]:
        """The watches whose answers can be recorded: of ticket systems, and of mail gateways."""
        return self._able("record")

    def _able(self, method: str) -> list[str]:
        return [name for name, watcher in self.watchers.items() if hasattr(watcher, method)]

    async def _of_tickets(self, name: str, method: str, ticket: str | None) -> str:
        does = getattr(self.watchers.get(name), method, None)
        if does is None:
            can = ", ".join(self._able("show")) or "none"
            raise OwnFaultError(Component.CONFIG, "no_tickets", f"watch {name!r} reads no tickets; these do: {can}")
        with _faults_are_ours(f"watch {name}"):
            return _words(await ended(partial(begun, partial(does, ticket)), _LOOK_WITHIN))

    def start(self, intake: Intake) -> list[str]:
        """Begin to watch all queues and replies; what could not begin, in words.

        That is a fault of ours, and holds up no other.
        """
        failed = []
        for name, watcher in self.watchers.items():
            try:
                contained(partial(watcher.start, intake))
            except Exception as error:
                _log.error("a watcher could not begin", watch=name, error=words(error), exc_info=traced(error))
                self._not_begun[name] = f"it could not begin: {words(error)}"
                failed.append(f"the watcher of {name} could not begin: {words(error)}")
                intake.trouble(Component.CONFIG, UNEXPECTED, failed[-1])
        return failed

    def spare_watchers(self) -> dict[str, Watcher]:
        """The same watchers made anew, for :meth:`watch_again`. Raises OwnFaultError."""
        return _watchers(self.config, WatchResources(self._clock))

    def watch_again(self, spare: dict[str, Watcher], intake: Intake) -> None:
        """Go on watching after :meth:`stop_watching`, with spare watchers: one begins only once."""
        self.watchers, self._not_begun = spare, {}
        self.start(intake)

    def troubles(self) -> dict[str, str]:
        """By watcher why it does not look; empty if it does, as far as it can tell."""
        return {f"watch {name}": self._why_not(name, watcher) for name, watcher in self.watchers.items()}

    def _why_not(self, name: str, watcher: Watcher) -> str:
        ended = "" if getattr(watcher, "running", True) else "its thread has ended"
        return self._not_begun.get(name, ended)

    async def stop_watching(self) -> None:
        """Stop to watch; returns when every connection is closed. One that does not let go holds up no other."""
        await _ended({name: begun(watcher.stop) for name, watcher in self.watchers.items()})

    async def drain(self) -> None:
        """Let go of channels and browser once nobody uses them: what is being submitted ends by them."""
        await self._unused.wait()
        await self.close()

    async def close(self) -> None:
        """Let go of channels and browser, in use or not."""
        await _closed({f"{slug} for {sender}": channel.close for (slug, sender), channel in self._channels.items()})
        if "browser" in self.__dict__:
            await _closed({"browser": self.browser.close})


async def _closed(closing: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    await _ended({name: asyncio.ensure_future(ended(close, _STOP_WITHIN)) for name, close in closing.items()})


def _words(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"its check found {found!r:.80}, want text")
    return found


@contextmanager
def _faults_are_ours(what: str) -> Iterator[None]:
    """Whatever a kind raises that it must not, and that it does not end, is a fault of ours."""
    try:
        yield
    except BrokenError as error:
        raise OwnFaultError(Component.CONFIG, UNEXPECTED, f"{what}: {error}") from error
    except CanaryError:
        raise
    except TimeoutError:
        detail = f"{what} took longer than {_LOOK_WITHIN:g} s to be looked at"
        raise OwnFaultError(Component.CONFIG, "hangs", detail) from None
    except Exception as error:
        raise OwnFaultError(Component.CONFIG, UNEXPECTED, f"{what}: {words(error)}") from error


async def _ended(work: Mapping[str, asyncio.Future[None]]) -> None:
    """Wait until all has ended, for a limited time; what failed or hangs is told."""
    if not work:
        return
    _, hanging = await asyncio.wait(work.values(), timeout=_STOP_WITHIN)
    for name, future in work.items():
        if future in hanging:
            future.cancel()
            _log.error("it does not let go, and is given up", name=name)
        elif not future.cancelled() and (error := future.exception()):
            _log.error("it did not let go as it must", name=name, error=words(error), exc_info=traced(error))


def _watchers(config: Config, resources: WatchResources) -> dict[str, Watcher]:
    """A watcher for each watch under its name, and one for each sender's replies under the name of the place."""
    kinds = queue_kinds()
    watchers = {}
    for slug, settings in config.watch.items():
        with _named(f"watch.{slug}"):
            watchers[slug] = kinds[settings.kind].open(slug, settings, resources)
    for slug, sender in config.senders.items():
        place = config.replies_of(slug)
        kind = kinds[sender.replies.kind].replies if sender.replies is not None else None
        if place is not None and kind is not None:
            with _named(f"senders.{slug}.replies"):
                watchers[place.queue] = kind.open(place, sender.replies, resources)
    return watchers


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Tell whatever is raised as what is wrong there. Raises OwnFaultError."""
    try:
        yield
    except CanaryError:
        raise
    except Exception as error:
        raise OwnFaultError(Component.CONFIG, UNEXPECTED, f"{where} cannot be opened: {words(error)}") from error
