"""The mailbox watcher on a real Dovecot: what it finds, what it leaves alone, and what it counts."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from queues.conftest import ALL, Watch, folder, forge, looked, plain_server, probe_of
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from queues.tap import Tap
from servers.ca_site import CaSite, User
from servers.polling import until

from canary.content import Message
from canary.mark import new_probe_id
from canary.model import Forgery, Role, Seen, TimeSource

# What is found


def test_a_report_is_found_in_its_queue(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    watch(desk)
    looked(intake, "cpr")
    mark = intake.probe()
    message = raw(mail(f"Key compromise {mark}", Message_ID=f"<{mark}@persona.test>"))
    site.deliver("desk", message, "CPR")
    until(intake.found, "the report")
    [found] = intake.found()
    assert found.probe == probe_of(intake, mark)
    assert (found.seen, found.forgery, found.place.queue, found.place.role) == (
        Seen.REPORT, None, "cpr", Role.MONITORED,
    )  # fmt: skip
    assert found.content == Message(message)
    assert found.message_id == f"<{mark}@persona.test>"
    assert abs((datetime.now(UTC) - found.arrived_at).total_seconds()) < 60


def test_every_folder_is_read_and_the_junk_folder_is_found(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    with site.session("desk") as client:
        client.create_folder("Junk")
    watch(desk, folders=ALL)
    looked(intake, "cpr", "general", "quarantine", "cpr-junk")
    where = {"CPR": "cpr", "General": "general", "Quarantine": "quarantine", "Junk": "cpr-junk"}
    expected = {}
    for name, queue in where.items():
        mark = intake.probe()
        expected[probe_of(intake, mark)] = queue
        site.deliver("desk", raw(mail(f"About {mark}")), name)
    until(lambda: intake.genuine() == expected, "every report in its queue")
    assert {found.place.role for found in intake.found(queue="cpr-junk")} == {Role.JUNK}


def test_without_a_junk_folder_nothing_is_in_it(intake: RecordingIntake, desk: User, watch: Watch) -> None:
    watch(desk)
    looked(intake, "cpr-junk")
    assert intake.reasons() == []


def test_two_monitored_folders_are_both_watched(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    watch(desk, folders=[folder("CPR", "monitored"), folder("General", "monitored")])
    looked(intake, "cpr", "general")
    marks = [intake.probe(), intake.probe()]
    site.deliver("desk", raw(mail(f"About {marks[0]}")), "CPR")
    site.deliver("desk", raw(mail(f"About {marks[1]}")), "General")
    until(lambda: len(intake.genuine()) == 2, "both reports")


def test_the_time_of_arrival_is_the_topmost_received(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe()
    stamp = "from a.test by b.test; {:%a, %d %b %Y %H:%M:%S} +0000"
    told = datetime.now(UTC).replace(microsecond=0)
    message = f"Received: {stamp.format(told)}\r\nReceived: from x; Mon, 1 Jan 2001 00:00:00 +0000\r\n".encode()
    site.deliver("desk", message + raw(mail(f"About {mark}")), "CPR")
    watch(desk)
    until(intake.found, "the report")
    [found] = intake.found()
    assert (found.arrived_at, found.source, found.uncertainty) == (
        told + timedelta(seconds=0.5),
        TimeSource.RECEIVED,
        0.5,
    )


def hidden_places(mark: str) -> dict[str, bytes]:
    """A mark in one place of a message only."""
    half, rest = mark[:23], mark[23:]
    base64_body = mail(body="x")
    base64_body.set_content(f"Hello,\n\nreference {mark}\n", cte="base64")
    quoted = mail(body="x")
    quoted.set_content(f"Grüße, und noch mehr Text davor und danach: {mark}, ja.\n", cte="quoted-printable")
    html = mail(body="x")
    html.set_content(f"<p>Reference <b>{half}</b><span>{rest}</span></p>", subtype="html")
    attached = mail()
    attached.add_attachment(b"\x00\x01", "application", "octet-stream", filename=f"{mark}.pem")
    plain_name = mail()
    plain_name.add_attachment(b"\x00\x01", "application", "octet-stream", filename="x.pem")
    encoded = base64.b64encode(f"Schlüssel {mark}.pem".encode()).decode()
    return {
        "body": raw(mail(body=f"reference {mark}\n")),
        "upper-case body": raw(mail(body=f"reference {mark.upper()}\n")),
        "wrapped": raw(mail(body=f"> reference\n> {half}\n> {rest}\n")),
        "base64": raw(base64_body),
        "quoted-printable": raw(quoted),
        "HTML": raw(html),
        "attachment name": raw(attached),
        "attachment name in an encoded word": raw(plain_name).replace(b'"x.pem"', f'"=?utf-8?b?{encoded}?="'.encode()),
        "attachment name in pieces": raw(plain_name).replace(
            b'filename="x.pem"', f'filename*0="{half}";\r\n filename*1="{rest}.pem"'.encode()
        ),
        "Message-ID": raw(mail(Message_ID=f"<{mark}@persona.test>")),
        "Return-Path": f"Return-Path: <alex+{mark}@persona.test>\r\n".encode() + raw(mail()),
        "encoded subject": raw(mail(f"Größe {mark}")),
        "returned message": raw(mail(body=f"It said:\n\nMessage-ID: <{mark}@persona.test>\n")),
    }


@pytest.mark.parametrize("place", list(hidden_places("a" * 40)))
def test_a_mark_in_one_place_is_enough(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch, place: str
) -> None:
    mark = intake.probe()
    for _ in range(100):
        intake.probe()  # as many others are sought
    message = hidden_places(mark)[place]
    site.deliver("desk", message, "CPR")
    watch(desk)
    until(intake.found, f"the mark in the {place}")
    assert intake.genuine() == {probe_of(intake, mark): "cpr"}
    assert intake.found()[0].content == Message(message)


# What is not ours


def test_a_stranger_is_never_read_nor_marked_as_read(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    secret = "the private matter of a stranger"
    before = [intake.keys.make(new_probe_id(), datetime.now(UTC)) for _ in range(3)]
    for number in range(3):
        site.deliver("desk", raw(mail(f"Question {number}", body=f"{secret} {before[number][:20]}\n")), "CPR")
    intake.probe()
    with Tap(site.imap) as tap:
        watch(desk, server=plain_server(site, desk, tap))
        looked(intake, "cpr")
        mark = intake.probe()
        site.deliver("desk", raw(mail(body=f"only here {mark}\n")), "CPR")
        site.deliver("desk", raw(mail("Another question", body=secret)), "CPR")
        until(intake.found, "our own message")
        looked(intake, "cpr")
        said = tap.said()
    assert list(intake.genuine()) == [probe_of(intake, mark)]
    whole = [line for line in said.splitlines() if "FETCH" in line and "BODY.PEEK[]" in line]
    assert len(whole) == 1
    assert " FETCH 4 " in whole[0]  # the one that is ours
    assert "BODY[" not in said.replace("BODY.PEEK[", "")
    assert "SELECT" not in said
    assert "STORE" not in said
    assert all(b"\\Seen" not in flags for _, flags, _ in site.messages("desk", "CPR"))
    depth = until(lambda: intake.depth("cpr"), "the depth of the queue")
    assert depth.read == 0


def test_nothing_is_searched_for_when_nothing_is_sought(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    site.deliver("desk", raw(mail()), "CPR")
    with Tap(site.imap) as tap:
        watch(desk, server=plain_server(site, desk, tap))
        looked(intake, "cpr")
        said = tap.said()
    assert "SEARCH" in said
    assert " BODY " not in said


def test_another_installations_marks_are_left_alone(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    others = RecordingIntake()
    stranger = others.probe()
    site.deliver("desk", raw(mail(f"About {stranger}", body=f"{stranger}\n")), "CPR")
    mark = intake.probe()
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    watch(desk)
    until(intake.found, "our own message")
    looked(intake, "cpr")
    assert len(intake.found()) == 1
    assert intake.genuine() == {probe_of(intake, mark): "cpr"}


def test_a_forged_mark_is_told_without_fetching_its_body(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe(sought=False)
    site.deliver("desk", raw(mail(f"About {forge(mark)}", body="private\n")), "CPR")
    with Tap(site.imap) as tap:
        watch(desk, server=plain_server(site, desk, tap))
        until(intake.found, "the forgery")
        assert "BODY.PEEK[]" not in tap.said()
    assert intake.forged() == {probe_of(intake, mark): Forgery.BAD_MAC}
    [found] = intake.found()
    assert isinstance(found.content, Message)
    assert b"private" not in found.content.raw


def test_a_forged_mark_in_a_body_is_found_by_its_genuine_half(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe()
    site.deliver("desk", raw(mail(body=f"about {forge(mark)}\n")), "CPR")
    watch(desk)
    until(intake.found, "the forgery")
    assert intake.forged() == {probe_of(intake, mark): Forgery.BAD_MAC}


def test_a_genuine_mark_of_no_known_probe_is_told_as_that(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch
) -> None:
    mark = intake.probe(known=False, sought=False)
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    watch(desk)
    until(intake.found, "the message")
    assert intake.forged() == {probe_of(intake, mark): Forgery.UNKNOWN_ID}


# Counting


def test_a_queue_is_counted(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    long_ago = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    with site.session("desk") as client:
        client.append("CPR", raw(mail()), flags=[b"\\Seen"])
        client.append("CPR", raw(mail()), msg_time=long_ago)
        client.append("CPR", raw(mail()))
    watch(desk)
    depth = until(lambda: intake.depth("cpr"), "the count")
    assert (depth.unread, depth.read, depth.oldest_unread) == (2, 1, long_ago)


def aged(site: CaSite, message: bytes, hours: int) -> datetime:
    """Put a message into the queue that came so long ago."""
    came = (datetime.now(UTC) - timedelta(hours=hours)).replace(microsecond=0)
    with site.session("desk") as client:
        client.append("CPR", message, msg_time=came)
    return came


@pytest.mark.parametrize("where", ["header", "text alone, as a form writes it"])
def test_the_oldest_unread_message_is_none_of_ours(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch, where: str
) -> None:
    mark, other = intake.probe(), intake.probe()
    ours = mail(f"About {mark}") if where == "header" else mail("Contact form", f"Message: {mark}\n")
    aged(site, raw(ours), 30)
    aged(site, raw(mail(f"About {other}")), 20)
    first = watch(desk)
    depth = until(lambda: intake.depth("cpr"), "the count")
    assert (depth.unread, depth.oldest_unread) == (2, None)
    first.stop()

    real = aged(site, raw(mail("My certificate")), 13)
    watch(desk)  # what was ours is remembered: nothing of it is looked at again
    depth = until(lambda: (d := intake.depth("cpr")) and d.unread == 3 and d, "the count")
    assert depth.oldest_unread == real


def test_a_forged_mark_makes_no_message_ours(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    came = aged(site, raw(mail(f"About {forge(intake.probe())}")), 13)
    watch(desk)
    depth = until(lambda: intake.depth("cpr"), "the count")
    assert depth.oldest_unread == came
