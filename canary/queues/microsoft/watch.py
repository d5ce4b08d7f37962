"""Watches the message trace of Exchange Online: what became of our reports, for each recipient."""

from __future__ import annotations

from functools import partial

from canary.budgets import TRACE_LOOK
from canary.model import Component
from canary.oauth import Token
from canary.queues import Intake, WatchResources
from canary.queues.microsoft.graph import connected
from canary.queues.microsoft.settings import TraceSettings
from canary.queues.microsoft.tracing import TraceReader, shows
from canary.queues.rest.bearer import BearerLogin
from canary.queues.rest.watching import RestWatcher


def open_trace(name: str, settings: TraceSettings, resources: WatchResources) -> TraceWatcher:
    """A watcher of the message trace ``name``."""
    return TraceWatcher(name, settings, resources)


class TraceWatcher(RestWatcher):
    """A :class:`canary.queues.Watcher` of one tenant's message trace."""

    component = Component.PLATFORM

    def __init__(self, name: str, settings: TraceSettings, resources: WatchResources) -> None:
        super().__init__(name, resources, settings.ca_file)
        self._settings = settings
        self._login = BearerLogin(self.component, settings.auth, settings.auth.client_id, resources.clock)
        self._reader: TraceReader | None = None

    async def look(self, intake: Intake) -> float:
        """Ask for what is sought. Raises OwnFaultError."""
        self._reader = self._reader or TraceReader(self.name, self._settings, intake)
        await self._login.use(partial(self._read, self._reader))
        return self._settings.poll

    def check(self) -> str:
        """Log in, and see for which recipients the trace shows anything. Raises OwnFaultError."""
        return self.asked_once(self._login.use(self._check))

    async def _read(self, reader: TraceReader, token: Token) -> None:
        async with connected(self._settings, token, self._login.echo(), TRACE_LOOK, self.trusted) as client:
            await reader.read(client)

    async def _check(self, token: Token) -> str:
        told = []
        async with connected(self._settings, token, self._login.echo(), TRACE_LOOK, self.trusted) as client:
            for recipient in self._settings.recipients:
                seen = await shows(client, recipient, self.clock.now())
                told.append(f"{recipient.queue} ({'shows' if seen else 'shows no'} messages of the last ten days)")
        return f"message trace at {self._settings.system()['server']} ({token.told()}): {', '.join(told)}"
