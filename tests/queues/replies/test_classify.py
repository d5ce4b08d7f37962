"""What comes back to a sender, sorted by real examples of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.model import Seen
from canary.queues.replies.classify import classify


def reply(subject: str, body: str, *headers: str, sender: str = "Bob <bob@ca.test>") -> bytes:
    lines = [*headers, f"From: {sender}", "To: alex@persona.test", f"Subject: {subject}"]
    lines += ["Content-Type: text/plain; charset=utf-8", "", body, ""]
    return "\r\n".join(lines).encode()


AWAY = [
    reply("Automatic reply: Key compromise", "I am out of the office until Monday.", "X-Auto-Response-Suppress: All"),
    reply("Re: Key compromise", "I am away until 3 May.", "Auto-Submitted: auto-replied (vacation)"),
    reply("Auto: Key compromise", "Ich bin bis Montag im Urlaub.", "Auto-Submitted: auto-replied"),
    reply("Abwesenheitsnotiz: CPR", "Ich bin nicht im Büro."),
    reply("Out of Office: CPR", "Back on Monday."),
    reply("Automatische Antwort: CPR", "Bitte wenden Sie sich an Frau Huber."),
    reply("Automatyczna odpowiedź: CPR", "Przebywam na urlopie do 5 maja."),
    reply("Automatikus válasz: CPR", "Szabadságon vagyok."),
    reply("自动回复: CPR", "我正在休假。"),
    reply("رد تلقائي: CPR", "أنا خارج المكتب."),
    reply("Réponse automatique : CPR", "Je suis en congés."),
    reply("Re: CPR", "Bob no longer works here.", "X-Autoreply: yes"),
    reply("Re: CPR", "I will be back on Monday, on vacation.", "Precedence: bulk"),
]
ACKNOWLEDGEMENTS = [
    reply("[ca.test #47] AutoReply: Key", "Automatically generated.", "RT-Ticket: ca.test #47", "Precedence: bulk"),
    reply("Request received", "It has been received.", "Auto-Submitted: auto-generated", "X-Zendesk-Ticket-Id: 1"),
    reply("Re: Key compromise", "We received your report.", "Auto-Submitted: auto-replied"),
    reply("Eingangsbestätigung", "Ihre Meldung ist eingegangen.", "Precedence: bulk"),
    reply("Your report", "Thank you for your report.", sender="CA <no-reply@ca.test>"),
    reply("[#4711] Key compromise", "Your ticket has been created. Ticket ID: 4711"),
    reply("Automatic reply: Key compromise", "Thank you for contacting us. Your report has been received."),
    reply("We have it", "Thank you.", "Return-Path: <>"),
    reply("Thanks", "Case opened", "X-Auto-Response-Suppress: OOF, AutoReply"),
    b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\r\nread\r\n",
]
ANSWERS = [
    reply("Re: Key compromise", "We have looked into it and will revoke."),
    reply("AW: Key compromise", "Danke, wir prüfen das.", "Auto-Submitted: no"),
    reply("[ca.test #4711] Key compromise", "Which serial is it?", "RT-Ticket: ca.test #4711", "Precedence: bulk"),
    reply("Re: Out of office hours contact", "Call us.", "X-Auto-Response-Suppress: None"),
    reply("Re: CPR", "Noted.\n> I am out of the office\n> your request has been received", "Precedence: list"),
    reply("Re: [#12] CPR", "Please send the key.\n> Your ticket has been created"),
]


@pytest.mark.parametrize("message", AWAY)
def test_out_of_office(message: bytes) -> None:
    assert classify(message)[0] is Seen.OUT_OF_OFFICE


@pytest.mark.parametrize("message", ACKNOWLEDGEMENTS)
def test_acknowledgements(message: bytes) -> None:
    assert classify(message)[0] is Seen.ACKNOWLEDGEMENT


@pytest.mark.parametrize("message", ANSWERS)
def test_answers(message: bytes) -> None:
    assert classify(message)[0] is Seen.ANSWER


def test_subjects_are_told_in_one_decoded_line() -> None:
    message = reply("=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n aus\tLinz", "Hallo")
    assert classify(message) == (Seen.ANSWER, "Grüße aus Linz")


def dsn(*fates: tuple[str, str]) -> bytes:
    blocks = "\r\n\r\n".join(f"Final-Recipient: rfc822; {who}\r\nAction: {action}" for who, action in fates)
    return (
        "From: MAILER-DAEMON@mx.test\r\nAuto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n{blocks}\r\n\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("fates", "seen", "told"),
    [
        ([("a@b.test", "failed")], Seen.BOUNCE, "a@b.test failed"),
        ([("a@b.test", "delivered"), ("c@b.test", "failed")], Seen.BOUNCE, "c@b.test failed; a@b.test delivered"),
        ([("a@b.test", "delayed"), ("c@b.test", "relayed")], Seen.DELAY_NOTICE, "a@b.test delayed; c@b.test relayed"),
        ([("a@b.test", "expanded")], Seen.DELIVERY_NOTICE, "a@b.test expanded"),
        ([("a@b.test", "relayed")], Seen.DELIVERY_NOTICE, "a@b.test relayed"),
        (
            [("a@b.test", "expanded"), ("c@b.test", "relayed"), ("d@b.test", "delivered"), ("e@b.test", "failed")],
            Seen.BOUNCE,
            "e@b.test failed; d@b.test delivered; c@b.test relayed; a@b.test expanded",
        ),
    ],
)
def test_the_weightiest_fate_counts_and_every_recipients_is_told(
    fates: list[tuple[str, str]], seen: Seen, told: str
) -> None:
    assert classify(dsn(*fates)) == (seen, told)


@given(st.binary(max_size=1000))
def test_no_message_raises(message: bytes) -> None:
    for hostile in (message, b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n" + message):
        _, detail = classify(hostile)
        assert len(detail) <= 1000
        assert "\n" not in detail
