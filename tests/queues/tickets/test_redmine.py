"""A watch of a real Redmine that is fed by its own mail handler: what happens there is told apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from queues.conftest import forge
from queues.recording_intake import RecordingIntake
from queues.tap import Tap
from queues.tickets.conftest import PATIENT, fresh_intake, looked_at
from queues.tickets.test_request_tracker import Told, report, told
from servers.polling import until
from servers.ports import LOOPBACK, Ports
from servers.redmine import Redmine, redmine

from canary.clock import Clock
from canary.model import Actor, Forgery, OwnFaultError, Seen
from canary.queues import WatchResources
from canary.queues.tickets.closing import NOTE
from canary.queues.tickets.settings import TicketSettings
from canary.queues.tickets.watch import TicketWatcher, open_tickets

pytestmark = pytest.mark.timeout(900)  # Rails takes long to load where everything is slow

HUMAN, MACHINE = Actor.HUMAN, Actor.MACHINE
QUEUES = [
    {"name": "cpr", "queue": "cpr", "role": "monitored"},
    {"name": "general", "queue": "general", "role": "other"},
    {"name": "spam", "queue": "spam", "role": "junk"},
]
IN_CPR: Told = (Seen.REPORT, "cpr", None)
TAKEN: Told = (Seen.PICKED_UP, "cpr", HUMAN)
CLOSED: Told = (Seen.CLOSED, "cpr", None)


@pytest.fixture(scope="session")
def running_redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    """A Redmine for all workers of this run, with one stranger's ticket in each project that is watched."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "redmine"
    with redmine(folder) as running:
        yield running


@pytest.fixture
def intake() -> RecordingIntake:
    return fresh_intake(QUEUES)


@pytest.fixture
def port() -> Iterator[int]:
    """One at which nobody listens but the test."""
    ports = Ports()
    yield ports.reserve()
    ports.close()


