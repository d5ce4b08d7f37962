"""What a watch of a mail gateway finds of our reports, on a server that answers as the vendor says; and what it says
while the gateway misbehaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from queues.conftest import forge, probe_of
from queues.gateways.conftest import GATEWAYS, MadeGateway
from queues.recording_intake import RecordingIntake
from servers.contract_gateways import ContractGateway, MimecastGateway
from servers.polling import until

from canary.budgets import TICKET_LOOK
from canary.content import Message
from canary.model import Forgery, OwnFaultError, Role, Seen, TimeSource
from canary.queues import Found
from canary.queues.gateways.description import gateway_presets
from canary.queues.tickets import client

pytestmark = pytest.mark.timeout(900)  # a busy machine takes its time
PATIENT = 60.0
EACH = pytest.mark.parametrize("gateway", GATEWAYS, indirect=True)
LAG = timedelta(minutes=6)
"""What is looked at is told as it was so long ago, by the one that is most behind."""


def only(name: str) -> pytest.MarkDecorator:
    """One of the gateways."""
    return pytest.mark.parametrize("gateway", [name], indirect=True)


def told(intake: RecordingIntake, mark: str) -> list[Found]:
    """What was handed in of a report."""
    return [found for found in intake.found() if found.probe == probe_of(intake, mark)]


def looked(intake: RecordingIntake) -> None:
    """Wait until the quarantine was read to its end from now on."""
    now = datetime.now(UTC) - LAG
    until(lambda: intake.looked_since("held", now), f"a look, told: {intake.details()}", PATIENT)


def asked_again(gateway: ContractGateway, times: int = 3) -> None:
    """Wait until the gateway was asked for its list some more."""
    before = len(gateway.asked)
    until(lambda: len(gateway.asked) >= before + times, "more questions", PATIENT)


@EACH
def test_what_is_held_back_is_told_at_its_time(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark = intake.probe()
    held = gateway.hold(f"{mark}@persona.test", age=20)
    begin()
    until(lambda: told(intake, mark), "the report", PATIENT)
    looked(intake)
    [found] = intake.found()
    assert (found.seen, found.place.role, found.forgery) == (Seen.REPORT, Role.QUARANTINE, None)
    assert (found.source, found.uncertainty, found.message_id) == (TimeSource.RECORD, 0.5, f"<{mark}@persona.test>")
    assert abs(found.arrived_at - held.at) <= timedelta(seconds=1)
    assert found.detail.startswith("held back: ")
    whole = gateway.whole != "/nowhere"
    assert found.content == (Message(held.raw) if whole else None)
    assert intake.reasons() == []


@EACH
def test_what_was_released_is_held_back_no_more(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark, other = intake.probe(), intake.probe()
    held = gateway.hold(f"{mark}@persona.test", age=20)
    gateway.hold(f"{other}@persona.test", age=20)
    begin()
    until(lambda: told(intake, mark) and told(intake, other), "the reports", PATIENT)
    began = datetime.now(UTC)
    gateway.release(held)
    until(lambda: len(told(intake, mark)) == 2, "that it is released", PATIENT)
    asked_again(gateway)
    found = told(intake, mark)[1]
    assert (found.seen, found.place.queue, found.source) == (Seen.CLOSED, "held", TimeSource.NOTICED)
    assert found.message_id == f"<{mark}@persona.test>"
    assert found.arrived_at >= began
    assert found.detail.startswith("no longer held back: ")
    assert [found.seen for found in told(intake, other)] == [Seen.REPORT]
    assert len(intake.found()) == 3


@EACH
def test_a_release_while_nobody_looked_is_told_afterwards(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark = intake.probe()
    held = gateway.hold(f"{mark}@persona.test", age=20)
    first = begin()
    until(lambda: told(intake, mark), "the report", PATIENT)
    first.stop()
    gateway.release(held)
    begin()
    until(lambda: Seen.CLOSED in [found.seen for found in told(intake, mark)], "that it is released", PATIENT)


@EACH
def test_of_strangers_no_more_is_read_than_must_be_and_nothing_is_kept(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark = intake.probe()
    ours = gateway.hold(f"{mark}@persona.test")
    begin()
    until(lambda: told(intake, mark), "the report", PATIENT)
    looked(intake)
    asked_again(gateway, 6)
    whole = gateway.whole_asked_for()
    assert {name: len(whole) for name, kind in GATEWAYS.items() if isinstance(gateway, kind)} in (
        {"proofpoint": 1}, {"mimecast": 0}, {"trellix": 2},
    )  # fmt: skip
    assert [found.where for found in intake.found()] == [f"{ours.id}/held"]
    kept = f"{intake.cursor('gateway/held')} {intake.details()} {intake.found()}"
    assert "private" not in kept
    assert "a-stranger" not in kept


@EACH
def test_a_forged_mark_is_told_as_that(gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway) -> None:
    mark = intake.probe()
    gateway.hold(f"{forge(mark)}@persona.test")
    begin()
    looked(intake)
    asked_again(gateway, 6)
    by_message_id = isinstance(gateway, MimecastGateway)  # it is not asked for what we did not send
    assert intake.forged() == ({} if by_message_id else {probe_of(intake, mark): Forgery.BAD_MAC})
    assert intake.genuine() == {}


FAULTS = {
    "broken": "unavailable",
    "limited": "rate_limited",
    "refused": "login_refused",
    "forbidden": "forbidden",
    "elsewhere": "redirected",
    "not there": "protocol",
    "a page": "garbage",
    "a number": "garbage",
    "no word of it": "garbage",
    "no list": "garbage",
    "deep": "garbage",
    "a bomb": "garbage",
    "endless": "too_much",
    "silent": "timeout",
}


@EACH
def test_what_is_wrong_with_a_gateway_is_told_apart_and_nothing_is_lost(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    begin(timeout="2s")
    looked(intake)
    marks = []
    for how, reason in FAULTS.items():
        before = intake.reasons().count(reason)
        marks.append(intake.probe())
        gateway.misbehaves[gateway.listing] = how
        gateway.hold(f"{marks[-1]}@persona.test")
        until(lambda: intake.reasons().count(reason) > before, f"{reason} where it is {how}", PATIENT)  # noqa: B023  # at once
        assert not intake.looked_since("held", datetime.now(UTC) - timedelta(seconds=1))
        gateway.misbehaves.clear()
        until(lambda: told(intake, marks[-1]), f"the report that came while it was {how}", PATIENT)
    assert intake.genuine() == {probe_of(intake, mark): "held" for mark in marks}
    assert "sesame" not in intake.details()


@EACH
def test_a_long_list_is_read_to_its_end(gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway) -> None:
    mark = intake.probe()
    copies = 5 if isinstance(gateway, MimecastGateway) else 1
    for _ in range(copies):
        gateway.hold(f"{mark}@persona.test", age=4000)
    if copies == 1:
        for number in range(450):
            gateway.hold(f"stranger-{number}@elsewhere.test", age=3000 - number)
    begin()
    until(lambda: len(told(intake, mark)) == copies, "the report, oldest of all", PATIENT)
    looked(intake)
    assert intake.reasons() == []


@pytest.mark.parametrize("gateway", ["proofpoint", "trellix"], indirect=True)
def test_a_list_that_is_too_long_is_told_and_not_believed(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark = intake.probe()
    for number in range(5100):
        gateway.hold(f"stranger-{number}@elsewhere.test", age=9000 - number)
    ours = gateway.hold(f"{mark}@persona.test", age=9100)
    begin()
    until(lambda: "too_much" in intake.reasons(), "that it is too long", PATIENT)
    assert not intake.looked_since("held", datetime.min.replace(tzinfo=UTC))
    gateway.held[:] = [ours]
    until(lambda: told(intake, mark), "the report", PATIENT)
    looked(intake)


@only("trellix")
def test_a_message_that_is_not_given_out_is_told_once_and_the_quarantine_is_not_read_until_it_is(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark, other = intake.probe(), intake.probe()
    gateway.misbehaves[f"{gateway.whole}g000002"] = "forbidden"
    gateway.hold(f"{mark}@persona.test")
    gateway.hold(f"{other}@persona.test")
    begin()
    until(lambda: told(intake, other), "the one after it", PATIENT)
    asked_again(gateway, 8)
    assert intake.reasons() == ["forbidden"]
    assert not intake.looked_since("held", datetime.min.replace(tzinfo=UTC))
    gateway.misbehaves.clear()
    until(lambda: told(intake, mark), "the report", PATIENT)
    looked(intake)


@only("trellix")
def test_where_no_message_is_given_out_it_is_not_asked_for_each(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark = intake.probe()
    gateway.hold(f"{mark}@persona.test", age=4000)
    for number in range(300):
        gateway.hold(f"stranger-{number}@elsewhere.test", age=3000 - number)
    gateway.misbehaves[gateway.whole] = "forbidden"
    begin()
    until(lambda: len(intake.reasons()) >= 3, "that nothing is given out", PATIENT)
    lists = len([path for path, _ in gateway.asked if path == gateway.listing])
    assert len(gateway.whole_asked_for()) <= 21 * lists
    assert set(intake.reasons()) == {"forbidden"}
    gateway.misbehaves.clear()
    until(lambda: told(intake, mark), "the report", PATIENT)
    looked(intake)


@only("mimecast")
def test_a_search_that_finds_everything_is_not_believed(
    gateway: MimecastGateway, intake: RecordingIntake, made: MadeGateway, begin: MadeGateway
) -> None:
    gateway.narrows = False
    intake.probe()
    begin()
    until(lambda: "blind" in intake.reasons(), "that it is blind", PATIENT)
    assert intake.found() == []
    with pytest.raises(OwnFaultError, match="nobody has"):
        made().check()


@only("mimecast")
def test_pages_without_an_end_are_left(
    gateway: MimecastGateway, intake: RecordingIntake, begin: MadeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TICKET_LOOK", replace(TICKET_LOOK, number=30))
    mark, gateway.ends = intake.probe(), False
    gateway.hold(f"{mark}@persona.test", age=20)
    begin()
    until(lambda: "too_much" in intake.reasons(), "that there is no end", PATIENT)
    assert not intake.looked_since("held", datetime.min.replace(tzinfo=UTC))
    gateway.ends = True
    until(lambda: told(intake, mark), "the report", PATIENT)
    looked(intake)


@only("mimecast")
def test_what_goes_wrong_with_a_status_of_200_is_told(gateway: MimecastGateway, made: MadeGateway) -> None:
    gateway.fails = "err_login_required"
    with pytest.raises(OwnFaultError, match="err_login_required") as fault:
        made().check()
    assert fault.value.reason == "login_refused"


@only("trellix")
def test_pages_are_asked_for_in_what_is_posted(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    for number in range(450):
        gateway.hold(f"stranger-{number}@elsewhere.test", age=3000 - number)
    gateway.misbehaves[gateway.whole] = "forbidden"
    begin()
    until(lambda: len([path for path, _ in gateway.asked if path == gateway.listing]) >= 3, "three pages", PATIENT)
    bodies = [body for path, body in gateway.asked if path == gateway.listing][:3]
    assert {(body["size"], body["attributes"]["recipients"][0]) for body in bodies} == {(200, "problems@ca.test")}
    dates = [body["attributes"]["date"] for body in bodies]
    assert all(later["to_date"] < earlier["to_date"] for earlier, later in pairwise(dates))
    assert len({date["from_date"] for date in dates}) == 1


@EACH
def test_check_says_what_is_shown_and_a_recording_has_none_of_its_words(
    gateway: ContractGateway, intake: RecordingIntake, made: MadeGateway
) -> None:
    gateway.hold(f"{intake.probe()}@persona.test", "private, too")
    said = made().check()
    assert "held (" in said
    assert "private" not in said
    recorded = made().record(None)
    assert '"ended": "well"' in recorded
    for word in ("private", "a-stranger", "problems@", "sesame"):
        assert word not in recorded
    gateway.misbehaves[gateway.listing] = "refused"
    assert '"ended": "login_refused"' in made().record(None)
    with pytest.raises(OwnFaultError, match="has no tickets"):
        made().record("4711")


def test_each_gateway_that_is_described_is_tried() -> None:
    assert GATEWAYS.keys() == set(gateway_presets())


@EACH
def test_what_could_not_be_written_is_handed_in_once_it_can_be(
    gateway: ContractGateway, intake: RecordingIntake, begin: MadeGateway
) -> None:
    mark = intake.probe()
    held = gateway.hold(f"{mark}@persona.test", age=20)
    begin()
    until(lambda: told(intake, mark), "the report", PATIENT)
    intake.full = True
    gateway.release(held)
    until(lambda: intake.refused > 2, "what cannot be written", PATIENT)
    intake.full = False
    until(lambda: len(told(intake, mark)) == 2, "that it is released", PATIENT)
    looked(intake)
    assert [found.seen for found in intake.found()] == [Seen.REPORT, Seen.CLOSED]
