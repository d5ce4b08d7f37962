"""Other IMAP servers than Dovecot, for real: a report is noticed there wherever it lies and its mark stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient
from queues.conftest import RESOURCES, looked
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from servers.courier import courier
from servers.cyrus import cyrus
from servers.polling import until

from canary.model import OwnFaultError
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import ImapWatcher, open_imap

Address = tuple[str, int]
SERVERS: dict[str, Callable[[Path, list[str]], AbstractContextManager[Address]]] = {"cyrus": cyrus, "courier": courier}


@pytest.fixture(params=list(SERVERS))
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    with SERVERS[request.param](tmp_path / "imap", ["CPR", "Junk"]) as running:
        yield running


def watcher(address: Address, *, prefix: str = "INBOX.") -> ImapWatcher:
    account: dict[str, Any] = {"username": "desk", "password": {"env": "USER_OF_TESTS"}, "timeout": "10s"}
    settings = {
        "kind": "imap",
        "server": {"host": address[0], "port": address[1], "tls": "none", **account},
        "folders": [
            {"name": f"{prefix}CPR", "queue": "cpr", "role": "monitored"},
            {"name": f"{prefix}Junk", "queue": "junk", "role": "junk"},
        ],
        "poll": "1s",
        "poll_others": "300ms",
    }
    return open_imap("desk", ImapSettings.model_validate(settings), RESOURCES)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_OF_TESTS", "secret")


def test_a_report_is_noticed(address: Address, intake: RecordingIntake) -> None:
    running, hidden, arrived, junked = watcher(address), intake.probe(), intake.probe(), intake.probe()
    running.start(intake)
    try:
        looked(intake, "cpr", "junk")
        with IMAPClient(*address, ssl=False, timeout=20) as client:
            client.login("desk", "secret")
            client.append("INBOX.CPR", raw(mail("A stranger's")))
            client.append("INBOX.CPR", raw(mail("A report by form", f"It says {hidden}.\n")))
            client.append("INBOX.CPR", raw(mail(f"About {arrived}", Message_ID=f"<{arrived}@persona.test>")))
            client.append("INBOX.Junk", raw(mail(f"About {junked}")))
        places = {intake.keys.read(mark).probe: "cpr" for mark in (hidden, arrived)}
        places[intake.keys.read(junked).probe] = "junk"
        until(lambda: intake.genuine() == places, "every report in its queue")
        until(lambda: intake.depth("cpr"), "the depth of the queue")
        looked(intake, "cpr", "junk")
    finally:
        running.stop()
    assert intake.reasons() == []
    assert all(found.content is not None for found in intake.found())


def test_check_finds_the_folders_and_names_them_where_their_prefix_is_missing(address: Address) -> None:
    assert "INBOX.CPR (monitored, 0 messages)" in watcher(address).check()
    with pytest.raises(OwnFaultError, match=r"did you mean 'INBOX\.CPR' for 'CPR'") as raised:
        watcher(address, prefix="").check()
    assert raised.value.reason == "folder_missing"
    assert "there are: INBOX, INBOX.CPR, INBOX.Junk" in raised.value.detail
