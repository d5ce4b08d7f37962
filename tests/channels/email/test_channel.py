from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from channels.hurried_clock import HurriedClock
from channels.opened import resources
from pydantic import ValidationError
from servers import smtp_script
from servers.certificates import authority_file, expired_cert, server_cert, stranger_cert
from servers.smtp_script import DROP, HANG, SmtpScript

from canary.channels import Sender
from canary.channels.email.channel import EmailChannel
from canary.channels.email.pool import Pool
from canary.channels.email.settings import ContactSettings, EmailSettings
from canary.channels.email.smtp import Envelope
from canary.channels.email.transcript import Transcript
from canary.clock import Clock
from canary.echo import Echo
from canary.mark import Keyring, new_probe_id
from canary.model import Attachment, Component, Failure, OwnFaultError, Person, Report, Submission
from canary.settings import Server

KEYS = Keyring([b"k" * 32])
PERSON = Person("Jana Novák", "jana@persona.test")
PASSWORD = "tr0ub4dor & three"


@pytest.fixture(autouse=True, params=["one by one", "pipelined"])
def _pipelining(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here is so whether or not the server takes several commands at a time (RFC 2920)."""
    monkeypatch.setattr(smtp_script, "PIPELINING", request.param == "pipelined")


def report(**different: Any) -> Report:
    probe = new_probe_id()
    mark = KEYS.make(probe, datetime.now(UTC))
    given = {"subject": f"Key compromise {mark}", "text": f"Hello,\n.\n..dots\n{mark}\n"} | different
    return Report(probe=probe, variant="V01", mark=mark, person=PERSON, **given)


def settings(to: str = "problems@ca.test", **different: Any) -> EmailSettings:
    given = {"kind": "email", "to": to, "arrives_in": "cpr", "approved_by": "the test"} | different
    return EmailSettings.model_validate(given)


def sender(port: int, tls: str = "none", **different: Any) -> Sender:
    server = {"host": "127.0.0.1", "port": port, "tls": tls, "timeout": "20s"} | different
    return Sender("own", PERSON, Server.model_validate(server), "jana+{mark}@persona.test")


def login(folder: Path, password: str = PASSWORD) -> dict[str, Any]:
    """The settings of a login, with its password in a file as an operator keeps it."""
    file = folder / "password"
    file.write_text(password + "\n")
    return {"username": "jana", "password": {"file": str(file)}}


@asynccontextmanager
async def channel(
    port: int, to: str = "problems@ca.test", dsn: bool = False, **server: Any
) -> AsyncIterator[EmailChannel]:
    opened = EmailChannel(settings(to, request_dsn=dsn), sender(port, **server), resources())
    try:
        yield opened
    finally:
        await opened.close()


async def send(
    port: int, *, within: float = 30.0, to: str = "problems@ca.test", dsn: bool = False, **server: Any
) -> Submission:
    async with channel(port, to, dsn, **server) as opened:
        return await opened.submit(opened.prepare(report()), within=within)


def transcript(submission: Submission) -> str:
    ((name, content),) = submission.artefacts
    assert name == "smtp-transcript.txt"
    return content.decode()


def ours(submission: Submission) -> tuple[Component | None, str | None]:
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.OURS, False)
    assert submission.reason
    return submission.component, submission.own_reason


def context(chain_and_key: tuple[Path, Path]) -> ssl.SSLContext:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(*chain_and_key)
    return server_side


# Settings


@pytest.mark.parametrize(
    "to",
    [
        "a@ca.test, b@ca.test",
        "a@ca.test;b@ca.test",
        "A <a@ca.test>",
        "a@ca.test\r\nRCPT TO:<b@ca.test>",
        "a",
        "a@",
        "a@b@c.test",
    ],
)
def test_there_is_exactly_one_recipient(to: str) -> None:
    with pytest.raises(ValidationError, match=r"wanted exactly one bare address such as name@example\.com"):
        settings(to)


def test_a_channel_targets_its_recipients_domain() -> None:
    assert settings("Problems@CA.Test").targets() == ("ca.test",)
    contact = {"kind": "contact", "to": "anna@ca.test", "arrives_in": "cpr", "approved_by": "the test"}
    assert ContactSettings.model_validate(contact).targets() == ("ca.test",)


def test_an_envelope_sender_that_is_no_address_is_refused() -> None:
    bad = Sender("own", PERSON, sender(1).submission, "{mark}@persona.test> SIZE=1")
    with pytest.raises(ValueError, match="envelope sender of own is no address"):
        EmailChannel(settings(), bad, resources())


# What is sent


async def test_the_mark_is_in_message_id_and_envelope_and_nothing_there_is_constant() -> None:
    async with SmtpScript().running() as server, channel(server.port) as opened:
        outgoing = opened.prepare(report())
        submission = await opened.submit(outgoing, within=30)
    mark = outgoing.report.mark
    assert outgoing.message_id == f"<{mark}@persona.test>"
    assert submission.accepted
    assert server.commands[:4] == [
        "EHLO [127.0.0.1]",
        f"MAIL FROM:<jana+{mark}@persona.test>",
        "RCPT TO:<problems@ca.test>",
        "DATA",
    ]
    (received,) = server.messages
    assert received.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.") == outgoing.payload


async def test_an_accepted_message_is_told_with_its_stages_and_the_whole_dialogue() -> None:
    async with SmtpScript().running() as server, channel(server.port) as opened:
        outgoing = opened.prepare(report())
        before = datetime.now(UTC)
        submission = await opened.submit(outgoing, within=30)
    assert (submission.accepted, submission.failure, submission.uncertain) == (True, None, False)
    assert submission.reason == "250 2.0.0 queued as 4711 (at the end of DATA)"
    moment = timedelta(milliseconds=1)  # our clock goes by the steady one, and is as exact as the two are read at once
    assert before - moment <= submission.at <= datetime.now(UTC) + moment
    names, seconds = zip(*submission.steps, strict=True)
    assert names == ("connected", "accepted")
    assert 0 <= seconds[0] <= seconds[1] == submission.seconds
    said = transcript(submission)
    assert "S: 220 mail.sender.test ESMTP" in said
    assert "S: 250-DSN\n" in said
    assert f"<message of {len(outgoing.payload)} bytes, SHA-256 {hashlib.sha256(outgoing.payload).hexdigest()}>" in said
    assert "Hello" not in said


@pytest.mark.parametrize(
    ("ehlo", "asked", "parameters"),
    [
        ("250-x\r\n250 DSN", True, " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;problems+2Bkey@ca.test"),
        ("250-x\r\n250 DSN", False, ""),
        ("250-x\r\n250 8BITMIME", True, ""),
    ],
)
async def test_notifications_are_asked_for_if_wanted_and_offered(ehlo: str, asked: bool, parameters: str) -> None:
    async with SmtpScript({"EHLO": [ehlo]}).running() as server:
        assert (await send(server.port, to="problems+key@ca.test", dsn=asked)).accepted
    assert server.commands[2] == f"RCPT TO:<problems+key@ca.test>{parameters}"


# What a reply means


@pytest.mark.parametrize(
    ("verb", "reply", "reason"),
    [
        (
            "RCPT",
            "550-5.1.1 no such user\r\n550 5.1.1 ask elsewhere",
            "550 5.1.1 no such user / 5.1.1 ask elsewhere (at RCPT TO)",
        ),
        ("DATA", "554 5.7.1 not from you", "554 5.7.1 not from you (at DATA)"),
        ("END", "552 5.7.0 attachments not accepted", "552 5.7.0 attachments not accepted (at the end of DATA)"),
    ],
)
async def test_a_refusal_of_recipient_or_message_is_theirs(verb: str, reply: str, reason: str) -> None:
    async with SmtpScript({verb: [reply]}).running() as server:
        submission = await send(server.port)
    assert (submission.accepted, submission.failure, submission.uncertain) == (False, Failure.REJECTED, False)
    assert (submission.reason, submission.component, submission.attempts) == (reason, None, 1)


@pytest.mark.parametrize(
    ("verb", "reply", "own_reason"),
    [
        ("GREETING", "554 go away", "session_refused"),
        ("EHLO", "550 who are you", "session_refused"),
        ("MAIL", "553 5.7.1 not your address", "sender_refused"),
        ("MAIL", "530 5.7.0 authentication required", "auth_failed"),
        ("GREETING", "what is this?", "protocol_error"),
        ("RCPT", "xyz", "protocol_error"),
        ("RCPT", "250" + "-" + "x" * 9000, "protocol_error"),
        ("RCPT", "354 surprise", "protocol_error"),
        ("DATA", "250 surprise", "protocol_error"),
        ("MAIL", "999 surprise", "protocol_error"),
    ],
)
async def test_whatever_keeps_us_from_the_recipient_is_ours(verb: str, reply: str, own_reason: str) -> None:
    async with SmtpScript({verb: [reply]}).running() as server:
        submission = await send(server.port)
    assert ours(submission) == (Component.SMTP, own_reason)
    assert submission.attempts == 1
    assert not server.messages


async def test_a_server_that_is_not_there_is_ours() -> None:
    async with SmtpScript().running() as server:
        port = server.port
    assert ours(await send(port)) == (Component.SMTP, "unreachable")


async def test_a_server_without_a_name_in_the_dns_is_ours() -> None:
    opened = EmailChannel(settings(), sender(25, "starttls", host="no-such-host.invalid"), resources())
    submission = await opened.submit(opened.prepare(report()), within=30)
    assert ours(submission) == (Component.DNS, "name_not_found")


async def test_a_host_that_is_no_name_is_ours() -> None:
    opened = EmailChannel(settings(), sender(25, "starttls", host="mail..persona.test"), resources())
    submission = await opened.submit(opened.prepare(report()), within=30)
    assert ours(submission) == (Component.DNS, "name_not_found")


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_silence_before_the_message_is_ours(verb: str) -> None:
    async with SmtpScript({verb: [HANG]}).running() as server:
        submission = await send(server.port, within=0.3)
    assert ours(submission) == (Component.SMTP, "timeout")
    assert not server.messages


async def test_hostile_replies_become_harmless_text() -> None:
    async with SmtpScript({"RCPT": ["550 \x1b[2J\x07\xff<script>\x00"]}).running() as server:
        submission = await send(server.port)
    assert submission.failure is Failure.REJECTED
    assert submission.reason == "550 ?[2J??<script>? (at RCPT TO)"
    assert transcript(submission).replace("\n", "").isprintable()


async def test_commands_are_said_together_where_the_server_takes_them_together() -> None:
    async with SmtpScript().running() as server:
        said = transcript(await send(server.port))
    told = re.findall(r"[CS]: (?:[A-Z]+|[0-9]+)", said[said.index("C: MAIL") :])[:6]
    if smtp_script.PIPELINING:
        assert told == ["C: MAIL", "C: RCPT", "C: DATA", "S: 250", "S: 250", "S: 354"]
    else:
        assert told == ["C: MAIL", "S: 250", "C: RCPT", "S: 250", "C: DATA", "S: 354"]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_a_server_that_would_take_the_message_of_a_refused_command_gets_none(verb: str) -> None:
    async with SmtpScript({verb: ["550 no"]}).running() as server:  # and 354 to DATA
        assert not (await send(server.port)).accepted
    assert not server.messages


# Trying again, and when not to


@pytest.mark.parametrize("verb", ["GREETING", "MAIL", "RCPT", "DATA", "END"])
async def test_a_temporary_refusal_is_followed_by_another_attempt_with_the_same_bytes(verb: str) -> None:
    usual = {"GREETING": "220 hi", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", "END": "250 ok"}[verb]
    async with SmtpScript({verb: ["451 4.7.1 greylisted", usual]}).running() as server:
        submission = await send(server.port)
    assert (submission.accepted, submission.attempts) == (True, 2)
    assert len(set(server.messages)) == 1
    assert len(server.messages) == (2 if verb == "END" else 1)
    assert "451 4.7.1 greylisted" in transcript(submission)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_connection_lost_before_the_message_is_followed_by_another_attempt(verb: str) -> None:
    usual = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go"}[verb]
    async with SmtpScript({verb: [DROP, usual]}).running() as server:
        submission = await send(server.port)
    assert (submission.accepted, submission.attempts) == (True, 2)
    assert len(server.messages) == 1


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "END"])
async def test_a_temporary_refusal_that_lasts_is_theirs(verb: str) -> None:
    async with SmtpScript({verb: ["450 4.2.1 mailbox busy"]}).running() as server:
        submission = await send(server.port, within=2.4)
    assert (submission.failure, submission.attempts) == (Failure.REJECTED, 2)
    assert submission.reason.startswith("450 4.2.1 mailbox busy (at ")


async def test_pauses_and_the_end_of_them_are_by_the_given_clock() -> None:
    clock = HurriedClock()
    async with SmtpScript({"RCPT": ["450 4.2.1 mailbox busy"]}).running() as server:
        opened = EmailChannel(settings(), sender(server.port), resources(clock=clock))
        submission = await opened.submit(opened.prepare(report()), within=3600)
        await opened.close()
    assert 3600 - 72 < submission.seconds == clock.passed < 3600
    assert submission.at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    pauses = [float(pause) for pause in re.findall(r"trying again in ([\d.]+) s", transcript(submission))]
    assert len(pauses) == submission.attempts - 1
    wanted = [1, 2, 4, 8, 15, 30, *[60] * (len(pauses) - 6)]
    assert [pause / usual for pause, usual in zip(pauses, wanted, strict=True)] == pytest.approx(
        [1.0] * len(pauses), abs=0.26
    )


async def test_the_same_time_and_chance_make_the_same_message_and_the_same_pauses() -> None:
    written = report(attachments=(Attachment("a.txt", "text/plain", b"a"),))
    took, payloads = set(), set()
    async with SmtpScript({"RCPT": ["450 4.2.1 mailbox busy"]}).running() as server:
        for seed in (1, 1, 2):
            given = resources(clock=HurriedClock(), rng=Random(seed))
            opened = EmailChannel(settings(), sender(server.port), given)
            outgoing = opened.prepare(written)
            took.add((await opened.submit(outgoing, within=60)).seconds)
            payloads.add(outgoing.payload)
            await opened.close()
    assert (len(took), len(payloads)) == (2, 2)
    assert all(b"Date: Sun, 01 Mar 2026 12:00:00 +0000" in payload for payload in payloads)


async def test_a_temporary_refusal_of_the_sender_that_lasts_is_ours() -> None:
    async with SmtpScript({"MAIL": ["452 4.3.1 disk full"]}).running() as server:
        submission = await send(server.port, within=0.5)
    assert ours(submission) == (Component.SMTP, "deferred")
    assert submission.reason == "452 4.3.1 disk full (at MAIL FROM)"


@pytest.mark.parametrize("ending", [DROP, HANG, "nonsense", "354 what?", "999 what?"])
async def test_what_is_not_answered_after_the_dot_is_uncertain_and_never_sent_again(ending: str) -> None:
    async with SmtpScript({"END": [ending, "250 ok"]}).running() as server:
        submission = await send(server.port, within=1.0 if ending == HANG else 30.0)
    assert (submission.accepted, submission.uncertain, submission.failure) == (False, True, None)
    assert submission.attempts == 1
    assert "it is not known whether the message was taken" in submission.reason
    assert len(server.messages) == 1


async def test_a_cancelled_submission_leaves_no_half_used_connection() -> None:
    async with SmtpScript({"RCPT": [HANG, "250 ok"]}).running() as server, channel(server.port) as opened:
        task = asyncio.create_task(opened.submit(opened.prepare(report()), within=30))
        await server.heard("RCPT")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await opened.submit(opened.prepare(report()), within=30)).accepted
    assert (server.connections, len(server.messages)) == (2, 1)


# Connections


async def test_a_connection_is_used_again() -> None:
    async with SmtpScript().running() as server, channel(server.port) as opened:
        for _ in range(3):
            assert (await opened.submit(opened.prepare(report()), within=30)).accepted
    assert (server.connections, len(server.messages)) == (1, 3)


async def test_channels_of_one_sender_share_connections() -> None:
    async with SmtpScript().running() as server:
        own = sender(server.port)
        shared = resources()
        channels = [EmailChannel(settings(f"c{number}@ca.test"), own, shared) for number in range(3)]
        for opened in channels:
            assert (await opened.submit(opened.prepare(report()), within=30)).accepted
        for opened in channels:
            await opened.close()
    assert (server.connections, len(server.messages)) == (1, 3)


async def test_no_more_than_four_connections_are_used_at_a_time() -> None:
    async with SmtpScript().running() as server, channel(server.port) as opened:
        outgoing = [opened.prepare(report()) for _ in range(20)]
        submissions = await asyncio.gather(*(opened.submit(one, within=30) for one in outgoing))
    assert all(submission.accepted for submission in submissions)
    assert server.connections == 4
    assert len(set(server.messages)) == 20


async def test_waiting_for_a_connection_has_an_end() -> None:
    async with SmtpScript({"END": [HANG]}).running() as server, channel(server.port) as opened:
        stuck = [asyncio.create_task(opened.submit(opened.prepare(report()), within=30)) for _ in range(4)]
        await server.heard("DATA", 4)
        submission = await opened.submit(opened.prepare(report()), within=0.2)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
    assert ours(submission) == (Component.SMTP, "timeout")


async def test_a_connection_that_the_server_closed_is_replaced_unnoticed() -> None:
    async with SmtpScript().running() as server, channel(server.port) as opened:
        assert (await opened.submit(opened.prepare(report()), within=30)).accepted
        server.hang_up()
        again = await opened.submit(opened.prepare(report()), within=30)
    assert (again.accepted, again.attempts) == (True, 1)
    assert (server.connections, len(server.messages)) == (2, 2)


async def test_a_connection_on_which_the_server_spoke_unasked_is_replaced_unnoticed() -> None:
    replies = {"END": ["250 ok\r\n250 ok again", "250 ok"]}
    async with SmtpScript(replies).running() as server, channel(server.port) as opened:
        for _ in range(2):
            assert (await opened.submit(opened.prepare(report()), within=30)).accepted
    assert (server.connections, len(server.messages)) == (2, 2)


async def test_a_connection_that_the_server_no_longer_wants_is_replaced_unnoticed() -> None:
    replies = {"MAIL": ["250 ok", "421 4.4.2 idle for too long", "250 ok"]}
    async with SmtpScript(replies).running() as server, channel(server.port) as opened:
        assert (await opened.submit(opened.prepare(report()), within=30)).accepted
        again = await opened.submit(opened.prepare(report()), within=30)
    assert (again.accepted, again.attempts) == (True, 1)
    assert (server.connections, len(server.messages)) == (2, 2)


async def test_a_connection_is_not_used_again_after_a_refusal() -> None:
    async with SmtpScript({"RCPT": ["550 no", "250 ok"]}).running() as server, channel(server.port) as opened:
        assert (await opened.submit(opened.prepare(report()), within=30)).failure is Failure.REJECTED
        assert (await opened.submit(opened.prepare(report()), within=30)).accepted
    assert (server.connections, len(server.messages)) == (2, 1)


async def test_closing_a_channel_leaves_what_another_of_its_sender_is_submitting() -> None:
    async with SmtpScript().running() as server:
        own, shared = sender(server.port), resources()
        one, other = (EmailChannel(settings(f"{name}@ca.test"), own, shared) for name in ("one", "other"))
        submitting = asyncio.create_task(one.submit(one.prepare(report()), within=30))
        await server.heard("MAIL")
        await other.close()
        assert (await submitting).accepted
        await one.close()
    assert (server.connections, len(server.messages)) == (1, 1)


async def test_closing_says_goodbye_and_may_be_done_twice() -> None:
    async with SmtpScript().running() as server:
        async with channel(server.port) as opened:
            assert (await opened.submit(opened.prepare(report()), within=30)).accepted
            await opened.close()
        await server.heard("QUIT")
    assert server.verbs().count("QUIT") == 1


async def test_a_connection_that_is_not_used_for_a_while_is_closed_politely() -> None:
    clock, envelope = Clock(), Envelope("jana@persona.test", "problems@ca.test", b"Subject: x\r\n\r\n.\r\n")
    async with SmtpScript().running() as server:
        pool = Pool(sender(server.port).submission, clock, idle=0.05)
        for _ in range(2):
            assert await pool.deliver(envelope, Transcript(clock), clock.monotonic() + 30)
            await server.heard("QUIT", server.connections)
    assert (server.connections, len(server.messages)) == (2, 2)


# TLS and AUTH

OFFER = "250-mail.sender.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN CRAM-MD5"


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    return {"ca_file": str(authority_file(authority, tmp_path))}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_verified_connection_is_secured_and_says_how(
    tls: str, authority: trustme.CA, trust: dict[str, Any], tmp_path: Path
) -> None:
    script = SmtpScript({"EHLO": [OFFER]}, context(server_cert(authority, tmp_path)), implicit=tls == "implicit")
    async with script.running() as server:
        submission = await send(server.port, tls=tls, **trust)
    assert submission.accepted
    assert "-- TLSv1.3, " in transcript(submission)
    assert server.verbs().count("EHLO") == (2 if tls == "starttls" else 1)  # RFC 3207 section 4.2


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("fault", ["unknown CA", "expired", "other name"])
async def test_a_certificate_that_does_not_verify_is_refused(
    tls: str, fault: str, authority: trustme.CA, trust: dict[str, Any], tmp_path: Path
) -> None:
    certificates = {
        "unknown CA": lambda: stranger_cert(tmp_path),
        "expired": lambda: expired_cert(authority, tmp_path),
        "other name": lambda: server_cert(authority, tmp_path, ["other.test"]),
    }
    script = SmtpScript({"EHLO": [OFFER]}, context(certificates[fault]()), implicit=tls == "implicit")
    async with script.running() as server:
        submission = await send(server.port, tls=tls, **trust, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "tls_failed")
    assert "certificate verify failed" in submission.reason
    assert not {"AUTH", "MAIL"} & set(server.verbs())


async def test_a_stripped_starttls_is_refused_before_anything_is_told(trust: dict[str, Any], tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": ["250-x\r\n250 AUTH PLAIN"]}).running() as server:
        submission = await send(server.port, tls="starttls", **trust, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "starttls_missing")
    assert set(server.verbs()) <= {"EHLO", "QUIT"}


async def test_a_refused_starttls_is_ours(trust: dict[str, Any]) -> None:
    async with SmtpScript({"EHLO": [OFFER], "STARTTLS": ["501 no"]}).running() as server:
        submission = await send(server.port, tls="starttls", **trust)
    assert ours(submission) == (Component.SMTP, "tls_failed")


async def test_a_ca_file_that_cannot_be_read_is_ours(tmp_path: Path) -> None:
    submission = await send(1, tls="starttls", ca_file=str(tmp_path / "absent.pem"))
    assert ours(submission) == (Component.SMTP, "tls_failed")
    assert "absent.pem" in submission.reason


async def test_a_password_that_is_not_there_is_ours(tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": ["250-x\r\n250 AUTH PLAIN"]}).running() as server:
        submission = await send(server.port, username="jana", password={"file": str(tmp_path / "absent")})
    assert ours(submission) == (Component.CONFIG, "secret_missing")


async def test_a_server_without_auth_is_ours(tmp_path: Path) -> None:
    async with SmtpScript({"EHLO": ["250 x"]}).running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "auth_failed")


@pytest.mark.parametrize(
    ("method", "challenged"), [("PLAIN", False), ("LOGIN", True), ("CRAM-MD5", True), ("PLAIN LOGIN CRAM-MD5", False)]
)
async def test_no_secret_is_ever_written_down(method: str, challenged: bool, tmp_path: Path) -> None:
    script = SmtpScript(
        {
            "EHLO": [f"250-x\r\n250 AUTH {method}"],
            "AUTH": ["334 PDEyMzQ1QG1haWw+" if challenged else "235 ok"],
            b64encode(b"jana").decode().upper(): ["334 UGFzc3dvcmQ6"],
        },
        otherwise="235 ok",
    )
    async with script.running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert submission.accepted
    told = transcript(submission) + repr(submission)
    assert "C: AUTH " in told
    assert "<secret>" in told
    proof = server.commands[server.verbs().index("MAIL") - 1].split()[-1]
    assert len(proof) > 20
    assert proof not in told
    assert PASSWORD not in told


async def test_a_challenge_that_is_none_is_ours(tmp_path: Path) -> None:
    script = SmtpScript({"EHLO": ["250-x\r\n250 AUTH CRAM-MD5"], "AUTH": ["334 abc"]})
    async with script.running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert ours(submission) == (Component.SMTP, "protocol_error")


async def test_a_secret_that_the_server_says_back_is_not_written_down(tmp_path: Path) -> None:
    plain = b64encode(f"\0jana\0{PASSWORD}".encode()).decode()
    refusal = f"535 5.7.8 {PASSWORD} is wrong, and so is {plain}"
    async with SmtpScript({"EHLO": ["250-x\r\n250 AUTH PLAIN"], "AUTH": [refusal]}).running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert server.commands[1] == f"AUTH PLAIN {plain}"
    assert ours(submission) == (Component.SMTP, "auth_failed")
    assert submission.reason == "535 5.7.8 <secret> is wrong, and so is <secret> (at AUTH)"
    assert not any(secret in transcript(submission) for secret in (PASSWORD, plain))


SAID_BACK = {
    "in Base64": lambda p: b64encode(p.encode()).decode(),
    "in Base64 with another name": lambda p: b64encode(f"boss\0jana\0{p}".encode()).decode(),
    "as XOAUTH2": lambda p: b64encode(f"user=jana\1auth=Bearer {p}\1\1".encode()).decode(),
    "in percents": quote,
    "quoted": lambda p: '"' + p + '"',
    "over two lines": lambda p: f"{p[:8]}\r\n535 5.7.8 {p[8:]}",
    "in pieces": lambda p: f"{p[8:]} {p[:8]}",
}


@pytest.mark.parametrize("way", list(SAID_BACK))
@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
async def test_nothing_that_may_be_the_password_is_told_of_a_refused_login(
    way: str, method: str, tmp_path: Path
) -> None:
    refusal = f"535-5.7.8 what is {SAID_BACK[way](PASSWORD)}\r\n535 5.7.8 ?"
    replies = {"EHLO": [f"250-x\r\n250 AUTH {method}"], "AUTH": [refusal]}
    async with SmtpScript(replies, otherwise=refusal).running() as server:
        submission = await send(server.port, **login(tmp_path))
    told = transcript(submission) + repr(submission)
    assert ours(submission) == (Component.SMTP, "auth_failed")
    assert submission.reason.startswith("535 5.7.8 ")
    assert not any(piece in told for piece in (SAID_BACK[way](PASSWORD), PASSWORD[:8], PASSWORD[8:]))
    assert not Echo(PASSWORD).suspected(submission.reason.replace("the password", "").replace("<secret>", ""))


@pytest.mark.parametrize("way", ["in Base64", "in percents", "quoted", "as XOAUTH2"])
async def test_a_server_that_repeats_the_password_later_does_not_get_it_written_down(way: str, tmp_path: Path) -> None:
    replies = {"EHLO": ["250-x\r\n250 AUTH PLAIN"], "RCPT": [f"550 5.1.1 what is {SAID_BACK[way](PASSWORD)}?"]}
    async with SmtpScript(replies).running() as server:
        submission = await send(server.port, **login(tmp_path))
    assert "what is" in submission.reason
    assert "<secret>" in submission.reason
    assert SAID_BACK[way](PASSWORD) not in transcript(submission) + repr(submission)
    assert not Echo(PASSWORD).suspected(submission.reason.replace("<secret>", ""))


# check


async def test_check_looks_without_naming_anybody(authority: trustme.CA, trust: dict[str, Any], tmp_path: Path) -> None:
    script = SmtpScript({"EHLO": [OFFER]}, context(server_cert(authority, tmp_path)))
    async with script.running() as server, channel(server.port, tls="starttls", **trust, **login(tmp_path)) as opened:
        line = await opened.check()
        await server.heard("QUIT")
    assert line == f"own submission 127.0.0.1:{server.port} STARTTLS TLSv1.3, AUTH ok"
    assert server.verbs() == ["EHLO", "STARTTLS", "EHLO", "AUTH", "NOOP", "QUIT"]


@pytest.mark.parametrize(
    ("replies", "own_reason"),
    [
        ({"AUTH": ["535 5.7.8 no"]}, "auth_failed"),
        ({"GREETING": ["421 4.3.2 shutting down"]}, "deferred"),
        ({"NOOP": [DROP]}, "connection_lost"),
    ],
)
async def test_check_raises_for_a_fault_of_ours(replies: dict[str, list[str]], own_reason: str, tmp_path: Path) -> None:
    script = SmtpScript({"EHLO": ["250-x\r\n250 AUTH PLAIN"]} | replies)
    async with script.running() as server, channel(server.port, **login(tmp_path)) as opened:
        with pytest.raises(OwnFaultError) as caught:
            await opened.check()
    assert (caught.value.component, caught.value.reason) == (Component.SMTP, own_reason)
    assert PASSWORD not in caught.value.detail
