"""Each fault of the mail system once, and that it is gone afterwards."""

from __future__ import annotations

import smtplib

import pytest
from servers.ca_site import CaSite, User
from servers.polling import until
from servers.sending import note, submit


@pytest.fixture
def reporter(site: CaSite) -> User:
    site.add_user("alice")
    site.add_alias("problem-report", ["alice"])
    return site.add_user("reporter")


def report(site: CaSite, reporter: User, to: str = "problem-report@ca.test", text: str = "A key is public.") -> str:
    message = note(reporter.sender_address, to, text)
    submit(site, reporter, message, "reporter+v1@persona.test")
    return str(message["Message-ID"])


def arrived(site: CaSite, message_id: str) -> list[bytes]:
    return [raw for _, _, raw in site.messages("alice") if message_id.encode() in raw]


def test_a_recipient_refused_with_any_reply(site: CaSite, reporter: User) -> None:
    site.reject_recipient("problem-report@ca.test", "550 5.7.1 we know you not")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"550.*5\.7\.1.*we know you not"):
        report(site, reporter)
    site.reject_recipient("problem-report@ca.test", "451 4.7.1 later")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"451.*4\.7\.1.*later"):
        report(site, reporter)
    site.accept_recipient("problem-report@ca.test")
    message_id = report(site, reporter)
    assert until(lambda: arrived(site, message_id), "the report")


def test_attachments_refused_at_the_end_of_data(site: CaSite, reporter: User) -> None:
    site.refuse_attachments()
    message = note(reporter.sender_address, "problem-report@ca.test")
    message.add_attachment(b"x" * 200_000, maintype="application", subtype="zip", filename="evidence.zip")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(site, reporter, message)
    assert (refused.value.smtp_code, refused.value.smtp_error) == (552, b"5.7.0 attachments not accepted")
    plain = report(site, reporter)
    assert until(lambda: arrived(site, plain), "the report without attachment")
    site.heal()
    submit(site, reporter, message)
    assert until(lambda: arrived(site, message["Message-ID"]), "the report with its attachment")


@pytest.mark.parametrize("address", ["problem-report@ca.test", "alice@ca.test"])
def test_accepted_and_thrown_away(site: CaSite, reporter: User, address: str) -> None:
    site.silently_drop(address)
    dropped = report(site, reporter, "problem-report+x@ca.test")
    until(lambda: not site.postfix.queued(), "an empty queue")
    site.heal()
    kept = report(site, reporter)
    until(lambda: arrived(site, kept), "the later report")
    assert not arrived(site, dropped)
    assert not site.messages("reporter")


def test_held_until_released(site: CaSite, reporter: User) -> None:
    site.hold()
    message_id = report(site, reporter)
    until(site.postfix.held, "the report on hold")
    assert not arrived(site, message_id)
    site.release()
    assert until(lambda: arrived(site, message_id), "the report")


def test_delayed_is_released_by_itself(site: CaSite, reporter: User) -> None:
    site.delay(0.5)
    message_id = report(site, reporter)
    assert until(lambda: arrived(site, message_id), "the report")


def test_a_body_altered_in_transit(site: CaSite, reporter: User) -> None:
    site.rewrite_body(b"public", b"secret")
    lines = ["A key is public."] * 8000  # more than one packet of the filter's protocol
    message_id = report(site, reporter, text="\n".join(lines))
    [raw] = until(lambda: arrived(site, message_id), "the report")
    body = raw.partition(b"\r\n\r\n")[2]
    assert body.splitlines() == [b"A key is secret."] * len(lines)


@pytest.mark.parametrize("address", ["problem-report@ca.test", "alice@ca.test"])
@pytest.mark.parametrize("to", ["problem-report@ca.test", "problem-report+v1@ca.test"])
def test_delivered_twice(site: CaSite, reporter: User, address: str, to: str) -> None:
    site.duplicate(address)
    message_id = report(site, reporter, to)
    until(lambda: len(arrived(site, message_id)) == 2, "two copies")
    assert len([found for found in site.delivery_log() if found.message_id == message_id]) == 2


@pytest.mark.parametrize("address", ["problem-report@ca.test", "alice@ca.test"])
def test_bounced_after_acceptance(site: CaSite, reporter: User, address: str) -> None:
    site.bounce_later(address)
    message_id = report(site, reporter)
    [(_, _, bounce)] = until(lambda: site.messages("reporter"), "the bounce")
    assert f"Final-Recipient: rfc822; {address}".encode() in bounce
    assert b"Status: 5.1.1" in bounce
    assert message_id.encode() in bounce
    site.heal()
    later = report(site, reporter)
    assert until(lambda: arrived(site, later), "the later report")
    assert not arrived(site, message_id)
