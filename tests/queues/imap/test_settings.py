"""The settings of a mailbox, and the look at it before anything is run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from queues.conftest import ALL, RESOURCES, folder, server_of
from servers.ca_site import CaSite, User

from canary.model import OwnFaultError
from canary.queues import kinds
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import open_imap


def test_check_names_what_it_found(site: CaSite, desk: User) -> None:
    settings = {"kind": "imap", "server": server_of(site, desk), "folders": ALL}
    said = kinds()["imap"].open("desk", ImapSettings.model_validate(settings), RESOURCES).check()
    assert "desk on 127.0.0.1" in said
    assert "IDLE" in said
    assert "CPR (monitored, 0 messages)" in said


def test_check_names_every_folder_that_is_missing(site: CaSite, desk: User) -> None:
    folders = [folder("CPR", "monitored"), folder("Alpha", "other"), folder("Beta", "quarantine")]
    settings = {"kind": "imap", "server": server_of(site, desk), "folders": folders}
    settings |= {"clean_up": "move", "clean_up_to": "Gamma"}
    with pytest.raises(OwnFaultError, match=r"'Alpha'.*'Beta'.*'Gamma'") as raised:
        open_imap("desk", ImapSettings.model_validate(settings), RESOURCES).check()
    assert raised.value.reason == "folder_missing"


SERVER = {"host": "imap.ca.test", "port": 993, "tls": "implicit", "username": "desk", "password": {"env": "X"}}
GOOD = {"kind": "imap", "server": SERVER, "folders": ALL}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"folders": []}, "at least 1 item"),
        ({"folders": [ALL[0], {**ALL[0], "queue": "other"}]}, "listed twice"),
        ({"folders": [ALL[0], {**ALL[1], "queue": "cpr"}]}, "same queue"),
        ({"folders": [folder("INBOX", "monitored"), folder("Inbox", "junk", "other")]}, "listed twice"),
        ({"junk_queue": "cpr"}, "same queue"),
        ({"server": {k: v for k, v in SERVER.items() if k not in ("username", "password")}}, "no username"),
        ({"clean_up": "move"}, "clean_up_to is None"),
        ({"clean_up_to": "Done"}, "clean_up is keep"),
        ({"clean_up": "move", "clean_up_to": "General"}, "which is watched"),
        ({"clean_up": "delete", "folders": [ALL[0] | {"notifications": True}]}, "which are not ours"),
        ({"folders": [folder("CPR", "replies")]}, "'monitored', 'transit', 'other'"),
        ({"intervall": "5s"}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, object], said: str) -> None:
    ImapSettings.model_validate(GOOD)
    with pytest.raises(ValidationError, match=said):
        ImapSettings.model_validate(GOOD | change)


def test_the_junk_queue_is_one_of_the_places() -> None:
    assert [place.queue for place in ImapSettings.model_validate(GOOD).places()][-1] == "cpr-junk"
    assert len(ImapSettings.model_validate(GOOD | {"find_junk": False}).places()) == 3
    listed = GOOD | {"folders": [*ALL, folder("Spam", "junk")]}
    assert [place.queue for place in ImapSettings.model_validate(listed).places()][-1] == "spam"


def test_a_folder_of_notifications_shows_no_report() -> None:
    folders = [ALL[0] | {"notifications": True}, ALL[1]]
    places = ImapSettings.model_validate(GOOD | {"folders": folders}).places()
    assert [(place.message_id, place.whole) for place in places] == [(False, False), (True, True), (True, True)]
