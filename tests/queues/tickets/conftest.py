"""What the tests of ticket watches share: a real Request Tracker, and watchers of it that are stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from queues.recording_intake import RecordingIntake
from servers.folders import server_folder
from servers.polling import until
from servers.request_tracker import PASSWORDS, RequestTracker

from canary.clock import Clock
from canary.queues import WatchResources
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets

WatchTickets = Callable[..., TicketWatcher]
PATIENT = 180.0
"""Seconds that something may take where the machine is busy: a request takes two of them then."""
QUEUES = [
    {"name": "CPR", "queue": "cpr", "role": "monitored"},
    {"name": "General", "queue": "general", "role": "other"},
    {"name": "Spam", "queue": "spam", "role": "junk"},
]


@pytest.fixture(scope="session")
def request_tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestTracker]:
    """A Request Tracker, started once, with one stranger's ticket in each queue."""
    with server_folder(tmp_path_factory.mktemp("rt")) as folder, RequestTracker(folder) as running:
        for queue in ("CPR", "General", "Spam"):
            running.act("POST", "/ticket", {"Queue": queue, "Subject": "a stranger's", "Content": "private words"})
        yield running


@pytest.fixture
def rt(request_tracker: RequestTracker) -> RequestTracker:
    return request_tracker


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Puts a secret into a file, as the configuration has it."""

    def put(text: str) -> dict[str, str]:
        path = tmp_path / f"secret-{len(list(tmp_path.iterdir()))}"
        path.write_text(text)
        return {"file": str(path)}

    return put


def settings_of(rt: RequestTracker, **changes: Any) -> TicketSettings:
    """The settings of a watch of Request Tracker, but for a login."""
    given = {"kind": "tickets", "preset": "request-tracker", "url": rt.url, "queues": QUEUES, "poll": "200ms"}
    return TicketSettings.model_validate({**given, **changes})


def fresh_intake(queues: Iterable[Mapping[str, str]] = QUEUES) -> RecordingIntake:
    """One to which these queues are no news: what earlier tests left is behind it."""
    made, now = RecordingIntake(), datetime.now(UTC)
    for queue in queues:
        made.hand_in(f"desk/{queue['name']}", [], {"from": _ago(now, 1), "since": _ago(now, 3)})
    return made


@pytest.fixture
def intake() -> RecordingIntake:
    return fresh_intake()


def _ago(now: datetime, seconds: float) -> str:
    return (now - timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def watch_tickets(
    rt: RequestTracker, secret: Callable[[str], dict[str, str]], intake: RecordingIntake
) -> Iterator[WatchTickets]:
    """Starts watchers of Request Tracker under the name ``desk``."""
    running: list[TicketWatcher] = []

    def start(account: str = "canary", **changes: Any) -> TicketWatcher:
        login = {"username": account, "password": secret(PASSWORDS[account]), "poll": "1s"}
        watcher = open_tickets("desk", settings_of(rt, **{**login, **changes}), WatchResources(Clock()))
        running.append(watcher)
        watcher.start(intake)
        return watcher

    yield start
    for watcher in running:
        watcher.stop()


def looked_at(intake: RecordingIntake, *queues: str) -> None:
    """Wait until each queue was read to its end from now on."""
    now = datetime.now(UTC)
    until(lambda: all(intake.looked_since(queue, now) for queue in queues), f"a look into {', '.join(queues)}", PATIENT)
