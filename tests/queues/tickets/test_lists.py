"""Lists that have no pages: what changed is asked for from where a full one ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import QUEUES, looked_at
from queues.tickets.contract.znuny import Znuny
from servers.polling import until

from canary.clock import Clock
from canary.queues import WatchResources, loop
from canary.queues.tickets.description import preset
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets

PRESET = Path("canary/queues/tickets/systems/znuny.yaml")


@pytest.fixture
def znuny() -> Iterator[Znuny]:
    with Znuny() as running:
        yield running


@pytest.fixture
def watcher(znuny: Znuny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TicketWatcher]:
    """A watch of a system that tells at most three tickets at once."""
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.05)
    own = tmp_path / "own.yaml"
    own.write_text(PRESET.read_text().replace('Limit: "200"', 'Limit: "3"').replace("most: 200", "most: 3"))
    (tmp_path / "password").write_text("sesame-open-now")
    given = {
        "kind": "tickets", "description": str(own), "url": znuny.url, "queues": QUEUES[:1], "poll": "50ms",
        "username": "canary", "password": {"file": str(tmp_path / "password")},
    }  # fmt: skip
    made = open_tickets("desk", TicketSettings.model_validate(given), WatchResources(Clock()))
    yield made
    made.stop()


def test_a_list_that_is_full_goes_on_from_its_last_ticket(znuny: Znuny, watcher: TicketWatcher) -> None:
    intake = RecordingIntake()
    marks = [intake.probe() for _ in range(8)]
    for number, mark in enumerate(marks):
        znuny.arrive("CPR", mark, age=100 - 10 * number)
    watcher.start(intake)
    until(lambda: len(intake.genuine()) == len(marks), "all of them", 60)
    looked_at(intake, "cpr")
    assert intake.reasons() == []


def test_more_at_one_time_than_a_list_tells_is_told_and_claims_nothing(znuny: Znuny, watcher: TicketWatcher) -> None:
    intake = RecordingIntake()
    at = datetime.now(UTC) - timedelta(seconds=60)
    for number in [znuny.arrive("CPR", intake.probe()) for _ in range(5)]:
        znuny.filed[number].created = znuny.filed[number].updated = at
    watcher.start(intake)
    until(lambda: "too_much" in intake.reasons(), "that it is too much", 60)
    assert "all tickets of a list of 'CPR' changed at one time" in intake.details()
    assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))
    znuny.filed[number].updated = datetime.now(UTC) - timedelta(seconds=5)  # now it changes again: the list goes on
    for other in range(znuny.first_number, number):
        znuny.filed[other].updated = at + timedelta(seconds=other)
    until(lambda: len(intake.genuine()) == 5, "all of them", 60)


def test_the_preset_tells_no_fewer_than_it_asks_for() -> None:
    described = preset("znuny").changed
    assert described.ids is not None
    assert described.paging is not None
    assert described.ids.body["Limit"] == str(described.paging.most)
