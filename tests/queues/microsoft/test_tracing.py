"""What a watch of the message trace sees of our reports, and what it says while the trace misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import a_probe, taken
from queues.conftest import probe_of
from queues.microsoft.conftest import MEMBERS, PATIENT, SECRET, Start, known, looked
from queues.recording_intake import RecordingIntake
from servers.contract_graph import GRAPH_MISBEHAVIOUR, ContractGraph
from servers.polling import until
from servers.token_server import TokenServer

from canary.budgets import TRACE_LOOK
from canary.clock import Clock
from canary.judge import judge
from canary.ledger import Ledger
from canary.ledger import events as record
from canary.mark import Keyring, new_probe_id
from canary.model import Outcome, OwnFaultError, Seen, TimeSource
from canary.prober.intake import LedgerIntake
from canary.queues import WatchResources
from canary.queues.microsoft.settings import TraceSettings
from canary.queues.microsoft.watch import open_trace

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def seen(intake: RecordingIntake, mark: str) -> dict[str, Seen]:
    """What was found of a probe, by place."""
    return {found.place.queue: found.seen for found in intake.found() if found.probe == probe_of(intake, mark)}


def test_an_alias_of_four_is_told_by_name_through_the_trace_alone(
    graph: ContractGraph, start: Start, tmp_path: Path
) -> None:
    """By the ledger and the judge: one is quarantined, one filtered, one full, one delivered."""
    ledger, keys, began = Ledger(tmp_path / "state"), Keyring([b"k" * 32]), datetime.now(UTC) - timedelta(seconds=30)
    probe = replace(a_probe(new_probe_id(), expected=MEMBERS), scheduled_at=began)
    mark = keys.make(probe.id, began)
    sent = record.submitting(probe.id, began, f"<{mark}@persona.test>", ledger.keep(b"Subject: a report\r\n\r\n"))
    told = [record.scheduled(probe, mark), sent, record.submitted(probe.id, began, replace(taken(), at=began), {})]
    ledger.append(*told).result()
    graph.trace(
        f"<{mark}@persona.test>",
        age=20,
        reports="expanded",
        alice="quarantined",
        bob="filteredAsSpam",
        carol="failed",
        dan="delivered",
    )
    intake = LedgerIntake(ledger, keys, Clock(), lambda _: None)
    start(into=intake)
    until(lambda: "dan-quarantine" in intake.read_at, "a look at all of them", PATIENT)
    case = ledger.find(probe.id).case
    verdict = judge(case, datetime.now(UTC), intake.read_at)
    assert {sighting.place.queue: sighting.seen for sighting in case.sightings} == {
        "reports": Seen.DELIVERY_NOTICE,
        "alice-quarantine": Seen.REPORT,
        "bob-junk": Seen.REPORT,
        "carol": Seen.BOUNCE,
        "dan": Seen.REPORT,
    }
    assert (verdict.outcome, verdict.place, verdict.forged) == (Outcome.BOUNCED, "carol", {})
    for words in ("carol: not delivered (the mailbox is full", "seen in alice-quarantine, bob-junk, dan"):
        assert words in verdict.reason
    assert "@" not in verdict.reason
    ledger.close()


def test_each_recipient_has_its_own_time(graph: ContractGraph, intake: RecordingIntake, start: Start) -> None:
    mark = intake.probe()
    [row] = graph.trace(f"<{mark}@persona.test>", age=20, alice="delivered")
    start()
    until(intake.found, "the report", PATIENT)
    [found] = intake.found()
    assert (found.source, found.uncertainty, found.message_id) == (TimeSource.RECORD, 0.5, f"<{mark}@persona.test>")
    assert abs(found.arrived_at - row.received - timedelta(seconds=5)) < timedelta(seconds=1)  # as the step has it
    looked(intake)
    assert len(intake.found()) == 1


def test_where_no_step_tells_it_came_at_some_time_since_it_was_received(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    mark = intake.probe()
    [row] = graph.trace(f"<{mark}@persona.test>", age=20, alice="quarantined")
    row.step = ("Receive", "")
    start()
    until(intake.found, "the report", PATIENT)
    [found] = intake.found()
    assert found.source is TimeSource.NOTICED
    assert found.arrived_at - timedelta(seconds=found.uncertainty + 2) <= row.received <= found.arrived_at


def test_steps_that_come_later_than_the_row_are_waited_for(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    mark = intake.probe()
    [row] = graph.trace(f"<{mark}@persona.test>", alice="delivered")
    row.stepped = datetime.max.replace(tzinfo=UTC)
    start(delay="1h")
    until(lambda: len(graph.asked_for("getDetailsByRecipient")) > 2, "looks at the steps", PATIENT)
    assert intake.found() == []
    row.stepped = row.received
    until(intake.found, "the report", PATIENT)
    assert [found.source for found in intake.found()] == [TimeSource.RECORD]


def test_what_becomes_of_it_later_is_seen_too(graph: ContractGraph, intake: RecordingIntake, start: Start) -> None:
    mark = intake.probe()
    rows = graph.trace(f"<{mark}@persona.test>", age=9, alice="quarantined", bob="pending", dan="gettingStatus")
    start()
    until(lambda: len(intake.found()) == 2, "what is known", PATIENT)
    for row in rows:
        row.status = "delivered"
    until(lambda: len(intake.found()) == 5, "what became of it", PATIENT)
    assert seen(intake, mark) == {
        "alice-quarantine": Seen.REPORT,
        "alice": Seen.REPORT,
        "bob": Seen.REPORT,
        "dan": Seen.REPORT,
    }
    assert len({(found.where, found.seen) for found in intake.found()}) == 5


def test_nothing_is_missing_before_the_trace_has_caught_up(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    known(graph, intake)
    began = datetime.now(UTC)
    intake.probe()
    start(delay="1h")
    until(lambda: intake.looked_since("alice", LONG_AGO), "a look", PATIENT)
    assert not intake.looked_since("alice", began - timedelta(minutes=59))


def test_before_any_report_was_seen_nothing_is_said_to_be_read(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    mark = intake.probe()
    start()
    until(lambda: len(graph.asked_for(mark)) > 2, "several looks", PATIENT)
    assert not intake.looked_since("alice", LONG_AGO)
    assert intake.reasons() == ["blind"]
    graph.trace(f"<{mark}@persona.test>", age=5, nobody="delivered")  # one whom nobody looks after proves it, too
    looked(intake)
    assert intake.found() == []


def test_a_trace_that_no_longer_shows_what_it_showed_is_blind_until_it_does(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    known(graph, intake)
    start()
    looked(intake)
    kept, graph.rows[:] = list(graph.rows), []
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    blind, before = datetime.now(UTC), len(graph.asked)
    until(lambda: len(graph.asked) > before + 1, "another look", PATIENT)
    assert not intake.looked_since("alice", blind)
    assert "may the application still read it?" in intake.details()
    graph.rows[:] = kept
    looked(intake)


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
    "no rows": "garbage",
    "deep": "garbage",
    "a bomb": "garbage",
    "goes on elsewhere": "redirected",
    "goes on for ever": "too_much",
    "endless": "too_much",
    "silent": "timeout",
}


def test_each_misbehaviour_is_tried() -> None:
    assert TOLD.keys() == GRAPH_MISBEHAVIOUR.keys()


@pytest.mark.parametrize("how", TOLD)
def test_a_trace_that_misbehaves_is_told_and_what_came_meanwhile_is_found(
    how: str, graph: ContractGraph, intake: RecordingIntake, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(graph, intake)
    start(timeout="1s" if how == "silent" else "60s")
    looked(intake)
    graph.misbehaves[""] = how
    mark = intake.probe()
    graph.trace(f"<{mark}@persona.test>", alice="delivered")
    until(lambda: TOLD[how] in intake.reasons(), f"{TOLD[how]}, told: {intake.reasons()}", PATIENT)
    blind, before = datetime.now(UTC), len(graph.asked)
    until(lambda: len(graph.asked) > before, "another look", PATIENT)
    assert not intake.looked_since("alice", blind)
    assert intake.found() == []
    graph.misbehaves.clear()
    until(lambda: seen(intake, mark) == {"alice": Seen.REPORT}, "the report", PATIENT)
    looked(intake)
    assert not any(token in intake.details() for token in {*graph.tokens, SECRET} - {""})


@pytest.mark.parametrize("how", ["broken", "forbidden", "a page", "a number", "no rows"])
def test_steps_that_cannot_be_read_keep_nothing_back(
    how: str, graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    mark = intake.probe()
    graph.trace(f"<{mark}@persona.test>", age=9, alice="failed", bob="delivered")
    graph.misbehaves["/trace-"] = how
    start()
    until(lambda: seen(intake, mark) == {"alice": Seen.BOUNCE, "bob": Seen.REPORT}, "both", PATIENT)
    assert {found.source for found in intake.found()} == {TimeSource.NOTICED}
    assert intake.reasons()
    looked(intake)


def test_it_is_left_alone_for_as_long_as_it_asks_and_more_is_asked_for_than_one_look_has(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    marks = [intake.probe() for _ in range(40)]
    for mark in marks:
        graph.trace(f"<{mark}@persona.test>", age=5, alice="delivered")
    graph.left = 20
    start()
    until(lambda: len(intake.genuine()) == len(marks), "all of them", PATIENT)
    looked(intake)
    assert intake.reasons() == ["rate_limited"]
    assert "asked again after 1 s" in intake.details()


def test_one_look_asks_no_more_than_its_share(graph: ContractGraph, intake: RecordingIntake, start: Start) -> None:
    """Fifteen reports with four recipients each: what is left is asked for in the next look."""
    most = TRACE_LOOK.number or 0
    for _ in range(20):
        message_id = f"<{intake.probe()}@persona.test>"
        graph.trace(message_id, age=5, **dict.fromkeys(MEMBERS, "delivered"))
    watcher = start(poll="1h")
    until(lambda: len(graph.asked) >= most, "what one look asks", PATIENT)
    until(lambda: intake.cursor("exchange"), "that it handed in", PATIENT)
    watcher.stop()
    assert most <= len(graph.asked) <= most + 1


def test_a_list_of_many_members_is_read_to_its_end(graph: ContractGraph, intake: RecordingIntake, start: Start) -> None:
    mark = intake.probe()
    graph.page = 2
    graph.trace(f"<{mark}@persona.test>", age=5, **{f"member{n}": "delivered" for n in range(9)}, dan="delivered")
    start()
    until(lambda: seen(intake, mark) == {"dan": Seen.REPORT}, "the last one", PATIENT)


def test_nothing_of_a_stranger_is_asked_for_or_kept(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    known(graph, intake)
    mark = intake.probe()
    graph.trace("<a-stranger@elsewhere.test>", age=5, alice="delivered")
    start()
    looked(intake)
    lists = [asked for asked in graph.asked if "getDetails" not in asked]
    assert all("messageId eq '<" in asked and "@persona.test>'" in asked for asked in lists)
    assert graph.asked_for(mark)
    assert intake.found() == []
    assert "private" not in f"{intake.cursor('exchange')} {intake.details()}"


def test_a_filter_that_is_not_understood_shows_nobody_elses_mail(
    graph: ContractGraph, intake: RecordingIntake, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered is everything there is: of that, only what we asked for is looked at, and nothing else proves it."""
    mark = intake.probe()
    graph.trace("<a-stranger@elsewhere.test>", age=5, alice="delivered")
    monkeypatch.setattr(graph, "_listed", lambda _: (200, {}, {"value": [row.told() for row in graph.rows]}))
    start()
    until(lambda: len(graph.asked_for(mark)) > 2, "several looks", PATIENT)
    assert intake.found() == []
    assert not intake.looked_since("alice", LONG_AGO)


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_clock_that_is_not_ours_is_asked_by(
    ahead: timedelta, graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    graph.ahead = ahead
    mark = intake.probe()
    graph.trace(f"<{mark}@persona.test>", age=5, alice="delivered")
    start()
    until(lambda: seen(intake, mark) == {"alice": Seen.REPORT}, f"the report, told: {intake.details()}", PATIENT)
    assert {found.source for found in intake.found()} == {TimeSource.RECORD}


def test_a_token_that_is_refused_is_got_anew_once(
    graph: ContractGraph, intake: RecordingIntake, tokens: TokenServer, start: Start
) -> None:
    known(graph, intake)
    start()
    looked(intake)
    tokens.revoke()
    looked(intake)
    assert intake.reasons() == []
    assert len(tokens.given) == 2


@pytest.mark.parametrize(
    ("refusal", "reason", "advice"),
    [
        ((401, {"error": "invalid_client", "error_description": "AADSTS7000222: expired"}), "token_refused", "expired"),
        ((503, {"error": "temporarily_unavailable"}), "token_unavailable", ""),
    ],
)
def test_where_no_token_is_to_be_had_nothing_is_said_of_the_trace(
    refusal: Any,
    reason: str,
    advice: str,
    graph: ContractGraph,
    intake: RecordingIntake,
    tokens: TokenServer,
    start: Start,
) -> None:
    known(graph, intake)
    tokens.refusal = refusal
    start()
    until(lambda: reason in intake.reasons(), f"{reason}, told: {intake.reasons()}", PATIENT)
    assert advice in intake.details()
    assert graph.asked == []
    assert not intake.looked_since("alice", LONG_AGO)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (
            "Service principal-less authentication failed: the service principal for App ID "
            "8bd644d1-64a1-4d4b-ae52-2e0cbf64e373 was not found.",
            "New-MgServicePrincipal -AppId 8bd644d1-64a1-4d4b-ae52-2e0cbf64e373",
        ),
        ("Access is denied. Lifetime validation failed: InvalidAuthenticationToken", "leave auth.scope out"),
    ],
)
def test_check_says_what_to_change(
    said: str,
    advice: str,
    graph: ContractGraph,
    settings: Callable[..., TraceSettings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = (401, {}, {"error": {"code": "Unauthorized", "message": said}})
    monkeypatch.setattr(graph, "_answer", lambda *_: refused)
    with pytest.raises(OwnFaultError) as fault:
        open_trace("exchange", settings(), WatchResources(Clock())).check()
    assert fault.value.reason == "login_refused"
    assert advice in fault.value.detail


def test_check_says_for_whom_the_trace_shows_anything(
    graph: ContractGraph, settings: Callable[..., TraceSettings]
) -> None:
    graph.trace("<a-stranger@elsewhere.test>", age=86_400, alice="delivered", reports="expanded")
    said = open_trace("exchange", settings(), WatchResources(Clock())).check()
    assert "roles ExchangeMessageTrace.Read.All" in said
    assert "alice (shows messages of the last ten days), bob (shows no messages" in said
    assert "@" not in said
    assert "private" not in said


def test_what_could_not_be_written_is_handed_in_once_it_can_be(
    graph: ContractGraph, intake: RecordingIntake, start: Start
) -> None:
    mark = intake.probe()
    graph.trace(f"<{mark}@persona.test>", age=20, alice="delivered")
    intake.full = True
    start()
    until(lambda: intake.refused > 2, "what cannot be written", PATIENT)
    intake.full = False
    until(intake.found, "the report", PATIENT)
    looked(intake)
    assert seen(intake, mark) == {"alice": Seen.REPORT}
    assert len(intake.found()) == 1
