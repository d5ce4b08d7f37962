"""What watchers hand in, as sightings of a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import CPR, GIVE_UP, LEGAL, MESSAGE_ID, MINE, START, a_probe, after, taken

from canary.clock import Clock
from canary.config import Gateway
from canary.content import Content, Message, Ticket
from canary.judge import judge
from canary.ledger import EventKind, Ledger
from canary.ledger import events as record
from canary.mark import Keyring
from canary.model import Actor, Forgery, Outcome, Place, Role, Seen, Sighting, Stage, TimeSource
from canary.prober.intake import LedgerIntake
from canary.queues import Found

TEXT = "The certificate of shop.example names the wrong firm, and nobody answers."
SENT = json.dumps({"text": TEXT}).encode()
"""A report by form: it has no Message-ID of ours."""
TICKETS = Place("tickets", Role.MONITORED, message_id=False)
PROBE = "probeprobeprobe2"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "state", inline=True)
    yield opened
    opened.close()


@pytest.fixture
def intake(ledger: Ledger) -> LedgerIntake:
    """An intake at 30 s after sending began."""
    clock = Clock(wall=lambda: after(30).timestamp(), monotonic=lambda: 0.0)
    return LedgerIntake(ledger, Keyring([b"k" * 32]), clock, lambda _: None)


def sent(
    ledger: Ledger,
    probe: str = PROBE,
    *,
    expected: tuple[str, ...] = ("cpr",),
    owed: Mapping[Stage, float] | None = None,
) -> str:
    """A report by form that was taken; its mark."""
    mark = f"{probe:m<40}"
    ledger.append(
        record.scheduled(a_probe(probe, expected=expected, owed=owed), mark),
        record.submitting(probe, START, None, ledger.keep(SENT)),
        record.submitted(probe, after(1), taken(), {}),
    ).result()
    return mark


def found(seen: Seen = Seen.REPORT, place: Place = CPR, content: Content | None = None, **more: str) -> Found:
    """Something of the probe that happened 10 s after sending began."""
    found = Found(seen, PROBE, place, after(10), TimeSource.RECORD, 1.0, content, Actor.HUMAN)
    return replace(found, **more)  # type: ignore[arg-type]  # the texts among its fields


def mail(text: str = TEXT) -> Message:
    return Message(f"Subject: a report\r\n\r\n{text}\r\n".encode())


def sightings(ledger: Ledger) -> list[Sighting]:
    return [record.read_sighting(event) for event in ledger.events(kind=EventKind.SIGHTING)]


def test_a_report_is_sought_until_it_is_everywhere(ledger: Ledger, intake: LedgerIntake) -> None:
    mark = sent(ledger, expected=("cpr", "legal"))
    assert list(intake.sought(CPR)) == [mark]
    intake.hand_in("w", [found(content=mail())], {})
    assert list(intake.sought(LEGAL)) == [mark]
    intake.hand_in("w", [found(place=LEGAL, content=mail())], {})
    assert list(intake.sought(CPR)) == list(intake.sought(LEGAL)) == []


def test_what_is_sought_is_known_by_its_message_id_where_it_was_sent_with_one(
    ledger: Ledger, intake: LedgerIntake
) -> None:
    sent(ledger)
    mail_probe = a_probe("mailprobemailpr2")
    submitting = record.submitting(mail_probe.id, START, MESSAGE_ID, ledger.keep(SENT))
    ledger.append(record.scheduled(mail_probe, "n" * 40), submitting).result()
    assert len(list(intake.sought(CPR))) == 2
    assert intake.message_ids(CPR) == {"n" * 40: MESSAGE_ID}


def test_what_is_forged_ends_no_search(ledger: Ledger, intake: LedgerIntake) -> None:
    mark = sent(ledger)
    intake.hand_in("w", [replace(found(content=mail()), forgery=Forgery.BAD_MAC)], {})
    assert list(intake.sought(CPR)) == [mark]


def test_an_answer_is_sought_after_the_arrival_too(ledger: Ledger, intake: LedgerIntake) -> None:
    """To a report by form somebody may answer with our mark only in what is quoted, so only a search finds it."""
    mark = sent(ledger)
    intake.hand_in("w", [found(content=mail())], {})
    assert list(intake.sought(MINE)) == [mark]
    assert list(intake.sought(CPR)) == []


def test_what_a_queue_is_to_show_is_sought_there_after_the_arrival_too(ledger: Ledger, intake: LedgerIntake) -> None:
    mark = sent(ledger, expected=("tickets",), owed={Stage.PICKED_UP: 600})
    intake.hand_in("w", [found(place=TICKETS, content=Ticket(TEXT))], {})
    assert list(intake.sought(TICKETS)) == [mark]
    assert list(intake.sought(CPR)) == []


def test_a_cursor_has_text_and_numbers(ledger: Ledger, intake: LedgerIntake) -> None:
    cursor = {"after": "b3BhcXVl", "page": 3, "updated": 1772366410.25}
    intake.hand_in("tickets", [], cursor)
    assert intake.cursor("tickets") == cursor
    assert intake.cursor("others") is None


def test_a_report_as_a_ticket_is_compared_and_kept(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    ticket = Ticket(f"From the web site:\n{TEXT}")
    intake.hand_in("w", [found(place=TICKETS, content=ticket, detail="ticket 7", where="7")], {})
    [seen] = sightings(ledger)
    told = "ticket 7; added before it: 'From the web site:'"
    assert (seen.intact, seen.detail, seen.by, seen.forgery) == (True, told, Actor.HUMAN, None)
    assert ledger.artefacts.get(seen.message) == ticket.artefact()


@pytest.mark.parametrize(("whole", "intact"), [(True, False), (False, True)])
def test_a_place_says_whether_it_shows_all(ledger: Ledger, intake: LedgerIntake, whole: bool, intact: bool) -> None:
    sent(ledger)
    place = replace(TICKETS, whole=whole)
    intake.hand_in("w", [found(place=place, content=Ticket(TEXT[:30]))], {})
    assert [seen.intact for seen in sightings(ledger)] == [intact]


def test_mails_about_a_ticket_are_one_report_however_many_and_late(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger, expected=("alerts",))
    place = Place("alerts", Role.MONITORED, message_id=False, whole=False)
    first = found(place=place, where="alerts", message_id="<1@desk.test>")
    late = [replace(first, message_id=f"<{n}@desk.test>", arrived_at=after(4000 * n)) for n in range(2, 9)]
    intake.hand_in("w", [first], {})
    intake.hand_in("w", late, {})
    [kept] = sightings(ledger)
    assert (kept.message_id, kept.intact, kept.forgery) == ("<1@desk.test>", None, None)
    verdict = judge(ledger.state.open[PROBE].case, after(30), {"alerts": after(30)})
    assert (verdict.outcome, verdict.duplicates) == (Outcome.ARRIVED, 0)


def test_acts_without_words_are_told_apart_by_where_they_stand(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    taken_by, again = (found(Seen.PICKED_UP, TICKETS, where=where) for where in ("7/2", "7/5"))
    intake.hand_in("w", [taken_by], {})
    intake.hand_in("w", [taken_by, again], {})
    assert [(seen.where, seen.by, seen.intact) for seen in sightings(ledger)] == [
        ("7/2", Actor.HUMAN, None),
        ("7/5", Actor.HUMAN, None),
    ]


def test_text_that_utf8_cannot_say_is_recorded(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    intake.hand_in(
        "w", [found(place=TICKETS, content=Ticket(f"{TEXT} \ud83d"), detail="half \ud83d", where="\ud83d")], {}
    )
    [seen] = sightings(ledger)
    assert (seen.intact, seen.detail) == (True, "half ?; added after it: '\\ud83d'")


def test_a_message_of_ours_by_email_keeps_its_id(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    intake.hand_in("w", [found(content=mail(), message_id=MESSAGE_ID)], {})
    assert [(seen.message_id, seen.intact) for seen in sightings(ledger)] == [(MESSAGE_ID, True)]


def test_what_was_read_before_our_clock_was_set_is_not_taken_for_later(intake: LedgerIntake) -> None:
    intake.looked("cpr", after(20))
    intake.move(timedelta(hours=-1))
    assert intake.read_at == {"cpr": after(20 - 3600)}
    intake.looked("cpr", after(3600))  # begun before the step: it is not so late yet
    assert intake.read_at == {"cpr": after(20 - 3600)}
    intake.looked("cpr", after(25))
    assert intake.read_at == {"cpr": after(25)}


@pytest.mark.parametrize(
    ("arrived", "read", "forgery"),
    [
        (3600.0, None, None),  # our clock was set back, or theirs is ahead: when it came nobody knows
        (3600.0, GIVE_UP - 10, None),
        (3600.0, GIVE_UP + 2, Forgery.EXPIRED),  # it was not there when the place was read last
        (GIVE_UP + 2, None, Forgery.EXPIRED),
        (10.0, None, None),
    ],
)
def test_a_time_that_is_still_to_come_lets_nothing_expire(
    tmp_path: Path, arrived: float, read: float | None, forgery: Forgery | None
) -> None:
    from prober.test_floods import Watching

    watching = Watching(tmp_path)
    watching.send()
    watching.now = after(GIVE_UP + 5)
    if read is not None:
        watching.intake.looked(CPR.queue, after(read))
    at = after(GIVE_UP + arrived if arrived == 3600.0 else arrived)
    watching.intake.hand_in("w", [watching.found(arrived_at=at)], {"uid": 1})
    [seen] = watching.events(EventKind.SIGHTING)
    assert seen.body["forgery"] == forgery
    watching.ledger.close()


WAY = (
    b"Authentication-Results: gw.filter.test; spf=pass\r\n"
    b"Received: from gw.filter.test (gw.filter.test [192.0.2.1]) by imap.ca.test; Sun, 01 Mar 2026 12:00:08 +0000\r\n"
    b"Received: from a.test by gw.filter.test with ESMTPS; Sun, 01 Mar 2026 12:00:03 +0000\r\nX-Spam-Flag: NO\r\n"
)


def test_the_way_of_a_report_is_recorded_with_it(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    intake.hand_in("w", [found(content=Message(WAY + mail().raw))], {})
    [event] = ledger.events(kind=EventKind.SIGHTING)
    assert [(hop["by"], hop["tls"]) for hop in event.body["way"]["hops"]] == [
        ("gw.filter.test", "yes"), ("imap.ca.test", ""),
    ]  # fmt: skip
    assert event.body["way"]["spam"][0]["spam"] is False
    assert event.body["way"]["authentication"] == []
    [sighting] = sightings(ledger)
    assert sighting.way is not None
    assert sighting.way.hops[1].seconds == 5.0
    assert ledger.state.totals.channels["alias"].slowest_hop >= 5.0


def test_a_header_tells_the_way_where_the_rest_is_not_shown(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    intake.hand_in("w", [replace(found(place=TICKETS, content=Ticket(TEXT)), header=WAY)], {})
    [sighting] = sightings(ledger)
    assert sighting.way is not None
    assert len(sighting.way.hops) == 2


def test_servers_that_the_operator_relies_on_are_believed(ledger: Ledger) -> None:
    clock = Clock(wall=lambda: after(30).timestamp(), monotonic=lambda: 0.0)
    relies = LedgerIntake(
        ledger, Keyring([b"k" * 32]), clock, lambda _: None, lambda: Gateway(authserv_ids=("filter.test",))
    )
    sent(ledger)
    relies.hand_in("w", [found(content=Message(WAY + mail().raw))], {})
    assert ledger.state.totals.channels["alias"].authenticated == {"spf/pass": 1}


@pytest.mark.parametrize(
    ("item", "handed_on"),
    [
        (found(Seen.ACKNOWLEDGEMENT, MINE, mail()), True),
        (found(Seen.UNSURE, MINE, mail()), True),
        (replace(found(Seen.ACKNOWLEDGEMENT, MINE, mail()), forgery=Forgery.BAD_MAC), False),
        (found(Seen.ACKNOWLEDGEMENT, Place("another", Role.REPLIES), mail()), False),
        (found(Seen.ACKNOWLEDGEMENT, CPR, mail()), False),
        (found(Seen.ACKNOWLEDGEMENT, MINE, Ticket("text")), False),
    ],
)
async def test_what_comes_back_to_the_probes_own_sender_is_handed_on_to_who_waits_for_it(
    item: Found, handed_on: bool, ledger: Ledger, intake: LedgerIntake
) -> None:
    sent(ledger)
    intake.looked(MINE.queue, after(20))
    intake.hand_in("w", [item], {})
    with intake.letters.awaited(PROBE) as awaited:
        assert await awaited.next(after(10)) is None, "nobody waited for it yet"
        intake.hand_in("w", [item, replace(item, where="again")], {})
        assert await awaited.next(after(10)) == (mail().raw if handed_on else None)


def test_what_comes_back_before_a_forms_link_was_followed_is_no_answer(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    kinds = (Seen.ACKNOWLEDGEMENT, Seen.ANSWER, Seen.BOUNCE)
    with intake.letters.awaited(PROBE):
        intake.hand_in("w", [replace(found(seen, MINE, mail()), where=f"early {seen}") for seen in kinds], {})
    intake.hand_in("w", [replace(found(seen, MINE, mail()), where=f"late {seen}") for seen in kinds], {})
    told = [event.body["seen"] for event in ledger.events(kind=EventKind.SIGHTING)]
    assert told == ["unsure", "unsure", "bounce", *kinds]


def test_of_what_is_forged_and_of_answers_no_way_is_recorded(ledger: Ledger, intake: LedgerIntake) -> None:
    sent(ledger)
    whole = Message(WAY + mail().raw)
    answered = found(Seen.ANSWER, MINE, whole)
    intake.hand_in("w", [replace(found(content=whole), forgery=Forgery.BAD_MAC), answered], {})
    for event in ledger.events(kind=EventKind.SIGHTING):
        assert "way" not in event.body
