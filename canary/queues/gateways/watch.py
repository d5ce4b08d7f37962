"""Watches the quarantine of a mail gateway: asks it what it holds back, over connections that last for one look."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from canary.model import Component, OwnFaultError
from canary.queues import Intake, WatchResources
from canary.queues.gateways.asking import asked_by, held_back, hold_narrow
from canary.queues.gateways.description import GatewayDescription
from canary.queues.gateways.reader import GatewayReader
from canary.queues.gateways.settings import GatewaySettings
from canary.queues.rest.watching import RestWatcher
from canary.queues.tickets.client import TicketClient
from canary.queues.tickets.connecting import Connecting, unless_lasting
from canary.queues.tickets.interface import Call
from canary.queues.tickets.recording import Meant, Recording, Steps, steps_of, words_at


def open_gateway(name: str, settings: GatewaySettings, resources: WatchResources) -> GatewayWatcher:
    """A watcher of the gateway ``name``."""
    return GatewayWatcher(name, settings, resources)


class GatewayWatcher(RestWatcher):
    """A :class:`canary.queues.Watcher` of the quarantine of one mail gateway."""

    component = Component.PLATFORM

    def __init__(self, name: str, settings: GatewaySettings, resources: WatchResources) -> None:
        super().__init__(name, resources, settings.ca_file)
        self._settings = settings
        self._connecting = Connecting(settings, resources.clock, self.trusted)
        self._readers: list[GatewayReader] | None = None

    async def look(self, intake: Intake) -> float:
        """Read each quarantine; what is wrong with one keeps us from no other. Raises OwnFaultError."""
        if self._readers is None:
            given = self._settings.quarantines
            self._readers = [GatewayReader(self.name, self._settings, watched, intake) for watched in given]
        return self._settings.poll if await self._connecting.use(partial(self._read, self._readers)) else 0.0

    def check(self) -> str:
        """Log in, and see how much each quarantine shows. Raises OwnFaultError."""
        return self.asked_once(self._connecting.use(self._check))

    def record(self, ticket: str | None) -> str:
        """What is answered to :meth:`check`, without what it says; also if that fails. A gateway has no ``ticket``.

        Raises OwnFaultError where nothing is answered.
        """
        if ticket is not None:
            raise OwnFaultError(Component.CONFIG, "no_tickets", "a mail gateway has no tickets, want none named")
        recording = Recording(self._settings.described.title, partial(status_words, self._settings.described))
        try:
            self.asked_once(self._connecting.use(self._check, recording.heard))
        except OwnFaultError as error:
            if not recording.answers:
                raise
            return recording.told(error.reason)
        return recording.told("well")

    async def _read(self, readers: list[GatewayReader], client: TicketClient) -> bool:
        troubles, done = list[OwnFaultError](), True
        for reader in readers:
            if client.asked.enough:  # the rest is for the next look
                done = False
                break
            with unless_lasting(troubles):
                done = await reader.read(client) and done
        if troubles:
            raise troubles[0]
        return done

    async def _check(self, client: TicketClient) -> str:
        described, now, told = self._settings.described, self.clock.now(), list[str]()
        for watched in self._settings.quarantines:
            names = asked_by(watched, now - timedelta(seconds=described.back), now)
            if described.asks_for_each:
                await hold_narrow(client, described, names)
                told.append(f"{watched.queue} (asked for each report by its Message-ID)")
            else:
                listed = await held_back(client, described, names)
                number = sum(not message.released for message in listed)
                told.append(f"{watched.queue} ({number} held back in the last {described.back / 3600:.0f} h)")
        return f"{described.title} at {self._settings.system()['server']}: {', '.join(told)}"


def status_words(described: GatewayDescription, call: Call) -> Meant:
    """Where in the answer to a question words stand by which a message is held back, or not any more."""
    words: dict[Steps, frozenset[str] | None] = {}
    if call is described.held:
        for path in (*described.message.held, *described.message.released):
            words |= words_at((*steps_of(described.held.items), ""), path, None)
    return words
