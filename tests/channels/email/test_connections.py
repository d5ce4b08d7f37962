"""The connections of the email channel: shared and replaced, secured, logged in to, and looked at by check."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from channels.email.submitting import PASSWORD, channel, login, ours, report, send, sender, settings, transcript
from channels.opened import resources
from servers.certificates import authority_file, expired_cert, server_cert, stranger_cert
from servers.smtp_script import DROP, HANG, SmtpScript

from canary.channels.email.channel import EmailChannel
from canary.channels.email.pool import Pool
from canary.channels.email.smtp import Envelope
from canary.channels.email.transcript import Transcript
from canary.clock import Clock
from canary.echo import Echo
from canary.model import Component, Failure, OwnFaultError

pytestmark = pytest.mark.usefixtures("pipelining")


def context(chain_and_key: tuple[Path, Path]) -> ssl.SSLContext:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(*chain_and_key)
    return server_side


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
