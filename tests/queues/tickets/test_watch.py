"""What a watch does while its ticket system misbehaves: it says why, claims nothing, and misses nothing afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from queues.conftest import probe_of
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import QUEUES, looked_at
from servers.contract_tracker import MISBEHAVIOUR, ContractTracker
from servers.polling import until

from canary.clock import Clock
from canary.model import OwnFaultError, Seen
from canary.queues import WatchResources, loop
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets


@pytest.fixture
def tracker() -> Iterator[ContractTracker]:
    with ContractTracker() as running:
        running.open("CPR", "a-stranger", "private words", age=3600)
        yield running


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody minds how often this one is asked."""
    monkeypatch.setattr(loop, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(loop, "REFUSED_PAUSE", 0.05)


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


class Watching:
    """Makes watchers of one tracker."""

    def __init__(self, tracker: ContractTracker, intake: RecordingIntake, folder: Path) -> None:
        self._tracker, self._intake, self._folder = tracker, intake, folder
        self._running: list[TicketWatcher] = []

    def make(self, **changes: Any) -> TicketWatcher:
        secret = self._folder / "token"
        secret.write_text("sesame-open-now")
        given = {"kind": "tickets", "preset": "request-tracker", "url": self._tracker.url, "queues": QUEUES}
        more = {"token": {"file": str(secret)}, "poll": "50ms", "timeout": "1s"}
        settings = TicketSettings.model_validate({**given, **more, **changes})
        return open_tickets("desk", settings, WatchResources(Clock()))

    def start(self, **changes: Any) -> TicketWatcher:
        watcher = self.make(**changes)
        self._running.append(watcher)
        watcher.start(self._intake)
        return watcher

    def stop(self) -> None:
        while self._running:
            self._running.pop().stop()


@pytest.fixture
def watching(tracker: ContractTracker, intake: RecordingIntake, tmp_path: Path) -> Iterator[Watching]:
    made = Watching(tracker, intake, tmp_path)
    yield made
    made.stop()


TOLD = {
    "broken": "unavailable",
    "out of order": "unavailable",
    "limited": "rate_limited",
    "refused": "login_refused",
    "forbidden": "forbidden",
    "elsewhere": "redirected",
    "a page": "garbage",
    "a number": "garbage",
    "nothing": "blind",
    "no list": "garbage",
    "no tickets": "garbage",
    "deep": "garbage",
    "a bomb": "garbage",
    "endless": "too_much",
    "silent": "timeout",
}


def test_each_misbehaviour_is_tried() -> None:
    assert TOLD.keys() == MISBEHAVIOUR.keys()


@pytest.mark.parametrize("how", TOLD)
def test_a_list_that_misbehaves_is_told_and_what_came_meanwhile_is_found(
    how: str, tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    watching.start(timeout="1s" if how == "silent" else "60s")
    looked_at(intake, "cpr")
    tracker.misbehaves["/tickets"] = how
    mark = intake.probe()
    tracker.open("CPR", mark, mark)
    until(lambda: TOLD[how] in intake.reasons(), f"{TOLD[how]}, told: {intake.reasons()}", 60)
    blind = datetime.now(UTC)
    before = len(tracker.asked)
    until(lambda: len(tracker.asked) > before, "another look")
    assert not intake.looked_since("cpr", blind)
    assert intake.found() == [] or how == "nothing"  # then it may be found by its mark
    assert "sesame" not in intake.details()
    tracker.misbehaves.clear()
    looked_at(intake, "cpr")
    assert {(found.seen, found.place.queue) for found in intake.found()} == {(Seen.REPORT, "cpr")}
    assert intake.genuine() == {probe_of(intake, mark): "cpr"}


@pytest.mark.parametrize("where", ["/ticket/2/history", "/transaction/2/", "/attachment/2"])
def test_one_ticket_that_cannot_be_read_keeps_nobody_from_the_others(
    where: str, tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    bad, good = intake.probe(), intake.probe()
    tracker.misbehaves[where] = "a number" if "attachment" not in where else "forbidden"
    tracker.open("CPR", bad, bad)
    tracker.open("CPR", good, good)
    watching.start()
    until(lambda: probe_of(intake, good) in intake.genuine(), "the other report")
    looked_at(intake, "cpr")
    assert probe_of(intake, bad) not in intake.genuine()
    assert "ticket 2 of 'CPR' is passed over for now" in intake.details()
    tracker.misbehaves.clear()
    until(lambda: probe_of(intake, bad) in intake.genuine(), "the report that could not be read")


def test_where_no_ticket_can_be_read_none_is_passed_over_for_good(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    marks = [intake.probe() for _ in range(60)]
    watching.start()
    looked_at(intake, "cpr")
    tracker.misbehaves["/ticket/"] = "a page"
    for mark in marks:
        tracker.open("CPR", mark, mark)
    until(lambda: "like those before" in intake.details(), "that it is the system")
    now = datetime.now(UTC)
    before = len(tracker.asked)
    until(lambda: len(tracker.asked) > before, "another look")
    assert not intake.looked_since("cpr", now)
    tracker.misbehaves.clear()
    until(lambda: len(intake.genuine()) == len(marks), "all of them", 60)


def test_it_is_left_alone_for_as_long_as_it_asks(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    watching.start()
    looked_at(intake, "cpr")
    tracker.misbehaves["/"] = "limited"
    until(lambda: "rate_limited" in intake.reasons(), "that it asks us to wait")
    assert "asked again after 1 s" in intake.details()
    tracker.misbehaves.clear()
    looked_at(intake, "cpr")


def test_a_stranger_is_read_no_further_than_its_headers(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    watching.start()
    looked_at(intake, "cpr")
    tracker.open("CPR", "another-stranger", "more private words")
    looked_at(intake, "cpr")
    assert not [path for path in tracker.asked if path.startswith("/attachment/")]
    assert intake.found() == []
    intake.probe()  # now a mark is sought, which may stand in the text alone
    tracker.open("CPR", "a-third", "most private words")
    until(lambda: [path for path in tracker.asked if path.startswith("/attachment/3")], "a look at the text")
    looked_at(intake, "cpr")
    assert intake.found() == []
    kept = str([intake.cursor(f"desk/{queue['name']}") for queue in QUEUES])
    assert "private" not in kept + intake.details()


def test_a_mark_in_the_text_alone_is_found(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    mark = intake.probe()
    tracker.open("General", "renamed-by-a-gateway", f"A report.\n{mark}\n")
    watching.start()
    until(intake.found, "the report")
    assert [found.place.queue for found in intake.found()] == ["general"]


def test_a_queue_in_which_nothing_is_known_is_not_said_to_be_read(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    tracker.kept.clear()
    watching.start()
    looked_at(intake, "general", "spam")  # nothing is expected there
    assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))
    assert "put a ticket there" in intake.details()
    mark = intake.probe()
    tracker.open("CPR", mark, mark)
    looked_at(intake, "cpr")
    assert intake.genuine() == {probe_of(intake, mark): "cpr"}


def test_what_it_knew_may_be_moved_or_deleted(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching
) -> None:
    older = tracker.open("CPR", "older", age=60)
    watching.start()
    looked_at(intake, "cpr")
    tracker.kept[older].queue = "General"
    looked_at(intake, "cpr")
    tracker.kept[1].status = "deleted"
    tracker.open("CPR", "newer")
    looked_at(intake, "cpr")
    assert intake.reasons() == []


def test_two_hundred_thousand_tickets_at_first_sight(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching, tmp_path: Path
) -> None:
    tracker.fill("CPR", 200_000, age=86_400)
    mark = intake.probe()
    tracker.open("CPR", mark, mark)
    preset = Path("canary/queues/tickets/systems/request-tracker.yaml").read_text()
    own = tmp_path / "own.yaml"
    own.write_text(preset.replace("most: 100}", "most: 1000}"))
    watching.start(preset=None, description=str(own), timeout="30s")
    until(lambda: intake.genuine() == {probe_of(intake, mark): "cpr"}, "the report", 120)
    looked_at(intake, "cpr")
    assert len([path for path in tracker.asked if path.startswith("/ticket/")]) < 10


def test_check_says_what_is_there_and_what_is_missing(tracker: ContractTracker, watching: Watching) -> None:
    queues = "CPR (monitored, shows tickets), General (other, shows no ticket), Spam (junk, shows no ticket)"
    assert watching.make().check().endswith(queues)
    tracker.kept.clear()
    assert "CPR (monitored, shows no ticket, so nothing can be said to be missing from it" in watching.make().check()
    wrong = [{"name": "cpr", "queue": "cpr", "role": "monitored"}]
    with pytest.raises(OwnFaultError, match=r"no queue 'cpr' that the account may see; there are: CPR, General, Spam"):
        watching.make(queues=wrong).check()


@pytest.mark.parametrize("full", [False, True])
def test_a_flood_of_ours_is_handed_in_together_and_also_once_it_can_be_written_again(
    tracker: ContractTracker, intake: RecordingIntake, watching: Watching, full: bool
) -> None:
    """Each hand-in waits for the disk: one a ticket would let a watch fall behind for ever."""
    intake.full = full
    marks = [intake.probe() for _ in range(25)]
    for mark in marks:
        tracker.open("CPR", mark, f"about {mark}", age=30)
    watching.start()
    if full:
        until(lambda: intake.refused > 2, "what cannot be written")
        intake.full = False
    until(lambda: len(intake.genuine()) == 25, "all of them", timeout=60)
    looked_at(intake, "cpr")
    assert {found.probe for found in intake.found()} == {probe_of(intake, mark) for mark in marks}
    assert len(intake.found()) == 25
    assert len(intake.sizes) <= 4
