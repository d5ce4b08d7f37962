"""Bounces as mail systems write them: well formed (RFC 3464) and not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.mail.reading import read_mail
from canary.queues.replies import bounces
from canary.queues.replies.bounces import ACTIONS, MOST_RECIPIENTS, Bounce


def parse(raw: bytes) -> tuple[Bounce, ...]:
    return bounces.parse(read_mail(raw))


def report(*recipients: str, first: str = "Reporting-MTA: dns; mx.ca.test") -> bytes:
    """A delivery status notification with these per-recipient blocks."""
    blocks = "\n\n".join((first, *recipients))
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.ca.test (Mail Delivery System)
To: alex@persona.test
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

{blocks}

--b
Content-Type: message/rfc822

Subject: Key compromise

The report.
--b--
""".encode()


# RFC 3464 appendix E, shortened to what is read
SIMPLE = """Original-Recipient: rfc822;louisl@larry.slip.umd.edu
Final-Recipient: rfc822;louisl@larry.slip.umd.edu
Action: failed
Status: 4.0.0
Diagnostic-Code: smtp; 426 connection timed out
Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400"""
DELAYED = """Final-Recipient: rfc822;nathan@vlsi.com
Action: delayed
Status: 4.4.1 (No answer from host)
Will-Retry-Until: Thu, 7 Jul 1994 17:15:49 -0400"""
DELIVERED = """Final-Recipient: rfc822;arathib@vnet.IBM.COM
Action: delivered (to mailbox)
Status: 2.0.0"""
RELAYED = """Final-Recipient: rfc822;johnh@hpnjld.njd.hp.com
Action: relayed
Status: 2.0.0"""
UNKNOWN = """Original-Recipient: rfc822;cpr@ca.test
Final-Recipient: rfc822; bob@ca.test
Action: Failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <bob@ca.test>: Recipient address rejected:
    User unknown in virtual mailbox table"""


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (SIMPLE, Bounce("louisl@larry.slip.umd.edu", "failed", "4.0.0", "426 connection timed out")),
        (DELAYED, Bounce("nathan@vlsi.com", "delayed", "4.4.1", "")),
        (DELIVERED, Bounce("arathib@vnet.IBM.COM", "delivered", "2.0.0", "")),
        (RELAYED, Bounce("johnh@hpnjld.njd.hp.com", "relayed", "2.0.0", "")),
        (
            UNKNOWN,
            Bounce(
                "bob@ca.test",
                "failed",
                "5.1.1",
                "550 5.1.1 <bob@ca.test>: Recipient address rejected: User unknown in virtual mailbox table",
            ),
        ),
        ("Final-Recipient: rfc822; a@b.test\nStatus: 4.2.2", Bounce("a@b.test", "delayed", "4.2.2", "")),
        ("Final-Recipient: a@b.test\nAction: exploded", Bounce("a@b.test", "failed", "", "")),
        (
            "Original-Recipient: rfc822; a@b.test\nDiagnostic-Code: smtp; 554 5.7.1 spam",
            Bounce("a@b.test", "failed", "5.7.1", "554 5.7.1 spam"),
        ),
    ],
)
def test_each_recipient_is_told(block: str, expected: Bounce) -> None:
    assert parse(report(block)) == (expected,)


def test_several_recipients_have_each_their_own_fate() -> None:
    assert [bounce.action for bounce in parse(report(UNKNOWN, DELIVERED, DELAYED, UNKNOWN))] == [
        "failed", "delivered", "delayed",
    ]  # fmt: skip


def test_a_list_of_thousands_is_cut() -> None:
    blocks = [f"Final-Recipient: rfc822; u{number}@ca.test\nAction: failed" for number in range(2000)]
    assert len(parse(report(*blocks))) == MOST_RECIPIENTS


def plain(subject: str, body: str, sender: str = "MAILER-DAEMON@mx.ca.test", **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"{more}From: {sender}\nTo: alex@persona.test\nSubject: {subject}\n\n{body}\n".encode()


QMAIL = """Hi. This is the qmail-send program at mx.ca.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<bob@ca.test>:
192.0.2.25 does not like recipient.
Remote host said: 550 5.1.1 no mailbox here by that name
Giving up on 192.0.2.25.

--- Below this line is a copy of the message.

Return-Path: <carol@elsewhere.test>
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  bob@ca.test
    host mx.ca.test [192.0.2.25]: 550 Unrouteable address
"""
EXCHANGE = """Delivery has failed to these recipients or groups:

bob@ca.test
The email address you entered couldn't be found.

Diagnostic information for administrators:
#550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient bob@ca.test not found by SMTP address lookup ##
"""
SENDMAIL = """    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **
    **********************************************

The original message was received at Mon, 2 Mar 2026 10:00:00 +0000

   ----- The following addresses had transient non-fatal errors -----
<bob@ca.test>
451 4.4.1 reply: read error from mx.ca.test.
Will keep trying until message is 5 days old
"""
GERMAN = "Ihre Nachricht an bob@ca.test konnte nicht zugestellt werden: Postfach voll (552 5.2.2).\n"


EXCHANGE_SENDER = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@ca.test"
BOB = "bob@ca.test"


@pytest.mark.parametrize(
    ("message", "expected", "why"),
    [
        (plain("failure notice", QMAIL), ("failed", BOB, "5.1.1"), "no mailbox here by that name"),
        (plain("Mail failed", EXIM, X_Failed_Recipients=BOB), ("failed", BOB, ""), "550 Unrouteable address"),
        (plain("Undeliverable: CPR", EXCHANGE, EXCHANGE_SENDER), ("failed", BOB, "5.1.10"), "RecipientNotFound"),
        (plain("Warning: could not send message for past 4 hours", SENDMAIL), ("delayed", BOB, "4.4.1"), "451"),
        (plain("Unzustellbar: CPR", GERMAN, "noreply@ca.test", Return_Path="<>"), ("failed", BOB, "5.2.2"), "552"),
        (plain("Re: your mail", "delivery failed", "postmaster@ca.test"), ("failed", "", ""), "delivery failed"),
    ],
)
def test_ill_formed_bounces_are_bounces(message: bytes, expected: tuple[str, str, str], why: str) -> None:
    [bounce] = parse(message)
    assert (bounce.action, bounce.recipient, bounce.status) == expected
    assert why in bounce.diagnostic


@pytest.mark.parametrize(
    "message",
    [
        plain("Re: Key compromise", "The certificate does not exist any more; delivery failed?", "Bob <bob@ca.test>"),
        plain("Undeliverable?", "Was your mail undeliverable?", "Bob <bob@ca.test>"),
        plain("Weekly report", "All is well", "postmaster@ca.test"),
        plain("Out of office", "I am on leave", "bob@ca.test", Return_Path="<>"),
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_bounce(message: bytes) -> None:
    assert parse(message) == ()


@given(st.binary(max_size=1000), st.text(max_size=200), st.binary(max_size=200))
def test_no_message_raises(body: bytes, block: str, header: bytes) -> None:
    for raw in (body, header + b"\r\n" + report(block), b"From: MAILER-DAEMON@x\nSubject: undeliverable\n\n" + body):
        for bounce in parse(raw):
            assert bounce.action in ACTIONS
            assert len(bounce.diagnostic) <= 300
            assert "\n" not in bounce.recipient + bounce.diagnostic
