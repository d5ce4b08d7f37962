"""What may be configured of Microsoft 365, and what is said of what may not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from canary.model import Role
from canary.queues.microsoft.settings import GraphMailboxSettings, TraceSettings

AUTH = {"kind": "microsoft", "tenant": "ca.test", "client_id": "canary", "secret": {"env": "SECRET"}}
ALICE = {"address": "alice@ca.test", "queue": "alice"}


def made(**changes: Any) -> TraceSettings:
    return TraceSettings.model_validate({"kind": "microsoft_trace", "auth": AUTH, "recipients": [ALICE], **changes})


def test_a_recipient_has_a_place_for_each_fate_and_all_show_the_delivery() -> None:
    settings = made(recipients=[ALICE, {"address": "general@ca.test", "queue": "general", "role": "other"}])
    assert {place.queue: place.role for place in settings.places()} == {
        "alice": Role.MONITORED,
        "alice-junk": Role.JUNK,
        "alice-quarantine": Role.QUARANTINE,
        "general": Role.OTHER,
        "general-junk": Role.JUNK,
        "general-quarantine": Role.QUARANTINE,
    }
    assert all(place.delivery and place.message_id for place in settings.places())
    assert set(settings.names().values()) == {"alice@ca.test", "general@ca.test"}
    assert settings.auth.scope == "https://graph.microsoft.com/.default"


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ([{"folder": "Inbox", "queue": "a", "role": "monitored"}], "String should match pattern"),
        ([{"folder": "inbox/", "queue": "a", "role": "monitored"}], "String should match pattern"),
        ([{"folder": "inbox", "queue": "a", "role": "junk"}] * 2, "two folders have the same folder: inbox, inbox"),
    ],
)
def test_a_mistake_in_the_folders_of_a_mailbox_is_told(folders: list[dict[str, str]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GraphMailboxSettings.model_validate(
            {"kind": "microsoft_mailbox", "auth": AUTH, "mailbox": "desk@ca.test", "folders": folders}
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://graph.microsoft.com/v1.0"}, "http:// is only for loopback addresses"),
        ({"recipients": [ALICE, {**ALICE, "queue": "other"}]}, "the same address: alice@ca.test"),
        ({"recipients": [ALICE, {**ALICE, "address": "ALICE@ca.test", "queue": "o"}]}, "the same address"),
        ({"recipients": [ALICE, {"address": "b@ca.test", "queue": "alice-junk"}]}, "the same queue: alice-junk"),
        ({"recipients": [{**ALICE, "queue": "a" * 30}]}, "want at most 29 characters"),
        ({"recipients": []}, "at least 1"),
        ({"auth": {**AUTH, "secret": None}}, "got neither of secret and certificate"),
    ],
)
def test_a_mistake_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made(**changes)
