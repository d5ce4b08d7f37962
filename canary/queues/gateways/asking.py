"""Asks a mail gateway what it holds back, as its description says."""

from __future__ import annotations

import secrets
from datetime import datetime

from canary.budgets import BudgetError
from canary.model import Component, OwnFaultError
from canary.queues.gateways.description import GatewayDescription, HeldMessage, held_messages
from canary.queues.gateways.settings import WatchedQuarantine
from canary.queues.rest.faults import RestReason
from canary.queues.tickets.client import Names, TicketClient


def gateway_fault(reason: RestReason, detail: str) -> OwnFaultError:
    """A fault of ours with a mail gateway."""
    return OwnFaultError(Component.PLATFORM, reason.value, detail)


def asked_by(watched: WatchedQuarantine, since: datetime, now: datetime) -> dict[str, str]:
    """By which names a quarantine is asked for what was held back from ``since`` until ``now``, both UTC."""
    return {
        "recipient": watched.recipient or "",
        "folder": watched.folder or "",
        "plain": since.strftime("%Y-%m-%dT%H:%M:%S"),
        "time": since.strftime("%Y-%m-%d %H:%M:%S"),
        "until": now.strftime("%Y-%m-%dT%H:%M:%S"),
    }


async def held_back(client: TicketClient, description: GatewayDescription, names: Names) -> list[HeldMessage]:
    """What a list of what is held back tells, each message once, from all its pages. Raises OwnFaultError."""
    found: dict[str, HeldMessage] = {}
    try:
        async for page in client.pages(description.held, names):
            found |= {message.id: message for message in held_messages(page, description.message)}
            if client.asked.enough:
                raise gateway_fault(
                    RestReason.TOO_MUCH, f"what is held back: {client.asked.number} questions, and no end"
                )
    except BudgetError as error:
        raise gateway_fault(RestReason.TOO_MUCH, f"what is held back: {error}") from error
    except ValueError as error:
        raise gateway_fault(RestReason.GARBAGE, f"what is held back: {error}") from error
    return list(found.values())


async def hold_narrow(client: TicketClient, description: GatewayDescription, names: Names) -> None:
    """Raise OwnFaultError if a search by a Message-ID finds what has another one.

    What is found may tell no Message-ID, so it is believed only of a search that finds nothing by one of nobody's.
    """
    nobodys = f"{secrets.token_hex(16)}@nobody.invalid"
    if await held_back(client, description, {**names, "messageid": nobodys}):
        raise gateway_fault(
            RestReason.BLIND,
            "a search by a Message-ID that nobody has finds messages: nothing it finds can be believed",
        )
