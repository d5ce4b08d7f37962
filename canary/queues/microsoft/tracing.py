"""Reads a message trace: what became of each report that is sought, for each recipient, asked for by its Message-ID.

So nothing of a stranger's mail is asked for. The trace lags behind, and an answer without a row proves nothing: that it
still shows what there is, is proved by a message of ours that it showed before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from canary.budgets import TRACE_ROWS, TRACE_SOUGHT
from canary.model import Component, OwnFaultError, TimeSource
from canary.queues import Found, Intake
from canary.queues.microsoft.fates import (
    FATES,
    TraceRow,
    TraceStep,
    fate_of,
    is_of,
    told,
    trace_row,
    trace_steps,
    when,
)
from canary.queues.microsoft.graph import GraphClient, fault, odata_time, quoted
from canary.queues.microsoft.settings import TracedRecipient, TraceSettings
from canary.queues.rest.by_message_id import AskedById
from canary.queues.rest.faults import RestReason
from canary.queues.rest.together import Together

TRACES = "/admin/exchange/tracing/messageTraces"
_LONGEST_WINDOW = timedelta(days=10) - timedelta(minutes=1)
"""The longest time that one question may be about."""
_KEPT = timedelta(days=89)
"""For so long a trace is kept, and a day less."""
_AROUND = timedelta(hours=1)
_RESOLUTION = 0.5
"""Seconds, more or less, that its times are exact to."""
_OF_A_MESSAGE = (RestReason.GARBAGE, RestReason.TOO_MUCH, RestReason.PROTOCOL)
"""Faults that may be those of one message alone."""
_OF_STEPS = (*_OF_A_MESSAGE, RestReason.UNAVAILABLE, RestReason.TIMEOUT, RestReason.FORBIDDEN)
"""Those of the steps of a row, without which it is known what became of a message, and not when."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class TraceReader:
    """Knows what it has told of what is sought; the client is lent to each call."""

    def __init__(self, watch: str, settings: TraceSettings, intake: Intake) -> None:
        self.name, self._settings, self._intake = watch, settings, intake
        self._delay = timedelta(seconds=settings.delay)
        self._recipients = {one.address.casefold(): one for one in settings.recipients}
        self._cursor = dict(intake.cursor(watch) or {})
        self._ours = Together(intake, watch, lambda: self._cursor)
        self._sought = AskedById((one.delivered for one in settings.recipients), intake, TRACE_SOUGHT)
        self._handed: dict[str, set[tuple[str, str, str]]] = {}
        """What was handed in of it: row, recipient, status. Nothing rests on it."""
        self._ahead = timedelta()
        """By how much the clock of the platform is ahead of ours, as its last answer tells."""
        self._shown = self._told_blind = False

    async def read(self, client: GraphClient) -> None:
        """Ask for what is sought, what was not asked for the longest first. Raises OwnFaultError, also where blind."""
        began, troubles = self._intake.now(), list[OwnFaultError]()
        self._shown = False
        with self._ours.look():
            for mark, message_id in self._sought.due():
                if client.asked.enough:
                    break
                at = self._intake.now()
                try:
                    if await self._message(client, mark, message_id):
                        self._sought.asked(mark, at)
                except OwnFaultError as error:
                    if error.reason not in _OF_A_MESSAGE:
                        raise
                    troubles.append(error)
        self._handed = {mark: handed for mark, handed in self._handed.items() if mark in self._sought}
        proved = self._shown or await self._proved(client)
        if troubles:
            raise troubles[0]
        since = self._sought.all_since(began)
        if proved and since is not None:
            for place in self._settings.places():
                self._intake.looked(place.queue, since - self._delay)

    async def _message(self, client: GraphClient, mark: str, message_id: str) -> bool:
        """Find what is new of one message; whether that is all that can be known now."""
        now = self._now(client)
        rows = await self._rows(client, message_id, now - _LONGEST_WINDOW, now)
        handed = self._handed.setdefault(mark, set())
        for row in rows:
            recipient = self._recipients.get(row.recipient.casefold())
            key = (row.id, row.recipient, row.status)
            if recipient is None or row.status not in FATES or key in handed:
                continue
            if client.asked.enough:
                return False
            steps = await self._steps(client, row)
            item = self._found(row, steps, recipient, self._now(client), mark, message_id)
            if item is not None:
                self._ours.add([item])
                handed.add(key)
        return True

    async def _rows(self, client: GraphClient, message_id: str, since: datetime, until: datetime) -> list[TraceRow]:
        """What is told of a message that was received in that time. Of other messages nothing is looked at."""
        times = f"receivedDateTime ge {odata_time(since)} and receivedDateTime le {odata_time(until)}"
        query = {"$filter": f"messageId eq {quoted(message_id)} and {times}"}
        rows = list[TraceRow]()
        try:
            async for page in client.pages(TRACES, query, TRACE_ROWS):
                rows += [row for row in map(trace_row, page) if is_of(row, message_id)]
        except ValueError as error:
            raise fault(RestReason.GARBAGE, f"what is traced of one message: {error}") from error
        finally:
            self._ahead = client.asked.time - self._intake.now() if client.asked.time else self._ahead
        if rows:
            self._shown = True
            self._know(message_id, max(row.received for row in rows))
        return rows

    async def _steps(self, client: GraphClient, row: TraceRow) -> list[TraceStep]:
        """What was done for a recipient; nothing where that is not told, or not yet."""
        path = f"{TRACES}/{row.id}/getDetailsByRecipient(recipientAddress={quoted(row.recipient)})"
        try:
            status, answer = await client.ask(client.url(path), told=(404,))
            return trace_steps(answer) if status != 404 else []
        except ValueError as error:
            self._intake.trouble(Component.PLATFORM, RestReason.GARBAGE, f"the steps of a message: {error}")
        except OwnFaultError as error:
            if error.reason not in _OF_STEPS:
                raise
            self._intake.trouble(error.component, error.reason, error.detail)
        return []

    def _found(
        self,
        row: TraceRow,
        steps: list[TraceStep],
        recipient: TracedRecipient,
        now: datetime,
        mark: str,
        message_id: str,
    ) -> Found | None:
        """What a row shows of a report; None while it may soon be known when it was."""
        fate, unknown = fate_of(row, steps), (now - row.received).total_seconds()
        assert fate is not None, "nobody asks for a row of which nothing is known"
        at, source, uncertainty = when(fate, steps), TimeSource.RECORD, _RESOLUTION
        if at is None:
            if unknown < self._settings.delay:
                return None
            at, source, uncertainty = self._intake.now(), TimeSource.NOTICED, max(unknown, 0.0)
        place = recipient.places[fate.role] if fate.role is not None else recipient.delivered
        return Found(
            fate.seen,
            self._intake.keys.read(mark).probe,
            place,
            at,
            source,
            uncertainty,
            message_id=message_id,
            detail=told(recipient.queue, fate, steps),
            where=f"{row.id}/{place.queue}",
        )

    async def _proved(self, client: GraphClient) -> bool:
        """Whether the trace shows a message that it showed before; False where none is known.

        Raises OwnFaultError if it does not show it any more.
        """
        known, received = str(self._cursor.get("known", "")), _time(self._cursor.get("received"))
        now = self._now(client)
        if not known or now - received > _KEPT:
            self._tell_once("no report was seen in the message trace yet, so nothing shows that it can be read")
            return False
        if await self._rows(client, known, received - _AROUND, min(received + _AROUND, now)):
            return True
        raise fault(
            RestReason.BLIND,
            f"a report that was received at {received:%Y-%m-%d %H:%M:%S} UTC was in the message trace, and is no "
            "longer shown: may the application still read it?",
        )

    def _know(self, message_id: str, received: datetime) -> None:
        """Keep in mind a message that is there, the newest; it is on disk with the next thing that is handed in."""
        if received > _time(self._cursor.get("received")):
            self._cursor = {"known": message_id, "received": received.isoformat()}

    def _now(self, client: GraphClient) -> datetime:
        """The time by the clock of the platform, as far as it is known: it takes no question about the future."""
        return client.asked.time or self._intake.now() + self._ahead

    def _tell_once(self, what: str) -> None:
        if not self._told_blind:
            self._told_blind = True
            self._intake.trouble(Component.PLATFORM, RestReason.BLIND, what)


async def shows(client: GraphClient, recipient: TracedRecipient, now: datetime) -> bool:
    """Whether the trace shows any message for a recipient, of the last days. Raises OwnFaultError."""
    now = client.asked.time or now
    times = f"receivedDateTime ge {odata_time(now - _LONGEST_WINDOW)} and receivedDateTime le {odata_time(now)}"
    query = {"$filter": f"recipientAddress eq {quoted(recipient.address)} and {times}", "$top": "1"}
    async for page in client.pages(TRACES, query, TRACE_ROWS):
        return bool(page)
    return False


def _time(text: object) -> datetime:
    return datetime.fromisoformat(text) if isinstance(text, str) else _LONG_AGO
