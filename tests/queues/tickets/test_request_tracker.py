"""A watch of a real Request Tracker that is fed by its own mail gateway: what happens there is told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from queues.conftest import forge, probe_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from queues.tickets.conftest import PATIENT, WatchTickets, fresh_intake, looked_at, settings_of
from servers.polling import until
from servers.request_tracker import PASSWORDS, RequestTracker

from canary.clock import Clock
from canary.model import Actor, Forgery, OwnFaultError, Seen
from canary.queues import WatchResources
from canary.queues.tickets.watch import open_tickets

pytestmark = pytest.mark.timeout(900)  # Request Tracker is slow where everything is

HUMAN, MACHINE = Actor.HUMAN, Actor.MACHINE
Told = tuple[Seen | Forgery, str, Actor | None]
IN_CPR: Told = (Seen.REPORT, "cpr", None)


def report(mark: str, subject: str = "Compromised key") -> bytes:
    """A report as a channel by e-mail sends it."""
    message = mail(subject, f"A report.\n\n{mark}\n", Message_ID=f"<{mark}@persona.test>", From="robin@persona.test")
    message.add_alternative(f"<p>A report.</p><p>{mark}</p>", subtype="html")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="zip", filename="a.zip")
    return raw(message)


def told(intake: RecordingIntake, mark: str) -> set[Told]:
    """What was handed in of a report."""
    ours = [found for found in intake.found() if found.probe == probe_of(intake, mark)]
    return {(found.forgery or found.seen, found.place.queue, found.by) for found in ours}


def test_a_report_that_arrives(rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake) -> None:
    mark = intake.probe()
    watch_tickets()
    looked_at(intake, "cpr", "general", "spam")
    rt.import_mail("CPR", report(mark))
    until(intake.found, "the report", PATIENT)
    [found] = intake.found()
    assert (found.seen, found.place.queue, found.forgery) == (Seen.REPORT, "cpr", None)
    assert found.message_id == f"<{mark}@persona.test>"
    assert found.content is not None
    assert mark in found.content.text
    assert "<p>" not in found.content.text
    assert [(file.name, file.content) for file in found.content.files] == [("a.zip", bytes(range(256)))]
    looked_at(intake, "cpr", "general", "spam")
    assert intake.reasons() == []


Happening = Callable[[RequestTracker, str], None]


def imported(queue: str, subject: str = "Compromised key") -> Happening:
    return lambda rt, mark: rt.import_mail(queue, report(mark, subject))


def then(first: Happening, *changes: Callable[[RequestTracker, str], None]) -> Happening:
    """A mail comes in, and things are done with its ticket, one after the other."""

    def happen(rt: RequestTracker, mark: str) -> None:
        first(rt, mark)
        [ticket] = rt.tickets(mark)
        for change in changes:
            change(rt, ticket)

    return happen


def changed(user: str = "anna", **fields: str) -> Callable[[RequestTracker, str], None]:
    return lambda rt, ticket: rt.change(ticket, user, **fields)


def answered(user: str = "anna", how: str = "correspond") -> Callable[[RequestTracker, str], None]:
    return lambda rt, ticket: rt.say(ticket, "We look into it.", how, user)


def merged(rt: RequestTracker, ticket: str) -> None:
    other = rt.act("POST", "/ticket", {"Queue": "General", "Subject": "older", "Content": "another's"})
    rt.change(ticket, MergeInto=str(other["id"]))


HAPPENINGS: dict[str, tuple[Happening, Iterable[Told]]] = {
    "arrived": (imported("CPR"), [IN_CPR]),
    "wrong queue": (imported("General"), [(Seen.REPORT, "general", None)]),
    "junk": (imported("Spam"), [(Seen.REPORT, "spam", None)]),
    "moved into the right queue": (
        then(imported("General"), changed(Queue="CPR")),
        [(Seen.REPORT, "general", None), IN_CPR],
    ),
    "moved out of it": (then(imported("CPR"), changed(Queue="Spam")), [IN_CPR, (Seen.REPORT, "spam", None)]),
    "closed by a rule as it came": (imported("CPR", "close at once"), [IN_CPR, (Seen.CLOSED, "cpr", MACHINE)]),
    "taken": (then(imported("CPR"), changed(Owner="anna")), [IN_CPR, (Seen.PICKED_UP, "cpr", HUMAN)]),
    "answered": (then(imported("CPR"), answered()), [IN_CPR, (Seen.ANSWER, "cpr", HUMAN)]),
    "commented on, which takes a right of its own to see": (then(imported("CPR"), answered(how="comment")), [IN_CPR]),
    "resolved": (then(imported("CPR"), changed(Status="resolved")), [IN_CPR, (Seen.CLOSED, "cpr", HUMAN)]),
    "answered by a bot": (then(imported("CPR"), answered("robot")), [IN_CPR, (Seen.ACKNOWLEDGEMENT, "cpr", MACHINE)]),
    "taken by a bot": (then(imported("CPR"), changed("robot", Owner="anna")), [IN_CPR]),
    "deleted": (then(imported("CPR"), changed(Status="deleted")), [IN_CPR, (Seen.CLOSED, "cpr", HUMAN)]),
    "merged into a ticket elsewhere": (
        then(imported("CPR"), merged),
        [(Seen.REPORT, "general", None), (Seen.PICKED_UP, "general", HUMAN)],
    ),
    "in a queue that is not listed": (imported("Empty"), [(Seen.REPORT, "others", None)]),
    "in one that may not be seen": (imported("Private"), []),
    "never imported": (lambda rt, mark: None, []),
}


def forged(rt: RequestTracker, mark: str) -> None:
    rt.import_mail("CPR", report(forge(mark)))


def said_by_another(rt: RequestTracker, mark: str) -> None:
    """In a comment on a stranger's ticket: the mark, and a forged one."""
    other = rt.act("POST", "/ticket", {"Queue": "CPR", "Subject": "a stranger's", "Content": "private words"})
    rt.say(str(other["id"]), f"have you seen {mark} or {forge(mark)}?", "comment")


