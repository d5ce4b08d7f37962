"""The email channel: its settings, what it sends, what a reply means, and when it tries again."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from channels.email.submitting import PERSON, channel, ours, report, send, sender, settings, transcript
from channels.hurried_clock import HurriedClock
from channels.opened import resources
from pydantic import ValidationError
from servers import smtp_script
from servers.smtp_script import DROP, HANG, SmtpScript

from canary.channels import Sender
from canary.channels.email.channel import EmailChannel
from canary.channels.email.settings import ContactSettings
from canary.model import Attachment, Component, Failure

pytestmark = pytest.mark.usefixtures("pipelining")

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
    ("ehlo", "asked", "envelope", "parameters"),
    [
        ("250-x\r\n250 DSN", True, " ENVID=", " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;problems+2Bkey@ca.test"),
        ("250-x\r\n250 DSN", False, "", ""),
        ("250-x\r\n250 8BITMIME", True, "", ""),
    ],
)
async def test_notifications_are_asked_for_if_wanted_and_offered(
    ehlo: str, asked: bool, envelope: str, parameters: str
) -> None:
    async with SmtpScript({"EHLO": [ehlo]}).running() as server:
        assert (await send(server.port, to="problems+key@ca.test", dsn=asked)).accepted
    mail = re.fullmatch(r"(MAIL FROM:<\S*?([a-z2-7]{40})@\S*>)(.*)", server.commands[1])
    assert mail is not None
    assert mail[3] == (f"{envelope}{mail[2]}" if envelope else "")
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
        submission = await send(server.port, within=2.0)
    assert ours(submission) == (Component.SMTP, "deferred")
    assert submission.reason == "452 4.3.1 disk full (at MAIL FROM)"


@pytest.mark.parametrize("ending", [DROP, HANG, "nonsense", "354 what?", "999 what?"])
async def test_what_is_not_answered_after_the_dot_is_uncertain_and_never_sent_again(ending: str) -> None:
    async with SmtpScript({"END": [ending, "250 ok"]}).running() as server:
        submission = await send(server.port, within=3.0 if ending == HANG else 30.0)
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
