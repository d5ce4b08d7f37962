"""The mail system of the tests, in good health: every way in, every way to look, and its own record of deliveries."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError
from servers.ca_site import PASSWORD, CaSite, User
from servers.polling import listening, until
from servers.sending import hand_over, note, submit


@pytest.fixture
def reporter(site: CaSite) -> User:
    return site.add_user("reporter")


def test_a_report_reaches_each_member_of_an_alias(site: CaSite, reporter: User) -> None:
    site.add_user("alice")
    site.add_user("bob")
    site.add_alias("problem-report@ca.test", ["alice", "bob@ca.test"])
    message = note(reporter.sender_address, "problem-report@ca.test")
    submit(site, reporter, message)
    for member in ("alice", "bob"):
        [(_, flags, raw)] = until(partial(site.messages, member), f"mail for {member}")
        assert message["Message-ID"].encode() in raw
        assert b"\\Seen" not in flags


def test_looking_leaves_a_message_unseen(site: CaSite) -> None:
    site.add_user("alice")
    site.deliver("alice", note("stranger@example.test", "alice@ca.test").as_bytes())
    assert site.messages("alice") == site.messages("alice")
    assert b"\\Seen" not in site.messages("alice")[0][1]


@pytest.mark.parametrize("address", ["alice+v1-abc@ca.test", "alice+v1-abc@persona.test", "ALICE@ca.test"])
def test_every_address_of_a_user_is_one_mailbox(site: CaSite, address: str) -> None:
    site.add_user("alice")
    hand_over(site, note("stranger@example.test", address))
    assert until(lambda: site.messages("alice"), "the message")


def test_submission_with_implicit_tls(site: CaSite, reporter: User) -> None:
    context = ssl.create_default_context(cafile=str(site.ca_file))
    with smtplib.SMTP_SSL(*site.submissions, context=context, timeout=30) as client:
        client.login(reporter.name, reporter.password)
        client.send_message(note(reporter.sender_address, reporter.address))
    assert until(lambda: site.messages("reporter"), "the message")


def test_submission_wants_tls_then_a_password(site: CaSite, reporter: User) -> None:
    with smtplib.SMTP(*site.submission, timeout=30) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=ssl.create_default_context(cafile=str(site.ca_file)))
        client.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("reporter", "a wrong one")
        client.mail(reporter.sender_address)
        assert client.rcpt(reporter.address)[0] == 554


def test_nothing_leaves_the_machine(site: CaSite) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="Relay access denied"):
        hand_over(site, note("stranger@example.test", "somebody@elsewhere.test"))


def test_imap_with_starttls(site: CaSite) -> None:
    site.add_user("alice", folders=["CPR", "Junk", "General", "Quarantine"])
    with IMAPClient(*site.imap, ssl=False, timeout=30) as client:
        client.starttls(ssl.create_default_context(cafile=str(site.ca_file)))
        client.login("alice", PASSWORD)
        folders = {name: flags for flags, _, name in client.list_folders()}
    assert set(folders) == {"INBOX", "CPR", "Junk", "General", "Quarantine"}
    assert b"\\Junk" in folders["Junk"]


def test_a_sieve_filter_for_all_and_one_for_a_user(site: CaSite) -> None:
    site.add_user("alice")
    site.add_user("bob")
    site.sieve('require "fileinto"; if header :contains "subject" "problem" { fileinto "Junk"; stop; }')
    hand_over(site, note("stranger@example.test", "bob@ca.test"))
    until(lambda: site.messages("bob", "Junk"), "bob's message in Junk")
    site.sieve("# nothing")
    site.sieve('require "fileinto"; fileinto "CPR";', "alice")
    hand_over(site, note("stranger@example.test", "alice@ca.test"))
    until(lambda: site.messages("alice", "CPR"), "alice's message in CPR")


def test_a_wrong_sieve_filter_is_refused(site: CaSite) -> None:
    with pytest.raises(ValueError, match="fileinto"):
        site.sieve('fileinto "CPR";')


def test_an_automatic_answer_reaches_the_sender(site: CaSite, reporter: User) -> None:
    site.add_user("alice")
    site.sieve('require "vacation"; vacation :addresses "alice@ca.test" "I am away.";', "alice")
    submit(site, reporter, note(reporter.sender_address, "alice@ca.test"), "reporter+v1@persona.test")
    [(_, _, raw)] = until(lambda: site.messages("reporter"), "the answer")
    assert b"Auto-Submitted: auto-replied" in raw


def test_a_departed_member_bounces_to_the_envelope_sender(site: CaSite, reporter: User) -> None:
    site.add_user("alice")
    site.add_user("bob")
    site.add_alias("problem-report", ["alice", "bob"])
    site.remove_user("bob")
    submit(site, reporter, note(reporter.sender_address, "problem-report@ca.test"), "reporter+v1@persona.test")
    [(_, _, bounce)] = until(lambda: site.messages("reporter"), "the bounce")
    assert b"Final-Recipient: rfc822; bob@ca.test" in bounce
    assert b"Action: failed" in bounce
    assert until(lambda: site.messages("alice"), "the message of the member who is left")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="550"):
        submit(site, reporter, note(reporter.sender_address, "bob@ca.test"))
    with pytest.raises(LoginError), site.session("bob"):
        pass


def test_a_delivery_is_on_record_to_the_microsecond(site: CaSite) -> None:
    site.add_user("alice")
    message = note("stranger@example.test", "alice+v1@ca.test")
    before = datetime.now(UTC)
    hand_over(site, message)
    [found] = until(
        lambda: [line for line in site.delivery_log() if line.message_id == message["Message-ID"]], "the log line"
    )
    assert found.recipient == "alice+v1@ca.test"
    assert "INBOX" in found.status
    assert before < found.at <= datetime.now(UTC) + timedelta(milliseconds=1)


def test_mail_waits_while_the_mailboxes_are_down(site: CaSite) -> None:
    site.add_user("alice")
    site.dovecot.stop()
    assert not listening(site.imaps)
    hand_over(site, note("stranger@example.test", "alice@ca.test"))
    until(site.postfix.queued, "the message in the queue")
    site.dovecot.start()
    assert until(lambda: site.messages("alice"), "the message")


def test_the_mail_server_stops_and_starts_on_its_ports(site: CaSite) -> None:
    site.postfix.stop()
    until(lambda: not listening(site.mx), "the port to be free")
    site.postfix.start()
    assert listening(site.mx)


def test_reset_forgets_everything(site: CaSite) -> None:
    site.add_user("alice")
    site.sieve('require "fileinto"; fileinto "CPR";')
    site.deliver("alice", note("stranger@example.test", "alice@ca.test").as_bytes())
    site.reset()
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        hand_over(site, note("stranger@example.test", "alice@ca.test"))
    site.add_user("alice")
    assert site.messages("alice") == []
    hand_over(site, note("stranger@example.test", "alice@ca.test"))
    assert until(lambda: site.messages("alice"), "the message in the INBOX")