class Watching:
    """Makes watchers of one Redmine."""

    def __init__(self, server: Redmine, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._started: list[TicketWatcher] = []

    def make(self, **changes: Any) -> TicketWatcher:
        (self._folder / "key").write_text(self._server.key)
        given = {"kind": "tickets", "preset": "redmine", "url": self._server.url, "queues": QUEUES, "poll": "1s"}
        login = {"token": {"file": str(self._folder / "key")}, "timeout": f"{PATIENT:g}s"}
        settings = TicketSettings.model_validate({**given, **login, **changes})
        return open_tickets("desk", settings, WatchResources(Clock()))

    def login(self, account: str) -> dict[str, Any]:
        """By name and password."""
        (self._folder / account).write_text(f"{account}-password")
        return {"token": None, "username": account, "password": {"file": str(self._folder / account)}}

    def start(self, intake: RecordingIntake, **changes: Any) -> TicketWatcher:
        watcher = self.make(**changes)
        self._started.append(watcher)
        watcher.start(intake)
        return watcher

    def stop(self) -> None:
        while self._started:
            self._started.pop().stop()


@pytest.fixture
def watching(running_redmine: Redmine, tmp_path: Path) -> Iterator[Watching]:
    made = Watching(running_redmine, tmp_path)
    yield made
    made.stop()


def test_a_report_that_arrives(running_redmine: Redmine, watching: Watching, intake: RecordingIntake) -> None:
    mark = intake.probe()
    watching.start(intake)
    looked_at(intake, "cpr", "general", "spam")
    running_redmine.import_mail("cpr", report(mark))
    until(intake.found, "the report", PATIENT)
    [found] = intake.found()
    assert (found.seen, found.place.queue, found.forgery) == (Seen.REPORT, "cpr", None)
    assert (found.message_id, found.place.message_id) == (None, False)
    assert found.content is not None
    assert f"A report.\r\n\r\n{mark}" in found.content.text.replace("\n", "\r\n").replace("\r\r", "\r")
    assert "<p>" not in found.content.text
    assert [(file.name, file.content) for file in found.content.files] == [("a.zip", bytes(range(256)))]
    looked_at(intake, "cpr", "general", "spam")
    assert intake.reasons() == []


Happening = Callable[[Redmine, str], None]
Change = Callable[[Redmine, str], None]


def imported(project: str, **issue: str) -> Happening:
    return lambda server, mark: server.import_mail(project, report(mark), **issue)


def then(first: Happening, *changes: Change) -> Happening:
    """A mail comes in, and things are done with its ticket, one after the other."""

    def happen(server: Redmine, mark: str) -> None:
        first(server, mark)
        ticket = server.ticket(mark)
        for change in changes:
            change(server, ticket)

    return happen


def moved(project: str) -> Change:
    return lambda server, ticket: server.change(ticket, project_id=server.id_of("projects", project))


def status(name: str) -> Change:
    return lambda server, ticket: server.change(ticket, status_id=server.id_of("issue_statuses", name))


def taken(user: str = "anna") -> Change:
    return lambda server, ticket: server.change(ticket, user, assigned_to_id=server.id_of("users", "anna"))


def noted(user: str = "anna", **more: object) -> Change:
    return lambda server, ticket: server.change(ticket, user, notes="We look into it.", **more)


def deleted(server: Redmine, ticket: str) -> None:
    server.act("DELETE", f"/issues/{ticket}.json")


def marked_as_duplicate(server: Redmine, ticket: str) -> None:
    """Of a stranger's, which is closed then: Redmine closes both."""
    older = server.act("POST", "/issues.json", {"issue": {"project_id": "general", "subject": "older"}})["issue"]["id"]
    relation = {"issue_to_id": older, "relation_type": "duplicates"}
    server.act("POST", f"/issues/{ticket}/relations.json", {"relation": relation})
    status("Closed")(server, str(older))


def forged(server: Redmine, mark: str) -> None:
    server.import_mail("cpr", report(forge(mark)))


def said_by_another(server: Redmine, mark: str) -> None:
    """In a note on a stranger's ticket: the mark, and a forged one."""
    other = server.act("POST", "/issues.json", {"issue": {"project_id": "cpr", "subject": "a stranger's"}})
    server.change(str(other["issue"]["id"]), notes=f"have you seen {mark} or {forge(mark)}?")


def of_another_installation(server: Redmine, mark: str) -> None:
    server.import_mail("cpr", report(RecordingIntake().probe()))


HAPPENINGS: dict[str, tuple[Happening, Iterable[Told]]] = {
    "arrived": (imported("cpr"), [IN_CPR]),
    "wrong project": (imported("general"), [(Seen.REPORT, "general", None)]),
    "junk": (imported("spam"), [(Seen.REPORT, "spam", None)]),
    "moved into the right project": (then(imported("general"), moved("cpr")), [(Seen.REPORT, "general", None), IN_CPR]),
    "moved out of it": (then(imported("cpr"), moved("spam")), [IN_CPR, (Seen.REPORT, "spam", None)]),
    "in another tracker of the same project": (imported("cpr", tracker="Support"), [IN_CPR]),
    "closed as it came, as its tracker has it": (imported("cpr", tracker="Noise"), [IN_CPR, CLOSED]),
    "taken": (then(imported("cpr"), taken()), [IN_CPR, TAKEN]),
    "answered": (then(imported("cpr"), noted()), [IN_CPR, (Seen.ANSWER, "cpr", HUMAN)]),
    "a private note, which takes a right of its own to see": (
        then(imported("cpr"), noted(private_notes=True)),
        [IN_CPR],
    ),
    "worked on": (then(imported("cpr"), status("In Progress")), [IN_CPR, TAKEN]),
    "closed": (then(imported("cpr"), status("Closed")), [IN_CPR, TAKEN, CLOSED]),
    "answered by a bot": (then(imported("cpr"), noted("robot")), [IN_CPR, (Seen.ACKNOWLEDGEMENT, "cpr", MACHINE)]),
    "taken by a bot": (then(imported("cpr"), taken("robot")), [IN_CPR]),
    "closed as a duplicate": (then(imported("cpr"), marked_as_duplicate), [IN_CPR, TAKEN, CLOSED]),
    "deleted before a look": (then(imported("cpr"), deleted), []),
    "in a project that is not listed": (imported("empty"), [(Seen.REPORT, "others", None)]),
    "in one that may not be seen": (imported("private"), []),
    "never imported": (lambda server, mark: None, []),
    "forged": (forged, [(Forgery.BAD_MAC, "cpr", None)]),
    "in a note of another ticket": (said_by_another, []),
    "of another installation": (of_another_installation, []),
}


def test_what_happened_is_told_apart(running_redmine: Redmine, watching: Watching, intake: RecordingIntake) -> None:
    marks = {name: intake.probe() for name in HAPPENINGS}
    for name, (happen, _) in HAPPENINGS.items():
        happen(running_redmine, marks[name])
    watching.start(intake, elsewhere="others", machines=["Robot Example"])
    looked_at(intake, "cpr", "general", "spam", "others")
    until(lambda: intake.found(queue="others"), "what only a second look finds", PATIENT)
    assert intake.reasons() == []
    assert {name: told(intake, mark) for name, mark in marks.items()} == {
        name: set(wanted) for name, (_, wanted) in HAPPENINGS.items()
    }


def test_what_is_done_with_a_ticket_that_was_seen(
    running_redmine: Redmine, watching: Watching, intake: RecordingIntake
) -> None:
    mark = intake.probe()
    running_redmine.import_mail("cpr", report(mark))
    watching.start(intake)
    until(lambda: told(intake, mark) == {IN_CPR}, "the report", PATIENT)
    noted()(running_redmine, running_redmine.ticket(mark))
    until(lambda: told(intake, mark) == {IN_CPR, (Seen.ANSWER, "cpr", HUMAN)}, "the answer", PATIENT)
    assert intake.reasons() == []


def test_an_account_that_sees_only_its_own_tickets_proves_nothing(watching: Watching, intake: RecordingIntake) -> None:
    watching.start(intake, **watching.login("blind"))
    until(lambda: "blind" in intake.reasons(), "that nothing is shown", PATIENT)
    assert "put a ticket there" in intake.details()
    assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))


