"""What the watchers' tests share: a intake, and watchers that are stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from queues.recording_intake import RecordingIntake
from queues.tap import Tap
from servers.ca_site import CaSite, User
from servers.imap_script import ImapScript
from servers.polling import until

from canary.clock import Clock
from canary.queues import WatchResources
from canary.queues.imap.account import MailAccount
from canary.queues.imap.settings import ImapSettings
from canary.queues.imap.watch import ImapWatcher, open_imap
from canary.settings import Server

Watch = Callable[..., ImapWatcher]
RESOURCES = WatchResources(Clock())


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


@pytest.fixture
def desk(site: CaSite) -> User:
    """The CA's mailbox."""
    return site.add_user("desk", folders=["CPR", "General", "Quarantine"])


def server_of(site: CaSite, user: User, **changes: Any) -> dict[str, Any]:
    """A mailbox's server, as the configuration has it; its password is in a file."""
    secret = Path(site.folder) / f"{user.name}.password"
    secret.write_text(user.password)
    settings = {
        "host": site.imaps[0],
        "port": site.imaps[1],
        "tls": "implicit",
        "ca_file": str(site.ca_file),
        "username": user.name,
        "password": {"file": str(secret)},
        "timeout": "10s",
    }
    return settings | changes


def folder(name: str, role: str, queue: str | None = None) -> dict[str, str]:
    """A folder, as the configuration has it."""
    return {"name": name, "queue": queue or name.lower().replace("/", "-"), "role": role}


ALL = [
    folder("CPR", "monitored"),
    folder("General", "other"),
    folder("Quarantine", "quarantine"),
]
"""The CA's folders, with their roles."""


@pytest.fixture
def watch(site: CaSite, intake: RecordingIntake) -> Iterator[Watch]:
    """Starts watchers of the CA's mailbox, by default of CPR (monitored) alone, and waits until they have looked."""
    running: list[ImapWatcher] = []

    def start(user: User, *, server: dict[str, Any] | None = None, **settings: Any) -> ImapWatcher:
        given = {
            "kind": "imap",
            "folders": [folder("CPR", "monitored")],
            "poll_others": "200ms",
            "poll": "1s",
            **settings,
        }
        model = ImapSettings.model_validate({**given, "server": server or server_of(site, user)})
        watcher = open_imap("desk", model, RESOURCES)
        running.append(watcher)
        watcher.start(intake)
        return watcher

    yield start
    for watcher in running:
        watcher.stop()


def looked(intake: RecordingIntake, *queues: str) -> None:
    """Wait until each queue was read to its end from now on."""
    now = datetime.now(UTC)
    until(lambda: all(intake.looked_since(queue, now) for queue in queues), f"a look into {', '.join(queues)}")


def probe_of(intake: RecordingIntake, mark: str) -> str:
    return intake.keys.read(mark).probe


def plain_server(site: CaSite, user: User, tap: Tap) -> dict[str, Any]:
    """The server through a tap, without TLS, so that the test can read along."""
    return server_of(site, user, host=tap.address[0], port=tap.address[1], tls="none", ca_file=None)


def account_of(script: ImapScript) -> MailAccount:
    """The mailbox of a scripted server."""
    return MailAccount(Server.model_validate(script.server()), RESOURCES.clock)


def forge(mark: str) -> str:
    """The same probe, another MAC."""
    return mark[:32] + ("a" if mark[32] != "a" else "b") + mark[33:]