def of_another_installation(rt: RequestTracker, mark: str) -> None:
    rt.import_mail("CPR", report(RecordingIntake().probe()))


HAPPENINGS |= {
    "forged": (forged, [(Forgery.BAD_MAC, "cpr", None)]),
    "in a comment of another ticket": (said_by_another, []),
    "of another installation": (of_another_installation, []),
}


@pytest.fixture(scope="module")
def seen(request_tracker: RequestTracker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Told]]:
    """All of it happens, each to a report of its own; then a watch looks, and tells what it saw of each."""
    intake = fresh_intake()
    marks = {name: intake.probe() for name in HAPPENINGS}
    with ThreadPoolExecutor(3) as several:
        for done in [several.submit(happen, request_tracker, marks[name]) for name, (happen, _) in HAPPENINGS.items()]:
            done.result()
    password = tmp_path_factory.mktemp("secrets") / "password"
    password.write_text(PASSWORDS["canary"])
    login = {"username": "canary", "password": {"file": str(password)}}
    more = {"elsewhere": "others", "machines": ["robot"]}
    watcher = open_tickets("desk", settings_of(request_tracker, **login, **more), WatchResources(Clock()))
    watcher.start(intake)
    looked_at(intake, "cpr", "general", "spam", "others")
    until(
        lambda: any(found.place.queue == "others" for found in intake.found()), "what only a second look finds", PATIENT
    )
    watcher.stop()
    assert intake.reasons() == []
    return {name: told(intake, mark) for name, mark in marks.items()}


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_what_happened_is_told_apart(happening: str, seen: dict[str, set[Told]]) -> None:
    assert seen[happening] == set(HAPPENINGS[happening][1])


def test_what_is_done_with_a_ticket_that_was_seen(
    rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake
) -> None:
    resolved, deleted = intake.probe(), intake.probe()
    for mark in (resolved, deleted):
        rt.import_mail("CPR", report(mark))
    watch_tickets()
    until(lambda: len(intake.genuine()) == 2, "both reports", PATIENT)
    rt.change(rt.tickets(resolved)[0], Status="resolved")
    rt.change(rt.tickets(deleted)[0], Status="deleted")  # in no list any more
    closed = {IN_CPR, (Seen.CLOSED, "cpr", HUMAN)}
    until(lambda: told(intake, resolved) == closed, "that it is resolved", PATIENT)
    until(lambda: told(intake, deleted) == closed, "that it is deleted", PATIENT)
    assert intake.reasons() == []


def test_an_account_that_sees_no_tickets_proves_nothing(
    rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake
) -> None:
    watch_tickets("blind")
    until(lambda: "blind" in intake.reasons(), "that nothing is shown", PATIENT)
    assert "put a ticket there" in intake.details()
    assert not intake.looked_since("cpr", datetime.min.replace(tzinfo=UTC))


def test_it_is_down_and_comes_back(rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake) -> None:
    watch_tickets()
    looked_at(intake, "cpr")
    rt.stop()
    try:
        until(lambda: "unreachable" in intake.reasons(), "that it is down", PATIENT)
    finally:
        rt.start()
    mark = intake.probe()
    rt.import_mail("CPR", report(mark))
    until(lambda: told(intake, mark) == {IN_CPR}, "the report", PATIENT)


def test_check_and_what_is_read_of_a_ticket(
    rt: RequestTracker, watch_tickets: WatchTickets, intake: RecordingIntake, tmp_path: Path
) -> None:
    mark = intake.probe()
    rt.import_mail("CPR", report(mark))
    [number] = rt.tickets(mark)
    (tmp_path / "token").write_text(rt.token)
    by_token = {"username": None, "password": None, "token": {"file": str(tmp_path / "token")}}
    watcher = watch_tickets(**by_token)
    assert watcher.check().endswith(
        "CPR (monitored, shows tickets), General (other, shows tickets), Spam (junk, shows tickets)"
    )
    shown = watcher.show(number)
    assert f"ticket {number}: new in CPR (watched)" in shown
    assert f"Message-ID <{mark}@persona.test>" in shown
    assert "files: a.zip (application/zip, 256 bytes)" in shown
    with pytest.raises(OwnFaultError, match="there is no ticket 99999 that the account may see"):
        watcher.show("99999")
    (tmp_path / "token").write_text("1-2-wrong")
    with pytest.raises(OwnFaultError, match="HTTP 401"):
        watcher.check()
