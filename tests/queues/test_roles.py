"""Whatever a queue is read by, it may be for whatever a queue of a CA is for."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from canary.model import Role
from canary.queues import QueueRole
from canary.queues.google.settings import GmailLabel
from canary.queues.imap.settings import Folder
from canary.queues.microsoft.settings import GraphFolder, TracedRecipient
from canary.queues.tickets.settings import TicketQueue
from canary.settings import Settings

NAMED: list[tuple[type[Settings], dict[str, Any]]] = [
    (Folder, {"name": "INBOX"}),
    (GmailLabel, {"label": "INBOX"}),
    (GraphFolder, {"folder": "inbox"}),
    (TicketQueue, {"name": "General"}),
]
ROLES = get_args(get_args(QueueRole)[0])


def test_a_queue_may_be_for_anything_but_replies() -> None:
    assert set(ROLES) == set(Role) - {Role.REPLIES}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("queue", "named"), NAMED, ids=[kind.__name__ for kind, _ in NAMED])
def test_each_kind_of_queue_takes_each_role(queue: type[Settings], named: dict[str, Any], role: str) -> None:
    assert queue.model_validate({**named, "queue": "general", "role": role}).model_dump()["role"] == role


@pytest.mark.parametrize("role", ["monitored", "transit", "other"])
def test_what_is_delivered_may_have_to_be_taken_on(role: str) -> None:
    """As to a mailbox that a ticket system reads: the trace ends there, and the report has not arrived yet."""
    recipient = TracedRecipient.model_validate({"address": "reports@ca.test", "queue": "reports", "role": role})
    assert (recipient.delivered.role, recipient.delivered.delivery) == (Role(role), True)