def test_it_is_down_and_comes_back(
    running_redmine: Redmine, watching: Watching, intake: RecordingIntake, port: int
) -> None:
    target = (LOOPBACK, running_redmine.port)
    with Tap(target, port=port):
        watching.start(intake, url=f"http://{LOOPBACK}:{port}")
        looked_at(intake, "cpr")
    until(lambda: "unreachable" in intake.reasons(), "that it is down", PATIENT)
    blind, mark = datetime.now(UTC), intake.probe()
    running_redmine.import_mail("cpr", report(mark))
    assert not intake.looked_since("cpr", blind)
    assert intake.found() == []
    with Tap(target, port=port):
        until(lambda: told(intake, mark) == {IN_CPR}, "the report", PATIENT)
        watching.stop()


def test_one_that_does_not_answer_is_waited_for_no_longer_than_is_said(
    running_redmine: Redmine, watching: Watching, intake: RecordingIntake
) -> None:
    with Tap((LOOPBACK, running_redmine.port)) as tap:
        tap.deaf = True
        watching.start(intake, url=f"http://{LOOPBACK}:{tap.address[1]}", timeout="1s")
        until(lambda: "timeout" in intake.reasons(), "that it is slow", PATIENT)
        watching.stop()
    assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))


def test_check_and_what_is_read_of_a_ticket(
    running_redmine: Redmine, watching: Watching, intake: RecordingIntake, tmp_path: Path
) -> None:
    mark = intake.probe()
    running_redmine.import_mail("cpr", report(mark))
    number = running_redmine.ticket(mark)
    with Tap((LOOPBACK, running_redmine.port)) as tap:
        assert "files: a.zip" in watching.make(url=f"http://{LOOPBACK}:{tap.address[1]}").show(number)
    assert tap.said().count(f"GET /issues/{number}.json?include=") == 1  # which tells all of it
    watcher = watching.make()
    assert watcher.check().endswith(
        "cpr (monitored, shows tickets), general (other, shows tickets), spam (junk, shows tickets)"
    )
    shown = watcher.show(number)
    assert f"ticket {number}: New in " in shown
    assert "(watched)" in shown
    assert "files: a.zip (application/zip, 256 bytes)" in shown
    with pytest.raises(OwnFaultError, match="there is no ticket 99999 that the account may see"):
        watcher.show("99999")
    (tmp_path / "key").write_text("wrong")
    with pytest.raises(OwnFaultError, match="HTTP 401"):
        watcher.check()
    missing = [*QUEUES, {"name": "private", "queue": "private", "role": "other"}]
    with pytest.raises(OwnFaultError, match=r"no queue 'private' that the account may see; there are: cpr, empty,"):
        watching.make(queues=missing).check()


def journals(server: Redmine, ticket: str) -> list[dict[str, Any]]:
    """What was done with a ticket."""
    found: list[dict[str, Any]] = server.act("GET", f"/issues/{ticket}.json?include=journals")["issue"]["journals"]
    return found


def test_what_is_ours_is_closed_with_a_private_note_and_nothing_else_is_touched(
    running_redmine: Redmine, watching: Watching, intake: RecordingIntake
) -> None:
    mark, lie = intake.probe(), forge(intake.probe())
    for each in (mark, lie):
        running_redmine.import_mail("cpr", report(each))
    ours, forged = running_redmine.ticket(mark), running_redmine.ticket(lie)
    for ticket in (ours, forged, "987654"):
        intake.offer("desk/cpr", ticket)  # even if the intake offered everything
    watching.start(intake, close=True, machines=["Closer Example"], **watching.login("closer"))
    until(lambda: len(journals(running_redmine, ours)) == 2, "the note", PATIENT)
    looked_at(intake, "cpr")
    looked_at(intake, "cpr")
    done = journals(running_redmine, ours)  # Redmine keeps a private note apart from the change that it came with
    assert {(one["notes"] or "", one["private_notes"]) for one in done} == {("", False), (NOTE, True)}
    assert {one["user"]["name"] for one in done} == {"Closer Example"}
    closed = running_redmine.act("GET", f"/issues/{ours}.json")["issue"]["status"]["name"]
    assert (closed, journals(running_redmine, forged)) == ("Closed", [])
    assert "close_refused" not in intake.reasons(), intake.details()
    assert all(found.by != "human" for found in intake.found())


def test_what_redmine_does_not_let_be_closed_is_told_once(
    running_redmine: Redmine, watching: Watching, intake: RecordingIntake
) -> None:
    mark = intake.probe()
    running_redmine.import_mail("cpr", report(mark))
    ticket = running_redmine.ticket(mark)
    intake.offer("desk/cpr", ticket)
    watching.start(intake, close=True)
    until(lambda: "close_refused" in intake.reasons(), "that it may not", PATIENT)
    looked_at(intake, "cpr")
    looked_at(intake, "cpr")
    assert intake.reasons().count("close_refused") == 1
    assert journals(running_redmine, ticket) == []
